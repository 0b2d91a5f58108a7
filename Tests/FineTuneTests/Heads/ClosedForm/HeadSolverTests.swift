@testable import FineTune
import TestSupport
import Testing

@Suite struct HeadSolverTests {
    static let classification: [ClassificationSolver] = [
        .ridge(), .logisticRegression(), .linearDiscriminant(),
        .linearDiscriminant(shrinkage: .none), .logisticRegression(penalty: .fixed(0.5)),
    ]

    /// Features around one centre for each class.
    private func features(
        _ targets: [Int], width: Int = 6, distance: Double = 3
    ) -> Tensor {
        var stream = RandomStream(seed: 8)
        let centers = Tensor(
            normal: [8, width], standardDeviation: distance, dtype: .float64, using: &stream)
        let noise = Tensor(normal: [targets.count, width], dtype: .float64, using: &stream)
        return centers.gatheringRows(targets.map(Int32.init)) + noise
    }

    private func outputs(_ solution: LinearSolution, _ features: Tensor) -> Tensor {
        Tensor.matmul(features, solution.weight, transposingB: true) + Tensor(solution.bias)
    }

    private func gradient(
        _ head: ClassificationHead, _ solution: LinearSolution, _ x: Tensor, _ targets: [Int]
    ) throws -> (weight: Tensor, bias: Tensor) {
        let (weight, bias) = (ReceivedGradient(), ReceivedGradient())
        let outputs = Variable(x).linear(
            weight: Variable(solution.weight, gradientTo: weight),
            bias: Variable(Tensor(solution.bias), gradientTo: bias))
        head.loss(outputs, targets: targets).backward()
        return (try #require(weight.gradient), try #require(bias.gradient))
    }

    // MARK: Logistic regression

    /// At the minimum, the gradient of the head's own loss is that of the penalty, with label
    /// smoothing and class weights.
    @Test func theMinimumIsThatOfTheHeadsOwnLoss() throws {
        let targets = [0, 1, 2, 2, 1, 0, 2, 1, 0, 1, 2, 2]
        let head = ClassificationHead(
            labels: ["a", "b", "c"], classWeights: .perLabel([0.5, 2, 1.25]), labelSmoothing: 0.2)
        let scaling = FeatureScaling(features(targets, distance: 1))
        let x = scaling.standardized(features(targets, distance: 1))
        let solution = try head.solution(
            features: x, targets: targets, solver: .logisticRegression(penalty: .fixed(0.7)))
        let received = try gradient(head, solution, x, targets)
        // The loss keeps its targets as float32.
        let tolerance = Tolerance(absolute: 1e-6)
        #expect(mismatch(received.weight, solution.weight * -0.7, within: tolerance) == nil)
        #expect(mismatch(received.bias, [0, 0, 0], within: tolerance) == nil)
    }

    @Test func crossValidationPrefersThePenaltyThatGeneralises() throws {
        // Classes that differ in one of many features: weak penalties learn the noise.
        var stream = RandomStream(seed: 2)
        let targets = (0..<60).map { $0 % 2 }
        let noise = Tensor(normal: [60, 40], dtype: .float64, using: &stream)
        let shift = Tensor(targets.map { Double($0) }, shape: [60, 1])
            .padded(to: [60, 40], at: 0, axis: 1)
        let solution = try ClassificationHead(labels: ["a", "b"]).solution(
            features: noise + shift * 1.5, targets: targets, solver: .logisticRegression())
        let best = try #require(solution.trials.best)
        #expect(solution.penalty == best.penalty)
        #expect(best.penalty > 1)
        #expect(solution.trials.count >= 3)
        let losses = solution.trials.map(\.loss)
        #expect(losses.allSatisfy { $0.isFinite && $0 > 0 })
        // It stops where the loss has risen twice.
        #expect(losses[losses.count - 1] > losses[losses.count - 2])
        #expect(losses[losses.count - 2] > losses[losses.count - 3])
    }

    @Test func separableClassesHaveASolutionUnderEveryPenalty() throws {
        let targets = (0..<30).map { $0 % 3 }
        let x = features(targets, distance: 20)
        for penalty in [1e-6, 1, 1e6] {
            let solution = try ClassificationHead(labels: ["a", "b", "c"]).solution(
                features: x, targets: targets,
                solver: .logisticRegression(penalty: .fixed(penalty)))
            #expect(solution.weight.isFinite)
            let answers = outputs(solution, x).argmax().elements(as: Int32.self).map(Int.init)
            #expect(answers == targets)
        }
    }

    @Test func foldsHoldEveryClassEvenly() {
        let classes = (0..<53).map { $0 % 7 == 0 ? 2 : $0 % 2 }
        let folds = stratifiedFolds(of: classes, count: 5, seed: 3)
        #expect(folds == stratifiedFolds(of: classes, count: 5, seed: 3))
        #expect(folds != stratifiedFolds(of: classes, count: 5, seed: 4))
        for fold in 0..<5 {
            #expect((10...11).contains(folds.count { $0 == fold }))
            for label in 0..<3 {
                let all = classes.count { $0 == label }
                let here = classes.indices.count { classes[$0] == label && folds[$0] == fold }
                #expect((all / 5...all / 5 + 1).contains(here))
            }
        }
        #expect(stratifiedFolds(of: [0, 1], count: 5, seed: 0).sorted() == [0, 1])
    }

    /// More folds than examples are as many as there are examples.
    @Test func everyExampleCanBeAFold() throws {
        let targets = (0..<12).map { $0 % 2 }
        let x = features(targets, distance: 1)
        let trials = try [12, Int.max].map { folds in
            try ClassificationHead(labels: ["a", "b"]).solution(
                features: x, targets: targets,
                solver: .logisticRegression(penalty: .crossValidation(folds: folds))
            ).trials
        }
        #expect(trials[0] == trials[1] && trials[0].count >= 3)
        #expect(trials[0].allSatisfy { $0.loss.isFinite && $0.loss > 0 })
    }

    // MARK: Unusual examples

    @Test(arguments: classification)
    func fewerExamplesThanFeatures(_ solver: ClassificationSolver) throws {
        let targets = [0, 1, 2, 0]
        let x = features(targets, width: 50)
        let solution = try ClassificationHead(labels: ["a", "b", "c"]).solution(
            features: x, targets: targets, solver: solver)
        #expect(solution.weight.isFinite && solution.bias.allSatisfy(\.isFinite))
        // A class of one example has no covariance to tell it by.
        if case .linearDiscriminant = solver { return }
        let answers = outputs(solution, x).argmax().elements(as: Int32.self).map(Int.init)
        #expect(answers == targets)
    }

    @Test(arguments: classification)
    func constantAndRepeatedFeaturesTellNothing(_ solver: ClassificationSolver) throws {
        let targets = (0..<24).map { $0 % 3 }
        let informative = features(targets, width: 4)
        // Columns 4 and 5 are constant, the latter up to the rounding of float32; 6 repeats 0.
        var values: [Double] = []
        for (row, numbers) in rows(informative).enumerated() {
            values += numbers + [7, 3e5 * (1 + Double(row % 2) * 1e-7), numbers[0]]
        }
        let x = Tensor(values, shape: [24, 7])
        let solution = try ClassificationHead(labels: ["a", "b", "c"]).solution(
            features: x, targets: targets, solver: solver)
        #expect(solution.weight.isFinite)
        for output in 0..<3 {
            let weights = solution.weight[output].elements(as: Double.self)
            #expect(weights[4] == 0 && weights[5] == 0)
            #expect(abs(weights[0] - weights[6]) < 1e-6 * (1 + abs(weights[0])))
        }
        let answers = outputs(solution, x).argmax().elements(as: Int32.self).map(Int.init)
        #expect(answers == targets)
    }

    private func rows(_ matrix: Tensor) -> [[Double]] {
        (0..<matrix.shape[0]).map { matrix[$0].elements(as: Double.self) }
    }

    @Test(arguments: classification)
    func anAbsentClassIsImprobableButFinite(_ solver: ClassificationSolver) throws {
        let targets = (0..<20).map { [0, 2, 3][$0 % 3] }
        let x = features(targets)
        let head = ClassificationHead(labels: ["a", "b", "c", "d", "e"])
        let solution = try head.solution(features: x, targets: targets, solver: solver)
        let present = try ClassificationHead(labels: ["a", "c", "d"]).solution(
            features: x, targets: targets.map { max($0 - 1, 0) }, solver: solver)
        for (place, label) in [0, 2, 3].enumerated() {
            #expect(sameBits(solution.weight[label], present.weight[place]))
            #expect(solution.bias[label] == present.bias[place])
        }
        for row in 0..<20 {
            let probabilities = outputs(solution, x).softmax()[row].elements(as: Double.self)
            #expect(probabilities[1] > 0 && probabilities[1] <= 1.0 / 40)
            #expect(probabilities[4] == probabilities[1])
        }
        #expect(solution.weight[1].sumOfSquares() == 0)
    }

    /// An example of weight 0 is as if it were not there.
    @Test(arguments: classification)
    func aClassWithoutWeightIsAbsent(_ solver: ClassificationSolver) throws {
        let targets = (0..<21).map { $0 % 3 }
        let x = features(targets)
        let head = ClassificationHead(
            labels: ["a", "b", "c"], classWeights: .perLabel([1, 0, 1]))
        let kept = targets.indices.filter { targets[$0] != 1 }
        let solution = try head.solution(features: x, targets: targets, solver: solver)
        let without = try head.solution(
            features: x.gatheringRows(kept.map(Int32.init)), targets: kept.map { targets[$0] },
            solver: solver)
        #expect(sameBits(solution.weight, without.weight))
        #expect(solution.bias == without.bias)
    }

    @Test(arguments: classification)
    func whatHasNoSolutionIsAnError(_ solver: ClassificationSolver) {
        let head = ClassificationHead(labels: ["a", "b"])
        #expect(throws: HeadError.singleClass("b")) {
            try head.solution(
                features: features([1, 1, 1]), targets: [1, 1, 1], solver: solver)
        }
        let unweighted = ClassificationHead(labels: ["a", "b"], classWeights: .perLabel([0, 1]))
        #expect(throws: HeadSolverError.unweightedClasses) {
            try unweighted.solution(
                features: features([1, 0, 1]), targets: [1, 0, 1], solver: solver)
        }
        var values = features([0, 1, 0, 1]).elements(as: Double.self)
        values[2 * 6 + 3] = .nan
        #expect(throws: HeadSolverError.nonFiniteFeatures(example: 2)) {
            try head.solution(
                features: Tensor(values, shape: [4, 6]), targets: [0, 1, 0, 1], solver: solver)
        }
    }

    @Test(arguments: [0, -1, .infinity, .nan] as [Double])
    func unusablePenaltiesAreErrors(_ penalty: Double) {
        let (x, targets) = (features([0, 1, 0, 1]), [0, 1, 0, 1])
        let head = ClassificationHead(labels: ["a", "b"])
        let solvers: [ClassificationSolver] = [
            .ridge(penalty: .fixed(penalty)), .ridge(penalty: .leaveOneOut(among: [1, penalty])),
            .logisticRegression(penalty: .fixed(penalty)),
            .logisticRegression(penalty: .crossValidation(among: [penalty])),
        ]
        for solver in solvers {
            #expect(throws: HeadSolverError.self) {
                try head.solution(features: x, targets: targets, solver: solver)
            }
        }
        if penalty != 0 {
            #expect(throws: HeadSolverError.self) {
                try head.solution(
                    features: x, targets: targets,
                    solver: .linearDiscriminant(shrinkage: .fixed(penalty)))
            }
        }
        #expect(throws: HeadSolverError.noPenalty) {
            try head.solution(
                features: x, targets: targets, solver: .ridge(penalty: .leaveOneOut(among: [])))
        }
        #expect(throws: HeadSolverError.unusableFolds(1)) {
            try head.solution(
                features: x, targets: targets,
                solver: .logisticRegression(penalty: .crossValidation(folds: 1)))
        }
    }

    @Test func aSingleNumberIsItsOwnPrediction() throws {
        let solution = try RegressionHead().solution(
            features: features([0]), targets: [2.5], solver: .ridge())
        #expect(solution.weight.sumOfSquares() == 0)
        #expect(solution.bias == [2.5])
    }

    // MARK: Many labels

    @Test func labelsAreSolvedOneByOne() throws {
        let classes = (0..<30).map { $0 % 3 }
        let x = features(classes, distance: 1)
        // 'b' is class 1, 'all' is everywhere, 'never' nowhere.
        let targets = classes.map { $0 == 1 ? [0, 1] : [1] }
        let head = MultiLabelHead(labels: ["b", "all", "never"])
        let solution = try head.solution(
            features: x, targets: targets, solver: .logisticRegression(penalty: .fixed(2)))
        let binary = try ClassificationHead(labels: ["no", "yes"]).solution(
            features: x, targets: classes.map { $0 == 1 ? 1 : 0 },
            solver: .logisticRegression(penalty: .fixed(2)))
        let tolerance = Tolerance(absolute: 1e-9)
        #expect(
            mismatch(solution.weight[0], binary.weight[1] - binary.weight[0], within: tolerance)
                == nil)
        #expect(abs(solution.bias[0] - (binary.bias[1] - binary.bias[0])) < 1e-9)
        #expect(solution.weight[1].sumOfSquares() == 0 && solution.weight[2].sumOfSquares() == 0)
        // log(59): one in 60 would be otherwise.
        #expect(abs(solution.bias[1] - 4.077_537_44) < 1e-7)
        #expect(solution.bias[2] == -solution.bias[1])

        let ridge = try head.solution(
            features: x, targets: targets, solver: .ridge(penalty: .fixed(2)))
        let binaryRidge = try ClassificationHead(labels: ["no", "yes"]).solution(
            features: x, targets: classes.map { $0 == 1 ? 1 : 0 },
            solver: .ridge(penalty: .fixed(2)))
        #expect(mismatch(ridge.weight[0], binaryRidge.weight[1], within: tolerance) == nil)
        #expect(abs(ridge.bias[1] - 1) < 1e-12 && abs(ridge.bias[2] + 1) < 1e-12)
    }
}
