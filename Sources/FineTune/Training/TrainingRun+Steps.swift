import Autograd
import Layers
import Tensor

// The steps of a run.
extension TrainingRun {
    var hasStep: Bool { !pending.isEmpty }

    /// Waits until what the next step learns from is loaded, and begins with what follows.
    nonisolated(nonsending) func loadStep() async throws {
        guard let loader, !pending.isEmpty else { return }
        let start = ContinuousClock.now
        // The steps of an epoch are known by how many are left after them.
        loadedItems = try await loader.items(of: Array(pending.indices.reversed())) { step in
            pending[step].joined().map { position in
                let item = variedItem(position)
                return (item, featureCache?.holds(item, model.preparation) != true)
            }
        }
        statistics.waitingSeconds += (ContinuousClock.now - start).inSeconds
    }

    /// What an example is in this epoch.
    private func variedItem(_ position: Int) -> P.Item {
        model.preparation.varied(
            examples.items[position],
            by: Chance(seed: settings.seed, epoch: self.position.epoch, number: position))
    }

    /// Computes the gradients of the next batches and moves the weights.
    func takeStep() throws -> TrainingProgress {
        let factor = scheduleFactor
        let loss = try move(by: pending.removeLast(), factor: factor)
        position.phaseStep += 1
        position.epochStep += 1
        let (seconds, step) = (statistics.trainingSeconds, position.step)
        return TrainingProgress(
            phase: phase.name.isEmpty ? plan.name : phase.name, epoch: position.epoch,
            epochs: epochCount, step: step, steps: stepCount, loss: loss,
            learningRate: (trained.last?.rate ?? 0) * factor * statistics.rateScale,
            examplesPerSecond: Double(statistics.seenExamples) / max(seconds, 1e-9),
            secondsLeft: seconds / Double(step) * Double(stepCount - step))
    }

    /// What the rates are multiplied with in the next step.
    private var scheduleFactor: Double {
        if let schedule = phase.schedule {
            return schedule.factor(step: position.phaseStep, of: phaseLength.stepCount)
        }
        return settings.schedule.factor(
            step: phaseLength.firstStep + position.phaseStep, of: length.stepCount)
    }

    /// A step of the optimizer by the gradients of these batches. Returns their mean loss.
    func move(by batches: [[Int]], factor: Double) throws -> Double {
        let start = ContinuousClock.now
        position.step += 1
        let measurements = PassMeasurements()
        let loss = try computeGradients(of: batches, keeping: measurements)
        guard loss.isFinite else { return try meet(loss) }
        try checkGradients()
        addPenalties()
        gradientLength = trained.reduce(0.0) {
            $0 + ($1.parameter.receivedGradient?.sumOfSquares ?? 0)
        }.squareRoot()
        guard gradientLength.isFinite else { return try meet(gradientLength) }
        statistics.skippedInARow = 0
        let scale = clippingScale(length: gradientLength, limit: settings.gradientClipping)
        best.confirm()
        model.lock.writing {
            measurements.commit()
            for (parameter, rate) in trained {
                optimizer.update(
                    parameter, learningRate: rate * factor * statistics.rateScale,
                    gradientScale: scale, weightDecay: phase.weightDecay)
            }
        }
        statistics.seenExamples += batches.reduce(0) { $0 + $1.count }
        statistics.trainingSeconds += (ContinuousClock.now - start).inSeconds
        return loss
    }

    /// Adds the gradients of all batches, as if they were one, and returns the mean loss; stops where
    /// that is no number. What is measured on the way becomes the model's own with the weights.
    func computeGradients(
        of batches: [[Int]], keeping measurements: PassMeasurements? = nil
    ) throws -> Double {
        let mixings = mixings(of: batches)
        let weight = weight(of: batches, mixings)
        var total = 0.0
        for (index, (batch, mixing)) in zip(batches, mixings).enumerated() {
            var pass = Pass.training(seed: settings.seed, step: position.passes)
            pass.measurements = measurements
            let features = try model.headFeatures(
                try items(of: batch, mixing),
                before: { upcomingItems(in: batches[(index + 1)...], room: $0) }, in: pass,
                cache: featureCache)
            let outputs = model.network(features, in: pass)
            position.passes &+= 1
            let loss = loss(outputs, of: batch, mixing)
            total += loss.value.scalar
            guard total.isFinite else { return total }
            // Examples that all have the weight 0 teach nothing.
            if weight > 0 { (loss * (1 / weight)).backward() }
        }
        statistics.lossSum += total
        statistics.lossWeight += weight
        return weight > 0 ? total / weight : 0
    }

    // MARK: Inputs

    /// Which inputs of each batch are learned from together.
    private func mixings(of batches: [[Int]]) -> [BatchMixing?] {
        batches.enumerated().map { index, batch in
            model.preparation.mixing(
                of: batch.count,
                by: Chance(
                    seed: settings.seed, epoch: position.epoch,
                    number: Int(position.passes) + index))
        }
    }

    /// The items of a batch as they are learned from.
    private func items(of batch: [Int], _ mixing: BatchMixing?) throws -> [P.Item] {
        var items = Array(loadedItems.prefix(batch.count))
        loadedItems.removeFirst(items.count)
        if items.isEmpty { items = batch.map(variedItem) }
        guard let mixing else { return items }
        return model.preparation.mixed(try model.preparation.loaded(items), by: mixing)
    }

    private func loss(_ outputs: Variable, of batch: [Int], _ mixing: BatchMixing?) -> Variable {
        let targets = batch.map { examples.targets[$0] }
        let loss = model.head.loss(outputs, targets: targets)
        guard let mixing else { return loss }
        let others = model.head.loss(outputs, targets: mixing.partners.map { targets[$0] })
        return loss * mixing.share + others * (1 - mixing.share)
    }

    /// The weight of all batches of a step, whose loss is a mean over all of them.
    private func weight(of batches: [[Int]], _ mixings: [BatchMixing?]) -> Double {
        let targets = batches.map { $0.map { examples.targets[$0] } }
        guard mixings.contains(where: { $0 != nil }) else {
            return model.head.weight(of: targets.flatMap { $0 })
        }
        return zip(targets, mixings).reduce(0) { sum, batch in
            let (targets, mixing) = batch
            let weight = model.head.weight(of: targets)
            guard let mixing else { return sum + weight }
            let others = model.head.weight(of: mixing.partners.map { targets[$0] })
            return sum + weight * mixing.share + others * (1 - mixing.share)
        }
    }

    /// The items of the batches that are left in this step and of those that follow, as long as
    /// their sizes together do not exceed `room`.
    private func upcomingItems(in rest: ArraySlice<[Int]>, room: Int) -> [P.Item] {
        // What is not loaded would have to be waited for.
        guard loader == nil else { return [] }
        var items: [P.Item] = []
        var size = 0
        for batches in [Array(rest)] + pending.reversed() {
            for position in batches.joined() {
                size += model.preparation.size(of: examples.items[position])
                guard size <= room else { return items }
                items.append(examples.items[position])
            }
        }
        return items
    }

    /// Checks, once in a phase, that everything that is to train is part of the computation.
    private func checkGradients() throws {
        guard !position.hasSeenGradients else { return }
        // A step whose examples weigh nothing has no gradient at all.
        guard trained.contains(where: { $0.parameter.receivedGradient != nil }) else { return }
        let silent = trained.filter { $0.parameter.receivedGradient == nil }
        guard silent.isEmpty else {
            throw TrainingError.noGradient(
                parameters: silent.map(\.parameter.path), phase: position.phase + 1, plan: plan.name
            )
        }
        position.hasSeenGradients = true
    }

    private func addPenalties() {
        guard let penalty = phase.startingPointPenalty, let start else { return }
        for (parameter, _) in trained {
            start.pull(parameter, by: penalty, rows: optimizer.movedRows(of: parameter))
        }
    }

    /// What to do about a loss or a gradient that is infinite or not a number, as the settings say:
    /// leaves the step out, or ends the run, from which ``Trainer`` may go back.
    private func meet(_ number: Double) throws -> Double {
        if case .skip(let most) = settings.nonFinite, statistics.skippedInARow < most {
            statistics.skippedInARow += 1
            statistics.skippedSteps += 1
            for (parameter, _) in trained { parameter.clearGradient() }
            return number
        }
        restoreBest()
        throw TrainingError.nonFiniteLoss(
            number, epoch: position.epoch, step: position.step, restored: best.best.name)
    }
}
