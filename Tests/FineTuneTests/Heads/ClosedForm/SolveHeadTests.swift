@testable import FineTune
import TestSupport
import Testing

/// `solveHead` on a whole model.
@Suite struct SolveHeadTests {
    private let data = TinyModel.examples(90)
    private let test = TinyModel.examples(60, seed: 5)

    @Test(arguments: HeadSolverTests.classification)
    func aSolvedHeadIsAHeadLikeAnyOther(_ solver: ClassificationSolver) async throws {
        let model = try TinyModel.classifier()
        let before = model.weights()
        let report = try await model.solveHead(on: data, with: solver, validating: test)
        // The first word tells the class, which a frozen random backbone shows in part: chance is 1/3.
        let metrics = try #require(report.metrics)
        #expect(metrics.accuracy > 0.5, "\(report)")
        #expect(try model.evaluate(on: test) == metrics)
        #expect(report.examples == 90 && report.truncatedInputs == 0)
        #expect(report.solver == "\(solver)")
        for (path, weights) in model.weights() {
            #expect((weights == before[path]) == !path.hasPrefix("classifier"), "\(path)")
        }

        let folder = try TemporaryFolder()
        try model.save(to: folder.path)
        let restored = try TextClassifier(contentsOf: folder.path)
        #expect(try restored.outputs(for: test.inputs) == model.outputs(for: test.inputs))
    }

    /// Linear probing, then fine-tuning: training begins where the solution is, far below the loss
    /// of a head that begins at random.
    @Test func trainingGoesOnFromTheSolution() async throws {
        let plan = Plan.full(epochs: 1, learningRate: 1e-5)
        let fresh = try TinyModel.classifier(settings: TinyModel.withoutDropout)
        let cold = try await Trainer(fresh, plan: plan).fit(on: data)
        let solved = try TinyModel.classifier(settings: TinyModel.withoutDropout)
        try await solved.solveHead(on: data, with: .logisticRegression())
        let warm = try await Trainer(solved, plan: plan).fit(on: data)
        #expect(warm.epochs[0].loss < 0.9 * cold.epochs[0].loss)
    }

    @Test func theSameExamplesGiveTheSameBitsOnAnyNumberOfThreads() async throws {
        var weights: [[String: [Float]]] = []
        for threads in [1, 4] {
            let model = try TinyModel.classifier()
            let features = try await model.features(
                for: model.preparation.prepared(data.inputs, for: model.stages))
            let targets = try model.head.encoded(data.targets)
            let solution = try Tensor.Threads.limited(to: threads) {
                try model.head.solution(
                    features: features.converted(to: .float64), targets: targets,
                    solver: .logisticRegression())
            }
            weights.append(["w": solution.weight.elements(as: Double.self).map { Float($0) }])
        }
        #expect(weights[0] == weights[1])
    }

    @Test func featuresAreWhatEmbedGives() async throws {
        let model = try TinyModel.classifier()
        let features = try await model.features(
            for: model.preparation.prepared(test.inputs, for: model.stages))
        #expect(try features.elements(as: Float.self) == model.embed(test.inputs).flatMap { $0 })
    }

    /// The precision is that of the features alone: outputs differ by its rounding and no more.
    @Test func featuresOfLessPrecisionGiveNearlyTheSameHead() async throws {
        var outputs: [[Float]] = []
        for precision in Tensor.Precision.allCases {
            let model = try TinyModel.classifier()
            try await model.solveHead(on: data, with: .ridge(), precision: precision)
            outputs.append(try model.outputs(for: test.inputs).flatMap { $0 })
        }
        #expect((outputs[0] != outputs[1]) == Tensor.Precision.bfloat16.isSupported)
        let largest = zip(outputs[0], outputs[1]).map { abs($0 - $1) }.max() ?? .infinity
        let scale = outputs[0].map { abs($0) }.max() ?? 0
        #expect(largest < 0.1 * scale)
    }

    @Test func otherHeadsAreSolvedToo() async throws {
        let scorer = try TinyModel.backbone().attaching(RegressionHead())
        let numbers = ScoredTexts(
            inputs: data.inputs, targets: data.targets.map { $0 == "a" ? 1 : -2 })
        let report = try await scorer.solveHead(on: numbers, with: .ridge(), validating: numbers)
        #expect(try #require(report.metrics).rSquared > 0.3)
        #expect(report.trials.count == 33)

        let tagger = try TinyModel.backbone().attaching(MultiLabelHead(labels: TinyModel.labels))
        let labels = MultiLabeledTexts(
            inputs: data.inputs, targets: data.targets.map { [$0] })
        for solver in [MultiLabelSolver.ridge(), .logisticRegression()] {
            let report = try await tagger.solveHead(on: labels, with: solver, validating: labels)
            #expect(try #require(report.metrics).microF1 > 0.5)
        }
    }

    @Test func anErrorLeavesTheHeadAsItWas() async throws {
        let model = try TinyModel.classifier()
        let before = model.weights()
        let single = LabeledTexts(texts: ["w5 w6", "w7"], labels: ["a", "a"])
        await #expect(throws: HeadError.singleClass("a")) {
            try await model.solveHead(on: single, with: .ridge())
        }
        await #expect(throws: ExamplesError.self) {
            try await model.solveHead(on: LabeledTexts([]), with: .ridge())
        }
        let task = Task {
            try await model.solveHead(on: data, with: .logisticRegression())
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(model.weights() == before)
    }

    @Test func theReportTellsWhatWasChosen() async throws {
        let model = try TinyModel.classifier()
        let report = try await model.solveHead(
            on: data, with: .ridge(penalty: .leaveOneOut(among: [1, 10])), validating: test)
        let text = "\(report)"
        #expect(text.hasPrefix("head by ridge regression with the penalty 1.0e+0"), "\(text)")
        #expect(text.contains(", the best of 2"))
        #expect(text.contains("90 examples: features in "))
        let given = try await model.solveHead(on: data, with: .ridge(penalty: .fixed(250)))
        #expect("\(given)".hasPrefix("head by ridge regression with the penalty 2.5e+02\n90 exam"))
    }
}
