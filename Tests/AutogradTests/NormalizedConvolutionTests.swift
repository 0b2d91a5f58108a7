import Autograd
import Tensor
import TestSupport
import Testing

/// Chains of convolutions with batch normalisation, which are one rule, against the operations one
/// by one. The small ones are among the cases of `GradientTests`.
@Suite struct NormalizedConvolutionTests {
    /// One convolution of a chain.
    struct Link: Sendable {
        var outputs: Int
        var window: Tensor.Window
        var isDepthwise = false
        var activation: Activation = .relu6

        func groups(_ inputs: Int) -> Int { isDepthwise ? inputs : 1 }
    }

    /// Images and what is done to them.
    struct Chain: Sendable, CustomTestStringConvertible {
        var shape: Tensor.Shape
        var links: [Link]

        var testDescription: String { "\(shape), \(links.count) links, \(links[0].window)" }

        /// The images, then weight, scale and shift of each link.
        func inputs(_ dtype: Tensor.DType) -> [Tensor] {
            var inputs = [Samples.normal(shape, seed: 1, dtype: dtype)]
            var channels = shape[3]
            for (index, link) in links.enumerated() {
                let seed = UInt64(10 * index)
                let (window, outputs) = (link.window, link.outputs)
                inputs += [
                    Samples.normal(
                        [
                            outputs, channels / link.groups(channels), window.vertical.size,
                            window.horizontal.size,
                        ], seed: seed + 2, dtype: dtype),
                    Samples.uniform([outputs], in: 0.5..<2, seed: seed + 3, dtype: dtype),
                    Samples.normal([outputs], seed: seed + 4, dtype: dtype),
                ]
                channels = outputs
            }
            return inputs
        }

        func fused(_ inputs: [Variable]) -> Variable {
            var parts: [NormalizedConvolution] = []
            var channels = shape[3]
            for (index, link) in links.enumerated() {
                parts.append(
                    NormalizedConvolution(
                        weight: inputs[3 * index + 1], gamma: inputs[3 * index + 2],
                        beta: inputs[3 * index + 3], window: link.window,
                        groups: link.groups(channels), epsilon: 1e-2,
                        activation: link.activation))
                channels = link.outputs
            }
            return inputs[0].convolvedAndNormalized(parts).output
        }

        func oneByOne(_ inputs: [Variable]) -> Variable {
            var x = inputs[0]
            for (index, link) in links.enumerated() {
                let y = x.convolved(
                    weight: inputs[3 * index + 1], bias: nil, window: link.window,
                    groups: link.groups(x.shape[3]))
                let moments = y.value.channelMoments()
                x = y.batchNormalized(
                    gamma: inputs[3 * index + 2], beta: inputs[3 * index + 3],
                    mean: moments.mean, variance: moments.variance, epsilon: 1e-2,
                    activation: link.activation)
            }
            return x
        }
    }

    private static func bottleneck(
        _ shape: Tensor.Shape, width: Int, outputs: Int, _ window: Tensor.Window
    ) -> Chain {
        Chain(
            shape: shape,
            links: [
                Link(outputs: width, window: .init(1)),
                Link(outputs: width, window: window, isDepthwise: true),
                Link(outputs: outputs, window: .init(1), activation: .identity),
            ])
    }

    /// Small enough for central differences.
    static let small: [Chain] = [
        bottleneck([2, 5, 4, 2], width: 5, outputs: 3, .init(3, padding: .same)),
        bottleneck([2, 5, 6, 2], width: 4, outputs: 2, .init(3, stride: 2, padding: .same)),
        bottleneck([1, 7, 6, 2], width: 3, outputs: 2, .init(5, stride: 2, padding: 2)),
        bottleneck([2, 6, 5, 1], width: 3, outputs: 2, .init(3, dilation: 2, padding: 2)),
        bottleneck([1, 7, 8, 2], width: 3, outputs: 2, .init(3, stride: 3, padding: 4)),
        Chain(
            shape: [2, 6, 6, 2],
            links: [
                Link(outputs: 3, window: .init(3, stride: 2, padding: 1)),
                Link(outputs: 3, window: .init(2), activation: .hardSwish),
            ]),
        Chain(
            shape: [2, 4, 5, 3],
            links: [Link(outputs: 3, window: .init(3, padding: 1), isDepthwise: true)]),
    ]

    /// So large that every operation takes several tiles.
    static let large: [Chain] = [
        bottleneck([3, 62, 60, 8], width: 48, outputs: 12, .init(3, padding: .same)),
        bottleneck([3, 62, 60, 8], width: 48, outputs: 12, .init(3, stride: 2, padding: .same)),
        bottleneck([2, 64, 61, 8], width: 40, outputs: 50, .init(5, stride: 2, padding: 2)),
        bottleneck([2, 14, 14, 80], width: 480, outputs: 80, .init(5, padding: .same)),
        Chain(
            shape: [2, 60, 60, 3],
            links: [
                Link(outputs: 40, window: .init(3, stride: 2, padding: .same)),
                Link(outputs: 40, window: .init(3, padding: 1), isDepthwise: true),
            ]),
    ]

    private func results(
        _ inputs: [Tensor], needing needed: [Bool], _ function: ([Variable]) -> Variable
    ) -> [Tensor] {
        let sinks = inputs.map { _ in ReceivedGradient() }
        let output = function(
            inputs.indices.map {
                needed[$0] ? Variable(inputs[$0], gradientTo: sinks[$0]) : Variable(inputs[$0])
            })
        output.backward(
            seed: Samples.normal(output.shape, seed: 77, dtype: output.value.dtype))
        return [output.value] + sinks.compactMap(\.gradient)
    }

    @Test(arguments: large)
    func agreesWithTheOperationsOneByOne(_ chain: Chain) {
        let inputs = chain.inputs(.float64)
        let count = inputs.count
        // Everything; all but the images; only what normalises; one weight in the middle.
        let patterns: [[Bool]] = [
            [Bool](repeating: true, count: count), (0..<count).map { $0 > 0 },
            (0..<count).map { $0 % 3 != 1 && $0 > 0 }, (0..<count).map { $0 == 4 },
        ]
        for needed in patterns {
            let found = results(inputs, needing: needed, chain.fused)
            let expected = results(inputs, needing: needed, chain.oneByOne)
            #expect(found.count == expected.count)
            for (index, (tensor, other)) in zip(found, expected).enumerated() {
                #expect(normMismatch(tensor, other, relative: 1e-10) == nil, "result \(index)")
            }
        }
    }

    /// The same bits on any number of threads, in all precisions.
    @Test(arguments: large, Tensor.Precision.allCases)
    func threadsChangeNoBit(_ chain: Chain, _ precision: Tensor.Precision) {
        let inputs = chain.inputs(.float32)
        let needed = [Bool](repeating: true, count: inputs.count)
        let run = { (threads: Int) in
            precision.applied {
                Tensor.Threads.limited(to: threads) {
                    results(inputs, needing: needed, chain.fused)
                }
            }
        }
        let alone = run(1)
        for threads in [2, 5] {
            #expect(zip(alone, run(threads)).allSatisfy { sameBits($0, $1) })
        }
    }
}
