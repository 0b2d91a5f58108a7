import Layers
import Tensor

extension Trainer {
    /// Tells what a run would take: for each phase trainable parameters, operations, peak memory and
    /// time.
    ///
    /// Operations are counted from the model's structure. Memory and time are measured: for each phase
    /// the steps are taken that need more memory than those before them, and then two of them, a usual
    /// one and the largest, are timed. Their learning rate is 0, they belong to no run, and afterwards
    /// weights, optimizer, random streams and kept features are what they were, bit for bit. The time
    /// is for a machine that is as busy as now, and for phases that are as long as they can be.
    ///
    /// - Parameters:
    ///   - data: What is to be learned from.
    ///   - validation: What the model is to be measured on after every epoch.
    /// - Returns: The estimate, to print or to read.
    /// - Throws: What ``fit(on:validating:from:)`` throws for such data and settings, and
    ///   `CancellationError`.
    /// - Precondition: No run of this trainer is under way.
    public nonisolated(nonsending) func estimate(
        on data: Dataset<P.Input, H.Target>,
        validating validation: Dataset<P.Input, H.Target>? = nil
    ) async throws -> TrainingEstimate {
        require(!isRunning, "an estimate was asked for within a run")
        try settings.check()
        try plan.check()
        Tensor.Memory.releaseCached()
        let weights = model.parameters.map { ($0, $0.value) }
        let run = try TrainingRun(
            model: model, plan: plan, settings: settings, data: data, validation: validation,
            featureCache: settings.featureCache.map { FeatureCache($0) })
        defer {
            model.lock.writing { for (parameter, value) in weights { parameter.value = value } }
            run.freezeAll()
            Tensor.Memory.releaseCached()
        }
        var phases: [TrainingEstimate.Phase] = []
        for (index, phase) in plan.phases.enumerated() where !phase.isEmpty {
            phases.append(try limited { try TrialRun(run: run).estimate(ofPhase: index) })
            await Task.yield()
        }
        return TrainingEstimate(
            plan: plan.name, totalParameters: model.parameterCount, phases: phases)
    }
}
