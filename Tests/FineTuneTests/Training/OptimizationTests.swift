@testable import FineTune
import Foundation
import TestSupport
import Testing

/// Optimizers, clipping and schedules against PyTorch's and Transformers': see
/// `Fixtures/optimization/generate.py`. Everything is float64 on both sides.
@Suite struct OptimizationTests {
    struct Fixture: Decodable {
        let optimizers: [Run]
        let clipping: [Clipping]
        let schedules: [Factors]

        static func load() throws -> Fixture {
            let url = URL(fileURLWithPath: fixturePath("optimization/optimization.json"))
            return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url))
        }
    }

    struct Run: Decodable {
        let kind: String
        let beta1, beta2, epsilon, momentum: Double?
        let weightDecay: Double
        let start, rates: [Double]
        let gradients, weights: [[Double]]

        func optimizer() throws -> Optimizer {
            guard kind == "adamw" else {
                return .sgd(momentum: try #require(momentum), weightDecay: weightDecay)
            }
            return .adamW(
                beta1: try #require(beta1), beta2: try #require(beta2),
                epsilon: try #require(epsilon), weightDecay: weightDecay)
        }
    }

    struct Clipping: Decodable {
        let limit, length: Double
        let gradients, clipped: [[Double]]
    }

    struct Factors: Decodable {
        let kind: String
        let warmup, steps: Int
        let factors: [Double]
    }

    @Test(arguments: 0..<33)
    func everyStepIsPyTorchs(_ index: Int) throws {
        let run = try Fixture.load().optimizers[index]
        let state = OptimizerState(try run.optimizer())
        let parameter = Parameter(path: "weight", kind: .weight, value: Tensor(run.start))
        for step in run.rates.indices {
            parameter.accumulate(Tensor(run.gradients[step]))
            state.update(parameter, learningRate: run.rates[step], gradientScale: 1)
            #expect(parameter.gradient == nil)
            // A sum of six steps, each rounded to 1e-16 of numbers around 1.
            let tolerance = Tolerance(absolute: 1e-14, relative: 1e-13)
            #expect(
                mismatch(parameter.value, run.weights[step], within: tolerance) == nil,
                "step \(step) of \(run.kind)")
        }
    }

    /// The same in float32, as models are trained.
    @Test(arguments: 0..<33)
    func everyStepIsPyTorchsInFloat32(_ index: Int) throws {
        let run = try Fixture.load().optimizers[index]
        let state = OptimizerState(try run.optimizer())
        let start = Tensor(run.start).converted(to: .float32)
        let parameter = Parameter(path: "weight", kind: .weight, value: start)
        for step in run.rates.indices {
            parameter.accumulate(Tensor(run.gradients[step]).converted(to: .float32))
            state.update(parameter, learningRate: run.rates[step], gradientScale: 1)
            let tolerance = Tolerance(absolute: 1e-6, relative: 1e-6)
            #expect(mismatch(parameter.value, run.weights[step], within: tolerance) == nil)
        }
    }

    @Test(arguments: 0..<5)
    func gradientsAreClippedAsInPyTorch(_ index: Int) throws {
        let fixture = try Fixture.load().clipping[index]
        let length = fixture.gradients.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(mismatch(length, fixture.length, within: Tolerance(relative: 1e-14)) == nil)
        let scale = clippingScale(length: length, limit: fixture.limit)
        for (gradient, clipped) in zip(fixture.gradients, fixture.clipped) {
            let tolerance = Tolerance(absolute: 1e-15, relative: 1e-14)
            #expect(mismatch(Tensor(gradient) * scale, clipped, within: tolerance) == nil)
        }
        #expect(clippingScale(length: length, limit: nil) == 1)
    }

    /// An optimizer scales the gradient before it looks at it.
    @Test(arguments: [Optimizer.adamW(), .sgd()])
    func clippingComesFirst(_ optimizer: Optimizer) {
        let start = Samples.normal([20], seed: 1)
        let gradient = Samples.normal([20], seed: 2)
        let clipped = Parameter(path: "a", kind: .weight, value: start)
        let scaled = Parameter(path: "b", kind: .weight, value: start)
        let state = OptimizerState(optimizer)
        for _ in 0..<3 {
            clipped.accumulate(gradient)
            state.update(clipped, learningRate: 0.1, gradientScale: 0.25)
            scaled.accumulate(gradient * 0.25)
            state.update(scaled, learningRate: 0.1, gradientScale: 1)
        }
        #expect(sameBits(clipped.value, scaled.value))
    }

    @Test(
        arguments: Parameter.Kind.allCases,
        [
            Optimizer.adamW(weightDecay: 0.1), .sgd(weightDecay: 0.1),
        ])
    func decaySparesBiasesAndNormalizations(_ kind: Parameter.Kind, _ optimizer: Optimizer) {
        let parameter = Parameter(
            path: "a", kind: kind, value: Tensor(repeating: 2, shape: [5], dtype: .float64))
        parameter.accumulate(Tensor(zeros: [5], dtype: .float64))
        OptimizerState(optimizer).update(parameter, learningRate: 0.5, gradientScale: 1)
        let decays = [.weight, .embedding, .lowRank].contains(kind)
        let expected = decays ? 2 * (1 - 0.5 * 0.1) : 2.0
        let tolerance = Tolerance(relative: 1e-15)
        #expect(
            mismatch(parameter.value, [Double](repeating: expected, count: 5), within: tolerance)
                == nil)
    }

    /// A parameter without a gradient stays, decay or not.
    @Test func withoutAGradientNothingMoves() {
        let parameter = Parameter(path: "a", kind: .weight, value: Tensor([1.0, 2.0]))
        OptimizerState(.adamW(weightDecay: 0.5)).update(
            parameter, learningRate: 1, gradientScale: 1)
        #expect(parameter.value.elements(as: Double.self) == [1, 2])
    }

    @Test(arguments: 0..<30)
    func schedulesAreTransformers(_ index: Int) throws {
        let fixture = try Fixture.load().schedules[index]
        let decay = try #require(Schedule.Decay(rawValue: fixture.kind))
        let schedule = Schedule(decay, warmup: .steps(fixture.warmup))
        for step in 0..<fixture.steps {
            let factor = schedule.factor(step: step, of: fixture.steps)
            let tolerance = Tolerance(absolute: 1e-15, relative: 1e-15)
            #expect(mismatch(factor, fixture.factors[step], within: tolerance) == nil)
        }
    }

    /// As Transformers' `warmup_ratio`: the share is rounded up.
    @Test(arguments: [(0.1, 10, 1), (0.1, 11, 2), (0.0, 10, 0), (1.0, 10, 10), (2.0, 10, 10)])
    func aShareOfTheStepsIsRoundedUp(_ share: Double, _ steps: Int, _ warmup: Int) {
        let shared = Schedule(.linear, warmup: .share(share))
        let counted = Schedule(.linear, warmup: .steps(warmup))
        for step in 0..<steps {
            #expect(shared.factor(step: step, of: steps) == counted.factor(step: step, of: steps))
        }
    }

    @Test func theRateNeverFallsBelowZero() {
        for decay in Schedule.Decay.allCases {
            for step in 0..<40 {
                #expect(Schedule(decay).factor(step: step, of: 10) >= 0)
            }
        }
        #expect(Schedule.constant.factor(step: 0, of: 3) == 1)
    }
}
