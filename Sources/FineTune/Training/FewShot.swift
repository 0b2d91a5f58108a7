public import Layers

/// What came of learning from few examples.
public struct FewShotResult: Sendable {
    /// The classifier.
    public let model: TextClassifier
    /// How the backbone learned to tell classes apart.
    public let contrast: TrainingReport<SimilarityMetrics>
    /// How the head was computed.
    public let head: SolverReport<ClassificationMetrics>
}

/// How few examples teach a backbone to tell their classes apart.
public struct FewShotContrast: Sendable, Hashable {
    /// How many pairs with its own class, and as many with other classes, each example begins: 10. SetFit
    /// has 20, from which MiniLM learns no more.
    public var pairsPerExample: Int
    /// How often the pairs are gone through: 1.
    public var epochs: Int
    /// The rate of the backbone: 1e-4, which suits MiniLM. SetFit has 2e-5 for models five times as
    /// large.
    public var learningRate: Double
    /// How many pairs make a step: 16.
    public var batchSize: Int
    /// The most pairs in all, so that more examples do not take ever longer: 2,500; nil for no limit.
    public var maximumPairs: Int?

    /// Numbers that suit small backbones.
    public init(
        pairsPerExample: Int = 10, epochs: Int = 1, learningRate: Double = 1e-4,
        batchSize: Int = 16, maximumPairs: Int? = 2500
    ) {
        self.pairsPerExample = pairsPerExample
        self.epochs = epochs
        self.learningRate = learningRate
        self.batchSize = batchSize
        self.maximumPairs = maximumPairs
    }

    /// Far more pairs than anyone needs; a number beyond it is a mistake.
    fileprivate static let manyPairs = 100_000

    /// Checks that there will be pairs. The other numbers are the trainer's.
    func check() throws(TrainingError) {
        guard (1...Self.manyPairs).contains(pairsPerExample) else {
            throw .unusableSetting(
                "an example cannot begin \(pairsPerExample) pairs of a kind; give it 1 to "
                    + "\(Self.manyPairs)")
        }
        if let maximumPairs, maximumPairs < 1 {
            throw .unusableSetting(
                "nothing can be learned from at most \(maximumPairs) pairs; give 1 or more, or nil "
                    + "for no limit")
        }
    }
}

extension PretrainedModel where P == TextPreparation {
    /// Learns to classify from few examples, such as eight of each class: SetFit (Tunstall et al. 2022,
    /// arXiv:2209.11055).
    ///
    /// The backbone learns from pairs of examples that texts of one class are alike and those of two
    /// are not, which makes hundreds of lessons of a few dozen examples. A head is then computed from
    /// the vectors that it gives.
    ///
    /// - Parameters:
    ///   - head: The task.
    ///   - data: The examples, some of each class.
    ///   - contrast: How the backbone learns.
    ///   - solver: How the head is computed.
    ///   - pooling: How the features of a text become one vector: their mean, as in SetFit.
    ///   - seed: Decides which examples form pairs, their order and the dropout masks.
    ///   - validation: What to measure the classifier on afterwards.
    ///   - listener: Called with everything that happens while the backbone learns.
    /// - Returns: The classifier, and how it was made.
    /// - Throws: ``ExamplesError`` and ``HeadError`` for examples that cannot be learned from,
    ///   ``TrainingError``, ``HeadSolverError``, `LinearAlgebraError`, `CancellationError`.
    public nonisolated(nonsending) func fitFewShot(
        _ head: ClassificationHead, on data: LabeledTexts,
        contrast: FewShotContrast = FewShotContrast(),
        solver: ClassificationSolver = .logisticRegression(), pooling: Pooling = .mean,
        seed: UInt64 = 0, validating validation: LabeledTexts? = nil,
        listener: ((TrainingEvent<SimilarityMetrics>) -> Void)? = nil
    ) async throws -> FewShotResult {
        try contrast.check()
        let model = try attaching(head, pooling: pooling, seed: seed)
        // Mistakes in the data are found before anything is learned.
        let examples = try PreparedExamples(data, for: model, purpose: .training)
        try head.checkTrainable(examples.targets)
        _ = try validation.map { try PreparedExamples($0, for: model, purpose: .validation) }

        let pairs = contrastivePairs(of: examples.targets, contrast, seed: seed)
        let embedder = try groups().attaching(SimilarityHead(), pooling: pooling, seed: seed)
        let trainer = Trainer(
            embedder,
            plan: .full(epochs: contrast.epochs, learningRate: contrast.learningRate),
            settings: TrainingSettings(batch: .examples(contrast.batchSize), seed: seed))
        if let listener { trainer.listen(listener) }
        let report = try await trainer.fit(
            on: ScoredGroups(
                pairs.map { pair in
                    Example(
                        input: [data[pair.first].input, data[pair.second].input],
                        target: pair.isAlike ? 1 : 0)
                }))

        let trained = embedder.stages.flatMap(\.parameters)
        for (parameter, trained) in zip(model.stages.flatMap(\.parameters), trained) {
            parameter.value = trained.value
        }
        let solved = try await model.solveHead(on: data, with: solver, validating: validation)
        return FewShotResult(model: model, contrast: report, head: solved)
    }
}

/// Two examples, and whether they are of one class.
struct ContrastivePair: Hashable {
    let first: Int
    let second: Int
    let isAlike: Bool
}

/// For each example pairs with others of its class and with as many of other classes. An example that is
/// alone in its class has none of the former.
///
/// - Parameters:
///   - classes: The class of each example, of which there are at least two.
///   - contrast: How many pairs.
///   - seed: Decides which.
/// - Returns: The pairs; of more than the most that are wanted, an even choice.
func contrastivePairs(
    of classes: [Int], _ contrast: FewShotContrast, seed: UInt64
) -> [ContrastivePair] {
    var generator = SplitMix64(seed: seed)
    let members = Dictionary(grouping: classes.indices, by: { classes[$0] })
    // A round has a pair for each example at least. Under a limit, no more rounds are made than leave a
    // wide choice, however many are asked for.
    let rounds = contrast.maximumPairs.map { limit in
        let enough = max(limit, FewShotContrast.manyPairs) / max(2, classes.count) + 1
        return min(contrast.pairsPerExample, enough)
    }
    var pairs: [ContrastivePair] = []
    for _ in 0..<max(0, rounds ?? contrast.pairsPerExample) {
        for (example, label) in classes.enumerated() {
            let alike = members[label] ?? []
            if alike.count > 1 {
                // One of the others: the last stands in for the example itself.
                let choice = alike[generator.next(below: alike.count - 1)]
                let second = choice == example ? alike[alike.count - 1] : choice
                pairs.append(ContrastivePair(first: example, second: second, isAlike: true))
            }
            if alike.count < classes.count {
                let number = generator.next(below: classes.count - alike.count)
                let second = position(ofNumber: number, besides: alike)
                pairs.append(ContrastivePair(first: example, second: second, isAlike: false))
            }
        }
    }
    generator.shuffle(&pairs)
    return Array(pairs.prefix(contrast.maximumPairs ?? pairs.count))
}

/// The number's position among all, if those at `members`, which ascend, are not counted.
private func position(ofNumber number: Int, besides members: [Int]) -> Int {
    // How many are counted before a member grows from one to the next.
    var (low, high) = (0, members.count)
    while low < high {
        let middle = (low + high) / 2
        if members[middle] - middle <= number { low = middle + 1 } else { high = middle }
    }
    return number + low
}
