public import Checkpoint
public import Tensor

/// Tensors and fields that are no state of a run.
public enum TrainingStateError: Error, Hashable, CustomStringConvertible {
    /// A field is missing, or is something else than it should be.
    case unusableField(String)
    /// A tensor is missing, or of a type that it cannot have.
    case unusableTensor(String)

    /// What is wrong.
    public var description: String {
        switch self {
        case .unusableField(let name):
            "the training state's field '\(name)' is missing or not what it should be; it is damaged, "
                + "or was made by another version"
        case .unusableTensor(let name):
            "the training state's tensor '\(name)' is missing or not of the right type; it is "
                + "damaged, or was made by another version"
        }
    }
}

// A state as tensors and JSON, which is what files are made of.
extension TrainingState {
    private static let version = 3

    /// The groups of tensors, in the order of ``tensors``.
    private enum Group: String, CaseIterable {
        case weights, first, second, rows, best, candidate, start, guarded

        func name(_ path: String) -> String { "\(rawValue):\(path)" }
    }

    /// All tensors, each under the name of its group and its parameter's path, such as
    /// `first:classifier.weight`: the weights that the plan may change, the first and second moments,
    /// the touched rows of tables (`int32`), the best weights, those that will be the best, those that
    /// penalties pull back to, and those that a ``ForgettingGuard`` would go back to. Many of them are the same tensor: compare with
    /// ``Tensor/Tensor/isIdentical(to:)`` to keep each once.
    public var tensors: [(name: String, tensor: Tensor)] {
        var all: [(name: String, tensor: Tensor)] = []
        func add(_ group: Group, _ weights: Weights) {
            for (path, tensor) in weights.sorted(by: { $0.key < $1.key }) {
                all.append((group.name(path), tensor))
            }
        }
        add(.weights, weights)
        add(.first, memories.mapValues(\.first))
        add(.second, memories.mapValues(\.second))
        add(.rows, memories.compactMapValues { $0.touched.map { Tensor($0.rows) } })
        add(.best, best.weights)
        add(.candidate, candidate?.weights ?? [:])
        add(.start, start ?? [:])
        add(.guarded, forgetting?.weights ?? [:])
        return all
    }

    /// Everything that is no tensor: plan, settings, data and model of the run, its position, its history.
    public var fields: JSON {
        var object: JSON.Object = [
            "version": JSON(Self.version), "plan": identity.plan, "settings": identity.settings,
            "data": identity.data, "model": identity.model, "guard": identity.guarded,
            "cpuLevel": JSON(cpuLevel),
            "position": position.fields, "statistics": statistics.fields, "best": best.fields,
            "hasStart": .bool(start != nil),
        ]
        object["candidate"] = candidate?.fields
        object["forgetting"] = forgetting?.fields
        object["epochs"] = .array(
            epochs.map { epoch in
                [
                    "epoch": JSON(epoch.epoch), "loss": JSON(epoch.loss),
                    "score": epoch.score.map { JSON(exactly: $0) } ?? .null,
                    "seconds": JSON(epoch.seconds),
                ]
            })
        let steps = memories.sorted { $0.key < $1.key }.map { path, memory in
            (
                key: path,
                value: [
                    "steps": JSON(memory.steps), "hasDecayed": .bool(memory.hasDecayed),
                ] as JSON
            )
        }
        object["optimizer"] = .object(JSON.Object(steps))
        return .object(object)
    }

    /// A state that was taken apart.
    ///
    /// - Parameters:
    ///   - fields: ``fields``.
    ///   - tensors: ``tensors``.
    /// - Throws: ``TrainingStateError`` if something is missing. Whether the state fits a run is
    ///   checked by ``Trainer/fit(on:validating:from:)``.
    public init(
        fields: JSON, tensors: [(name: String, tensor: Tensor)]
    ) throws(TrainingStateError) {
        guard fields["version"]?.int == Self.version else { throw .unusableField("version") }
        guard let plan = fields["plan"], let settings = fields["settings"],
            let data = fields["data"], let model = fields["model"], let guarded = fields["guard"],
            let cpuLevel = fields["cpuLevel"]?.string
        else { throw .unusableField("plan, settings, data, model, guard or cpuLevel") }
        identity = RunIdentity(
            plan: plan, settings: settings, data: data, model: model,
            guarded: guarded)
        self.cpuLevel = cpuLevel
        position = try RunPosition(fields["position"] ?? .null)
        statistics = try RunStatistics(fields["statistics"] ?? .null)
        var groups: [Group: Weights] = [:]
        for (name, tensor) in tensors {
            let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
            guard parts.count == 2, let group = Group(rawValue: parts[0]) else {
                throw .unusableTensor(name)
            }
            groups[group, default: [:]][parts[1]] = tensor
        }
        weights = groups[.weights] ?? [:]
        best = try Best(fields["best"] ?? .null, weights: groups[.best] ?? [:])
        candidate = nil
        if let saved = fields["candidate"] {
            candidate = try Best(saved, weights: groups[.candidate] ?? [:])
        }
        forgetting = nil
        if let saved = fields["forgetting"] {
            forgetting = try Forgetting(saved, weights: groups[.guarded] ?? [:])
        }
        start = fields["hasStart"]?.bool == true ? groups[.start] ?? [:] : nil
        guard let history = fields["epochs"]?.array, let steps = fields["optimizer"]?.object else {
            throw .unusableField("epochs or optimizer")
        }
        epochs = []
        for entry in history {
            guard let number = entry["epoch"]?.int, let loss = entry["loss"]?.double,
                let seconds = entry["seconds"]?.double
            else { throw .unusableField("epochs") }
            epochs.append(
                Epoch(
                    epoch: number, loss: loss, score: entry["score"]?.exactDouble, seconds: seconds)
            )
        }
        memories = [:]
        for (path, entry) in steps {
            memories[path] = try Self.memory(
                entry, path, first: groups[.first]?[path], second: groups[.second]?[path],
                rows: groups[.rows]?[path])
        }
        for group in [Group.first, .second, .rows] {
            if let path = groups[group]?.keys.first(where: { memories[$0] == nil }) {
                throw .unusableField("optimizer.\(path)")
            }
        }
    }

    private static func memory(
        _ entry: JSON, _ path: String, first: Tensor?, second: Tensor?, rows: Tensor?
    ) throws(TrainingStateError) -> OptimizerState.Memory {
        guard let steps = entry["steps"]?.int, (0..<1 << 60).contains(steps),
            let hasDecayed = entry["hasDecayed"]?.bool
        else { throw .unusableField("optimizer.\(path)") }
        guard let first, let second, first.dtype == second.dtype,
            first.dtype == .float32 || first.dtype == .float64
        else { throw .unusableTensor(Group.first.name(path)) }
        var touched: TouchedRows?
        if let rows {
            let count = first.rank == 2 ? first.shape[0] : 0
            guard rows.dtype == .int32 else { throw .unusableTensor(Group.rows.name(path)) }
            let numbers = rows.elements(as: Int32.self)
            guard numbers.allSatisfy({ $0 >= 0 && Int($0) < count }) else {
                throw .unusableTensor(Group.rows.name(path))
            }
            touched = TouchedRows(rows: numbers)
        }
        return OptimizerState.Memory(
            steps: steps, first: first, second: second, touched: touched, hasDecayed: hasDecayed)
    }
}

extension TrainingState.Best {
    fileprivate var fields: JSON {
        ["name": JSON(name), "score": score.map { JSON(exactly: $0) } ?? .null]
    }

    fileprivate init(
        _ fields: JSON, weights: TrainingState.Weights
    ) throws(TrainingStateError) {
        guard let name = fields["name"]?.string else { throw .unusableField("best") }
        (self.name, score, self.weights) = (name, fields["score"]?.exactDouble, weights)
    }
}

extension TrainingState.Forgetting {
    fileprivate var fields: JSON {
        [
            "amounts": .array(amounts.map { JSON(exactly: $0) }), "epoch": JSON(epoch),
            "score": score.map { JSON(exactly: $0) } ?? .null,
        ]
    }

    fileprivate init(
        _ fields: JSON, weights: TrainingState.Weights
    ) throws(TrainingStateError) {
        guard let epoch = fields["epoch"]?.int, let amounts = fields["amounts"]?.array else {
            throw .unusableField("forgetting")
        }
        (self.epoch, score, self.weights) = (epoch, fields["score"]?.exactDouble, weights)
        self.amounts = amounts.map { $0.exactDouble ?? .nan }
    }
}

extension RunPosition {
    private static var numbers: [(String, WritableKeyPath<RunPosition, Int>)] {
        [
            ("phase", \.phase), ("phaseEpoch", \.phaseEpoch), ("phaseStep", \.phaseStep),
            ("epoch", \.epoch), ("epochStep", \.epochStep), ("step", \.step),
            ("skippedEpochs", \.skippedEpochs), ("skippedSteps", \.skippedSteps),
        ]
    }
    private static var flags: [(String, WritableKeyPath<RunPosition, Bool>)] {
        [
            ("isInEpoch", \.isInEpoch), ("phaseHasStalled", \.phaseHasStalled),
            ("hasSeenGradients", \.hasSeenGradients),
        ]
    }

    fileprivate var fields: JSON {
        var object: JSON.Object = ["passes": JSON(passes)]
        for (name, path) in Self.numbers { object[name] = JSON(self[keyPath: path]) }
        for (name, path) in Self.flags { object[name] = .bool(self[keyPath: path]) }
        return .object(object)
    }

    fileprivate init(_ fields: JSON) throws(TrainingStateError) {
        for (name, path) in Self.numbers {
            guard let number = fields[name]?.int, (0..<1 << 60).contains(number) else {
                throw .unusableField("position.\(name)")
            }
            self[keyPath: path] = number
        }
        for (name, path) in Self.flags {
            guard let flag = fields[name]?.bool else { throw .unusableField("position.\(name)") }
            self[keyPath: path] = flag
        }
        guard let passes = fields["passes"]?.int.flatMap({ UInt32(exactly: $0) }) else {
            throw .unusableField("position.passes")
        }
        self.passes = passes
    }
}

extension RunStatistics {
    private static var numbers: [(String, WritableKeyPath<RunStatistics, Double>)] {
        [
            ("lossSum", \.lossSum), ("lossWeight", \.lossWeight),
            ("trainingSeconds", \.trainingSeconds), ("epochSeconds", \.epochSeconds),
            ("rateScale", \.rateScale),
            ("waitingSeconds", \.waitingSeconds),
        ]
    }
    private static var counts: [(String, WritableKeyPath<RunStatistics, Int>)] {
        [
            ("seenExamples", \.seenExamples), ("epochsWithoutBetter", \.epochsWithoutBetter),
            ("epochsWithoutBetterInPhase", \.epochsWithoutBetterInPhase),
            ("skippedSteps", \.skippedSteps), ("skippedInARow", \.skippedInARow),
            ("rollBacks", \.rollBacks),
        ]
    }

    fileprivate var fields: JSON {
        var object: JSON.Object = [
            "stopsEarly": .bool(stopsEarly),
            "phaseScore": phaseScore.map { JSON(exactly: $0) } ?? .null,
        ]
        for (name, path) in Self.numbers { object[name] = JSON(self[keyPath: path]) }
        for (name, path) in Self.counts { object[name] = JSON(self[keyPath: path]) }
        return .object(object)
    }

    fileprivate init(_ fields: JSON) throws(TrainingStateError) {
        for (name, path) in Self.numbers {
            guard let number = fields[name]?.double else {
                throw .unusableField("statistics.\(name)")
            }
            self[keyPath: path] = number
        }
        for (name, path) in Self.counts {
            guard let number = fields[name]?.int, (0..<1 << 60).contains(number) else {
                throw .unusableField("statistics.\(name)")
            }
            self[keyPath: path] = number
        }
        guard let stopsEarly = fields["stopsEarly"]?.bool else {
            throw .unusableField("statistics.stopsEarly")
        }
        (self.stopsEarly, phaseScore) = (stopsEarly, fields["phaseScore"]?.exactDouble)
    }
}

extension JSON {
    /// A number, or where JSON has none for it a string: the score of a metric may be infinite.
    fileprivate init(exactly value: Double) {
        self = value.isFinite ? JSON(value) : .string("\(value)")
    }

    fileprivate var exactDouble: Double? { double ?? string.flatMap { Double($0) } }
}
