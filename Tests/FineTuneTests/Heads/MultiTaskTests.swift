@testable import FineTune
import TestSupport
import Testing

@Suite struct MultiTaskTests {
    private typealias Topics = MultiTaskHead<ClassificationHead, RegressionHead>

    private let head = MultiTaskHead(
        ClassificationHead(labels: ["a", "b", "c"]), RegressionHead(), weights: (2, 0.5))

    private func encoded(
        _ answers: [(Int?, Double?)]
    ) -> [MultiTaskTarget<Int, Double>] {
        answers.map { MultiTaskTarget(first: $0.0, second: $0.1) }
    }

    /// The loss and gradient are those of each task alone on the rows that have an answer to it.
    @Test func theLossIsTheWeightedSumOfBoth() {
        let values: [Double] = [1, 2, -1, 0.5, 0, 1, 3, -2, -1, 0, 0.25, 4, 2, 2, 1, 1]
        let outputs = Tensor(values, shape: [4, 4])
        let targets = encoded([(0, 1), (nil, -1), (2, nil), (1, 0.5)])
        let sink = ReceivedGradient()
        let loss = head.loss(Variable(outputs, gradientTo: sink), targets: targets)
        loss.backward()

        let (classes, numbers) = (ReceivedGradient(), ReceivedGradient())
        let ofClasses = head.first.loss(
            Variable(
                outputs.gatheringRows([0, 2, 3]).sliced(0..<3, axis: 1).contiguous(),
                gradientTo: classes),
            targets: [0, 2, 1])
        let ofNumbers = head.second.loss(
            Variable(
                outputs.gatheringRows([0, 1, 3]).sliced(3..<4, axis: 1).contiguous(),
                gradientTo: numbers),
            targets: [1, -1, 0.5])
        ofClasses.backward()
        ofNumbers.backward()
        let expected = 2 * ofClasses.value.scalar + 0.5 * ofNumbers.value.scalar
        #expect(abs(loss.value.scalar - expected) < 1e-12)
        #expect(head.weight(of: targets) == 2 * 3 + 0.5 * 3)
        var gradient = [Double](repeating: 0, count: 16)
        let parts = (doubles(classes.gradient), doubles(numbers.gradient))
        for (place, row) in [0, 2, 3].enumerated() {
            for column in 0..<3 { gradient[row * 4 + column] = 2 * parts.0[place * 3 + column] }
        }
        for (place, row) in [0, 1, 3].enumerated() { gradient[row * 4 + 3] = 0.5 * parts.1[place] }
        #expect(
            sink.gradient.flatMap {
                mismatch($0, gradient, within: Tolerance(absolute: 1e-12))
            } == nil)
        #expect(sink.gradient != nil)
        let none = encoded([(nil, nil), (nil, nil)])
        #expect(head.weight(of: none) == 0)
        #expect(head.loss(Variable(outputs.sliced(0..<2)), targets: none).value.scalar == 0)
    }

    /// Outputs that are given.
    private final class Given: HeadNetwork {
        let output: Variable
        let parameters: [Parameter] = []

        init(_ output: Variable) { self.output = output }

        func callAsFunction(_ features: Variable, in pass: Pass) -> Variable { output }
    }

    /// The number of rows, and of each task's outputs.
    static let sizes: [[Int]] = [
        [1, 1, 1], [3, 2, 1], [5, 1, 4], [2, 17, 3], [40, 3, 66], [4, 3, 1, 2],
    ]

    /// Central differences: `MultiTaskNetwork` has a gradient rule of its own.
    @Test(arguments: sizes, [false, true])
    func eachTaskReceivesItsGradient(_ sizes: [Int], _ isStrided: Bool) {
        let outputs = sizes.dropFirst().enumerated().map {
            Samples.normal([sizes[0], $0.element], seed: UInt64($0.offset) + 1)
        }
        let inputs = isStrided ? outputs.map(Samples.strided) : outputs
        let failures = GradientCheck.failures(of: inputs) { outputs in
            let tasks = outputs.map { Given($0) }
            let both = MultiTaskNetwork(tasks[0], tasks[1])
            guard tasks.count > 2 else { return both(outputs[0], in: .inference) }
            return MultiTaskNetwork(both, tasks[2])(outputs[0], in: .inference)
        }
        #expect(failures.isEmpty, "\(failures.prefix(5).joined(separator: "\n"))")
    }

    private func doubles(_ tensor: Tensor?) -> [Double] {
        tensor.map { $0.converted(to: .float64).elements(as: Double.self) } ?? []
    }

    @Test func bothTasksAreLearnedAndSaved() async throws {
        let examples = TinyModel.examples(60)
        let data = Dataset<String, MultiTaskTarget<String, Double>>(
            examples.enumerated().map { index, example in
                Example(
                    input: example.input,
                    target: MultiTaskTarget(
                        first: index % 5 == 0 ? nil : example.target,
                        second: index % 4 == 0 ? nil : (example.target == "a" ? 1 : -1)))
            })
        let model = try TinyModel.backbone(settings: TinyModel.withoutDropout)
            .attaching(MultiTaskHead(head.first, head.second), seed: 1)
        let report = try await Trainer(
            model, plan: .full(epochs: 16, learningRate: 3e-3),
            settings: TrainingSettings(batch: .examples(8))
        ).fit(on: data, validating: data)
        let metrics = try #require(report.metrics)
        let (first, second) = try (#require(metrics.first), #require(metrics.second))
        #expect(first.count == 48 && second.count == 45)
        #expect(first.accuracy > 0.9 && second.rSquared > 0.5, "\(metrics)")
        #expect(metrics.score == (first.score + second.score) / 2)
        #expect("\(metrics)".hasPrefix("first task\n"))
        let answer = try model.predict(data.inputs[0])
        #expect(answer.first.probabilities.count == 3)

        let folder = try TemporaryFolder()
        try model.save(to: folder.path)
        let restored = try FineTunedModel<TextPreparation, Topics>(contentsOf: folder.path)
        #expect(try restored.outputs(for: data.inputs) == model.outputs(for: data.inputs))
        #expect(restored.head.first.labelNames == ["a", "b", "c"])
        #expect(restored.head.weights == (1, 1))
    }

    @Test func tasksCanBeNested() throws {
        let nested = MultiTaskHead(head, MultiLabelHead(labels: ["x", "y"]), weights: (1, 3))
        #expect(nested.outputSize == 6)
        let model = try TinyModel.backbone().attaching(nested)
        let answer = try model.predict("w5 w6")
        #expect(answer.first.first.probabilities.count == 3)
        #expect(answer.second.probabilities.count == 2)
        let configuration = JSON.object(
            nested.configuration.reduce(into: [:] as JSON.Object) { $0[$1.0] = $1.1 })
        let again = try type(of: nested).init(configuration: configuration)
        #expect(again.weights == (1, 3) && again.first.weights == (2, 0.5))
        #expect(again.second.labelNames == ["x", "y"])
        let places = model.network.parameters.map(\.path)
        #expect(
            places == [
                "classifier.first.first.weight", "classifier.first.first.bias",
                "classifier.first.second.weight", "classifier.first.second.bias",
                "classifier.second.weight", "classifier.second.bias",
            ])
    }

    @Test func mistakesAreErrors() throws {
        #expect(throws: HeadError.unknownLabel("?", example: 1, known: ["a", "b", "c"])) {
            try head.encoded([
                MultiTaskTarget(first: "a"), MultiTaskTarget(first: "?", second: 1),
            ])
        }
        #expect(throws: HeadError.taskWithoutAnswers) {
            try head.checkTrainable(encoded([(0, nil), (1, nil)]))
        }
        #expect(throws: HeadError.singleClass("a")) {
            try head.checkTrainable(encoded([(0, 1), (0, 2)]))
        }
        #expect(throws: HeadError.featureSize(expected: 7, found: 32)) {
            try TinyModel.backbone().attaching(
                MultiTaskHead(RegressionHead(), RegressionHead(featureSize: 7)))
        }
        for configuration: JSON in [
            ["problem_type": "regression"], ["problem_type": "multi_task", "tasks": [[:]]],
        ] {
            #expect(throws: HeadError.self) { try Topics(configuration: configuration) }
        }
    }
}
