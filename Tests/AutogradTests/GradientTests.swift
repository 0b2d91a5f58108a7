import Tensor
import TestSupport
import Testing

/// Every gradient rule against central differences in float64.
@Suite struct GradientTests {
    @Test(arguments: GradientCase.all)
    func agreesWithCentralDifferences(_ gradientCase: GradientCase) {
        let testCase = gradientCase.testCase
        let inputs =
            gradientCase.isStrided ? testCase.inputs.map(Samples.strided) : testCase.inputs
        let failures = GradientCheck.failures(of: inputs, testCase.function)
        #expect(failures.isEmpty, "\(failures.prefix(5).joined(separator: "\n"))")
    }

    /// The views of the strided cases must be views for the cases to mean anything.
    @Test(arguments: [[7], [5, 3], [2, 3, 4]])
    func stridedSamplesAreNotContiguous(_ sizes: [Int]) {
        let dense = Samples.normal(.init(sizes))
        let view = Samples.strided(dense)
        #expect(sameBits(dense, view))
        #expect(!view.isContiguous)
    }
}
