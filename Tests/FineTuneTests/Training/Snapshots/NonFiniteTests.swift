@testable import FineTune
import TestSupport
import Testing

/// Losses and gradients that are no numbers, and what a run does about them.
@Suite struct NonFiniteTests {
    private let data = TinyModel.examples(40)

    private func settings(_ policy: TrainingSettings.NonFinitePolicy) -> TrainingSettings {
        TrainingSettings(schedule: .constant, batch: .examples(8), seed: 2, nonFinite: policy)
    }

    /// Ruins a weight of the model after one step, and mends it after another, if any.
    private func ruin<P>(
        _ trainer: Trainer<P, ClassificationHead>, after step: Int,
        until end: Int? = nil
    ) {
        let parameter = trainer.model.network.parameters[0]
        var (kept, isDone) = (parameter.value, false)
        trainer.listen { event in
            guard case .step(let progress) = event else { return }
            if progress.step == step, !isDone {
                kept = parameter.value
                parameter.value = parameter.value * .nan
                isDone = true
            } else if progress.step == end {
                parameter.value = kept
            }
        }
    }

    /// Steps without a number move nothing, are told, and count as steps.
    @Test func stepsAreLeftOut() async throws {
        let trainer = Trainer(
            try TinyModel.classifier(), plan: .full(epochs: 2, learningRate: 1e-3),
            settings: settings(.skip(atMost: 2)))
        var told: [Recovery] = []
        var weights: [Int: [String: [Float]]] = [:]
        trainer.listen { event in
            if case .recovered(let recovery) = event { told.append(recovery) }
            if case .step(let step) = event { weights[step.step] = trainer.model.weights() }
        }
        ruin(trainer, after: 3, until: 5)
        let report = try await trainer.fit(on: data)
        #expect(report.skippedSteps == 2 && report.rollBacks == 0 && told.count == 2)
        #expect(report.description.contains("2 steps were left out"))
        guard case .skippedStep(4, loss: let loss)? = told.first else {
            Issue.record("\(told)")
            return
        }
        #expect(loss.isNaN)
        #expect(told.first?.description == "step 4 was left out: its loss was \(loss)")
        let path = trainer.model.parameters[0].path
        #expect(weights[5]?[path] == weights[3]?[path] && weights[6]?[path] != weights[5]?[path])
        #expect(trainer.model.parameters.allSatisfy { $0.value.isFinite })
    }

    /// Nor do the statistics of normalisations move, which are measured before the loss is known.
    @Test func statisticsAreLeftOutToo() async throws {
        let model = try TinyImages.backbone(.mobileNetV3Small).attaching(
            ClassificationHead(labels: TinyImages.labels))
        let trainer = Trainer(
            model, plan: .full(epochs: 2, learningRate: 1e-3), settings: settings(.skip(atMost: 2)))
        let statistics = model.parameters.filter { $0.kind == .statistic }
        var values: [Int: [[UInt8]]] = [:]
        trainer.listen { event in
            guard case .step(let step) = event else { return }
            values[step.step] = statistics.map { $0.value.withUnsafeBytes { Array($0) } }
        }
        ruin(trainer, after: 3, until: 5)
        let report = try await trainer.fit(on: TinyImages.examples(40))
        #expect(report.skippedSteps == 2)
        #expect(values[3] == values[4] && values[3] == values[5])
        #expect(values[2] != values[3] && values[6] != values[5])
    }

    /// Ruined weights give no good loss any more: the run ends with its best weights.
    @Test func tooManyInARowEndTheRun() async throws {
        let trainer = Trainer(
            try TinyModel.classifier(), plan: .full(epochs: 2, learningRate: 1e-3),
            settings: settings(.skip(atMost: 2)))
        ruin(trainer, after: 6)
        let error = await #expect(throws: TrainingError.self) {
            try await trainer.fit(on: self.data)
        }
        guard case .nonFiniteLoss(_, epoch: 2, step: 9, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(trainer.model.parameters.allSatisfy { $0.value.isFinite })
    }

    /// A run that goes back has the bits of a run that trained at half the rates from there on, and no
    /// snapshot of what was ruined.
    @Test(arguments: [true, false]) func runsGoBack(inBackground: Bool) async throws {
        let disk = MemoryDisk()
        try await SystemCalls.$current.withValue(disk.calls) {
            let trainer = Trainer(
                try TinyModel.classifier(), plan: .full(epochs: 2, learningRate: 1e-3),
                settings: settings(.rollBack()),
                snapshots: SnapshotSettings(
                    folder: "/run", every: .steps(1), keeping: 99,
                    writesInBackground: inBackground))
            var (steps, rates): ([Int], [Double]) = ([], [])
            var (told, failures): ([Recovery], [SnapshotError]) = ([], [])
            trainer.listen { event in
                switch event {
                case .step(let step):
                    steps.append(step.step)
                    rates.append(step.learningRate)
                case .recovered(let recovery): told.append(recovery)
                case .snapshotFailed(let error): failures.append(error)
                default: break
                }
            }
            ruin(trainer, after: 7)
            let report = try await trainer.fit(on: data)
            #expect(report.rollBacks == 1 && told.count == 1)
            guard case .wentBack(toStep: 6, rateFactor: 0.5, because: let error)? = told.first,
                case .nonFiniteLoss(_, epoch: 2, step: 8, _) = error
            else {
                Issue.record("\(told)")
                return
            }
            #expect(steps == Array(1...7) + Array(7...10))
            let before = [Double](repeating: 1e-3, count: 7)
            #expect(rates == before + [0.5e-3, 0.5e-3, 0.5e-3, 0.5e-3])
            #expect(failures.count == 1)
            #expect(failures.first.flatMap(Self.name)?.hasPrefix("weights:") == true)
            #expect(report.description.contains("went back to a snapshot 1 times"))
            for name in try SnapshotStore(folder: "/run").names() {
                let store = try SafetensorsBytes(disk, "/run/\(name)/tensors.safetensors")
                #expect(store.isFinite, "\(name)")
            }
        }
        // The scale of the rates is part of the state.
        let copy = try #require(
            try SystemCalls.$current.withValue(disk.calls) {
                try SnapshotStore(folder: "/run").newest()
            })
        let state = try TrainingState(copy.content)
        #expect(state.statistics.rateScale == 0.5 && state.statistics.rollBacks == 1)
    }

    private static func name(_ error: SnapshotError) -> String? {
        if case .nonFinite(let name) = error { name } else { nil }
    }

    /// The tensors of a file on a disk in memory.
    private struct SafetensorsBytes {
        let isFinite: Bool

        init(_ disk: MemoryDisk, _ path: String) throws {
            let bytes = try #require(disk.content(of: path))
            let file = try SafetensorsFile(
                MappedFile(path: path, byteCount: bytes.count) { $0.copyBytes(from: bytes) })
            isFinite = try file.names.allSatisfy { name in
                let tensor = try #require(try file.tensor(named: name))
                return !tensor.dtype.isComputable || tensor.isFinite
            }
        }
    }

    /// Rates that are too large from the beginning: there is no sound snapshot, so the run begins again.
    /// A process that is killed afterwards comes the same way.
    @Test func runsGoBackToTheBeginning() async throws {
        let disk = MemoryDisk()
        try await SystemCalls.$current.withValue(disk.calls) {
            let plan = Plan.full(epochs: 1, learningRate: 1e30)
            let policy = TrainingSettings.NonFinitePolicy.rollBack(rateFactor: 1e-33)
            let trainer = Trainer(
                try TinyModel.classifier(), plan: plan, settings: settings(policy),
                snapshots: SnapshotSettings(folder: "/run", every: .steps(1)))
            var killed: MemoryDisk?
            trainer.listen { if case .recovered = $0 { killed = disk.copy() } }
            let report = try await trainer.fit(on: data)
            #expect(report.rollBacks == 1)
            let calls = try #require(killed).calls
            try await SystemCalls.$current.withValue(calls) {
                let rest = Trainer(
                    resuming: SnapshotSettings(folder: "/run", every: .steps(1)),
                    try TinyModel.classifier(), plan: plan, settings: settings(policy))
                #expect(try await rest.fit(on: data).rollBacks == 1)
                #expect(rest.model.weights() == trainer.model.weights())
            }
            // The same as a run that begins with the smaller rates.
            let other = Trainer(
                try TinyModel.classifier(), plan: .full(epochs: 1, learningRate: 1e30 * 1e-33),
                settings: settings(.stop))
            try await other.fit(on: data)
            #expect(trainer.model.weights() == other.model.weights())
        }
    }

    /// The last step of an epoch and its end are two snapshots of the same weights. Where these turn out
    /// to be unsound, there is still an earlier one.
    @Test func anEarlierStepIsKept() async throws {
        try await SystemCalls.$current.withValue(MemoryDisk().calls) {
            let trainer = Trainer(
                try TinyModel.classifier(), plan: .full(epochs: 5, learningRate: 1e-3),
                settings: settings(.rollBack()),
                snapshots: SnapshotSettings(
                    folder: "/run", every: .minutes(1e-9), writesInBackground: false))
            let parameter = trainer.model.network.parameters[0]
            var (ofThird, told): (Int, [Recovery]) = (0, [])
            trainer.listen { event in
                if case .recovered(let recovery) = event { told.append(recovery) }
                guard case .snapshot(let snapshot) = event, snapshot.step == 3 else { return }
                ofThird += 1
                if ofThird == 2 { parameter.value = parameter.value * .nan }
            }
            let report = try await trainer.fit(on: TinyModel.examples(8))
            #expect(report.rollBacks == 1)
            guard case .wentBack(toStep: 2, rateFactor: 0.5, _)? = told.first else {
                Issue.record("\(told)")
                return
            }
        }
    }

    /// Weights that a step has ruined show at the end of the epoch.
    @Test func ruinedWeightsAreAWayBackToo() async throws {
        let (rate, factor) = (1e300, 1e-303)
        try await SystemCalls.$current.withValue(MemoryDisk().calls) {
            let trainer = Trainer(
                try TinyModel.classifier(), plan: .full(epochs: 2, learningRate: rate),
                settings: settings(.rollBack(rateFactor: factor)),
                snapshots: SnapshotSettings(folder: "/run", every: .epochs(1)))
            var told: [Recovery] = []
            trainer.listen { if case .recovered(let recovery) = $0 { told.append(recovery) } }
            let data = TinyModel.examples(8)
            let report = try await trainer.fit(on: data)
            guard case .wentBack(toStep: 0, _, because: .nonFiniteWeights)? = told.first else {
                Issue.record("\(told)")
                return
            }
            #expect(told.count == 1 && report.rollBacks == 1)
            let other = Trainer(
                try TinyModel.classifier(), plan: .full(epochs: 2, learningRate: rate * factor),
                settings: settings(.stop))
            try await other.fit(on: data)
            #expect(trainer.model.weights() == other.model.weights())
        }
    }

    /// A loss that is a number, with gradients that are none.
    @Test func gradientsCountToo() async throws {
        let head = ClassificationHead(labels: TinyModel.labels)
        let model = try TinyModel.backbone().attaching(head, pooling: .mean, seed: 3)
        let trainer = Trainer(
            model, plan: .full(epochs: 2, learningRate: 1e-3), settings: settings(.skip(atMost: 2)))
        let tables = model.parameters.filter { $0.path.contains("_embeddings") }
        #expect(tables.count == 3)
        let changed = tables + [model.network.parameters[0]]
        var (kept, told): ([Tensor], [Recovery]) = ([], [])
        var losses: [Double] = []
        trainer.listen { event in
            if case .recovered(let recovery) = event { told.append(recovery) }
            guard case .step(let step) = event else { return }
            losses.append(step.loss)
            if step.step == 3 {
                kept = changed.map(\.value)
                // Embeddings without any spread are divided by the square root of epsilon.
                for parameter in tables { parameter.value = parameter.value * 1e-30 }
                changed[3].value = changed[3].value * 1e35
                let outputs = try? model.outputs(for: data.inputs)
                #expect(outputs?.joined().allSatisfy(\.isFinite) == true)
            } else if step.step == 5 {
                for (parameter, value) in zip(changed, kept) { parameter.value = value }
            }
        }
        let report = try await trainer.fit(on: data)
        #expect(report.skippedSteps == 2 && told.count == 2)
        #expect(losses.filter { !$0.isFinite }.count == 2)
        #expect(model.parameters.allSatisfy { $0.value.isFinite })
    }

    /// Where all snapshots are damaged, both errors are told.
    @Test func damagedSnapshotsAreNoWayBack() async throws {
        let disk = MemoryDisk()
        try await SystemCalls.$current.withValue(disk.calls) {
            let trainer = Trainer(
                try TinyModel.classifier(), plan: .full(epochs: 4, learningRate: 1e-3),
                settings: settings(.rollBack()),
                snapshots: SnapshotSettings(folder: "/run", every: .steps(1), keeping: 99))
            trainer.listen { event in
                guard case .step(let step) = event, step.step == 6 else { return }
                trainer.keeper?.finishWriting()
                for name in SystemCalls.current.list("/run") ?? [] where name.contains("-step-") {
                    disk.corrupt("/run/\(name)/state.json") { $0[9] ^= 1 }
                }
            }
            ruin(trainer, after: 6)
            let error = await #expect(throws: TrainingError.self) {
                try await trainer.fit(on: self.data)
            }
            guard
                case .noWayBack(
                    after: .nonFiniteLoss, .nothingIntact(folder: "/run", let damaged))? =
                    error
            else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(damaged.count == 5)
            let text = error?.description ?? ""
            #expect(text.hasPrefix("the loss became nan in epoch "))
            #expect(text.contains("The run cannot go back, since no snapshot in '/run' is intact"))
        }
    }

    @Test func aRunDoesNotGoBackForEver() async throws {
        let disk = MemoryDisk()
        try await SystemCalls.$current.withValue(disk.calls) {
            let trainer = Trainer(
                try TinyModel.classifier(), plan: .full(epochs: 1, learningRate: 1e30),
                settings: settings(.rollBack(rateFactor: 0.5, atMost: 2)),
                snapshots: SnapshotSettings(folder: "/run", every: .steps(1)))
            var count = 0
            trainer.listen { if case .recovered = $0 { count += 1 } }
            let error = await #expect(throws: TrainingError.self) {
                try await trainer.fit(on: self.data)
            }
            guard case .nonFiniteLoss? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(count == 2)
        }
    }

    @Test func policiesThatMakeNoSenseAreRefused() async throws {
        let wrong: [(TrainingSettings.NonFinitePolicy, String)] = [
            (.skip(atMost: 0), "what is done at most 0 times is never done: use .stop"),
            (
                .rollBack(rateFactor: 1),
                "a run that goes back does not get slower by a factor of 1.0; give one between 0 and 1"
            ),
            (
                .rollBack(),
                "a run can go back only to its snapshots: give the trainer SnapshotSettings"
            ),
        ]
        for (policy, message) in wrong {
            let trainer = Trainer(try TinyModel.classifier(), settings: settings(policy))
            let error = await #expect(throws: TrainingError.self) {
                try await trainer.fit(on: self.data)
            }
            #expect(error?.description == message)
        }
    }
}
