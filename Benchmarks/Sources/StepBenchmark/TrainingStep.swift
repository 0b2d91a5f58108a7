import FineTune

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Forward, backward, clipping and AdamW on one fixed batch.
final class TrainingStep {
    private let stages: [any Stage]
    private let head: LinearHead
    private let parameters: [Parameter]
    private var moments: [(Tensor, Tensor)]
    private let batch: Features
    private let targets: Tensor
    private let drops: Bool
    private var steps = 0

    init(
        folder: PretrainedFolder, configuration: TransformerConfiguration,
        benchmark: StepBenchmark
    ) throws {
        let source = ParameterSource(BackboneTensors(folder.tensors, prefix: "bert."))
        stages =
            try configuration.stages(from: source) + [
                Pooler(width: configuration.width, activation: .tanh, from: source["pooler.dense"])
            ]
        let fresh = ParameterSource(initializing: .float32, seed: 0)
        head = try LinearHead(
            featureSize: configuration.width, outputSize: 2, dropoutRate: 0.1,
            from: fresh["classifier"])
        parameters =
            (benchmark.frozen ? [] : stages.flatMap(\.parameters)) + head.parameters
        for parameter in parameters { parameter.isTrainable = true }
        moments = parameters.map { (Tensor(zeros: $0.value.shape), Tensor(zeros: $0.value.shape)) }
        drops = !benchmark.noDropout
        var random = RandomStream(seed: 0)
        let count = benchmark.batch * benchmark.length
        let pairs = (0..<count).flatMap { _ in [Int32.random(in: 1000..<30000, using: &random), 0] }
        batch = Features(
            Variable(Tensor(pairs, shape: [count, 2])),
            segments: Segments(
                lengths: Array(repeating: benchmark.length, count: benchmark.batch)))
        targets = Tensor(
            (0..<benchmark.batch).flatMap { $0 % 2 == 0 ? [Float(1), 0] : [0, 1] },
            shape: [benchmark.batch, 2])
    }

    func run() {
        steps += 1
        var pass = Pass.training(seed: 0, step: UInt32(steps))
        if !drops { pass = pass.withoutDropout }
        var features = batch
        for stage in stages {
            let trains = stage.parameters.contains { $0.isTrainable }
            features = stage(features, in: trains ? pass : pass.withoutDropout)
        }
        let loss = head(features.value, in: pass).softmaxCrossEntropy(targets: targets)
        (loss * (1 / Double(targets.shape[0]))).backward()
        let squares = parameters.reduce(0) { $0 + ($1.gradient?.sumOfSquares() ?? 0) }
        let scale = min(1, 1 / (squares.squareRoot() + 1e-6))
        for (index, parameter) in parameters.enumerated() {
            guard let gradient = parameter.gradient else { continue }
            var (first, second) = moments[index]
            // Held once, so that they change in place.
            moments[index] = (Tensor(Float(0)), Tensor(Float(0)))
            parameter.value.apply(
                .init(
                    learningRate: 2e-5, beta1: 0.9, beta2: 0.999, epsilon: 1e-8,
                    weightDecay: 0.01, step: steps, gradientScale: scale),
                gradient: gradient, moment1: &first, moment2: &second)
            moments[index] = (first, second)
            parameter.clearGradient()
        }
    }
}

func flush() { fflush(nil) }
