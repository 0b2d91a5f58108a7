// Recipes that differ in which stages train, when, and how fast.
extension Plan {
    /// Trains the head alone; the backbone stays as it is.
    ///
    /// - Parameters:
    ///   - epochs: 10.
    ///   - learningRate: 1e-3, Adam's own (arXiv:1412.6980): nothing pretrained can be harmed.
    /// - Returns: A plan of one phase.
    public static func headOnly(epochs: Int = 10, learningRate: Double = 1e-3) -> Plan {
        Plan(
            name: "head",
            phases: [
                Phase(stages: .none, epochs: epochs, headRate: learningRate, stageRate: 0)
            ])
    }

    /// Trains the model's adapter and the head; the backbone stays as it is.
    ///
    /// - Parameters:
    ///   - epochs: 10. The papers train longer than fully fine-tuned models: on GLUE 25 to 80 epochs
    ///     (LoRA, arXiv:2106.09685, table 9).
    ///   - learningRate: 5e-4 (same: 4e-4 to 5e-4), ten times that of full fine-tuning.
    ///   - headRate: By default the adapter's, as PEFT trains both.
    /// - Returns: A plan of one phase.
    public static func adapter(
        epochs: Int = 10, learningRate: Double = 5e-4, headRate: Double? = nil
    ) -> Plan {
        Plan(
            name: "adapter",
            phases: [
                Phase(
                    stages: .none, epochs: epochs, headRate: headRate ?? learningRate, stageRate: 0,
                    adapterRate: learningRate)
            ])
    }

    /// Trains everything.
    ///
    /// - Parameters:
    ///   - epochs: 3 (BERT, arXiv:1810.04805, appendix A.3: 2 to 4).
    ///   - learningRate: 5e-5, the largest of BERT's (same). Smaller models take more: 1e-4 for
    ///     MiniLM.
    ///   - decay: The rate of each stage over that of the one above; 1 gives all the same.
    /// - Returns: A plan of one phase.
    public static func full(
        epochs: Int = 3, learningRate: Double = 5e-5, decay: Double = 1
    ) -> Plan {
        whole("full", epochs: epochs, learningRate: learningRate, decay: decay)
    }

    /// Trains the head and the topmost stages.
    ///
    /// - Parameters:
    ///   - count: How many stages.
    ///   - epochs: 3, as for ``full(epochs:learningRate:decay:)``.
    ///   - learningRate: 1e-4: fewer stages bear a larger rate.
    ///   - decay: The rate of each stage over that of the one above; 1 gives all the same.
    /// - Returns: A plan of one phase.
    public static func top(
        _ count: Int, epochs: Int = 3, learningRate: Double = 1e-4, decay: Double = 1
    ) -> Plan {
        Plan(
            name: "top\(count)",
            phases: [
                Phase(
                    stages: .top(count), epochs: epochs, headRate: learningRate,
                    stageRate: learningRate, decay: decay)
            ])
    }

    /// Gradual unfreezing with discriminative rates (Howard and Ruder 2018, ULMFiT,
    /// arXiv:1801.06146, sections 3.2 and 3.3): the head first, then from epoch to epoch more
    /// stages from the top, all of them in the last.
    ///
    /// - Parameters:
    ///   - epochs: How many in all; with a single one everything trains at once.
    ///   - learningRate: The rate of the head and of the topmost stage.
    ///   - decay: The rate of each stage over that of the one above. The paper's 1 / 2.6 is for four
    ///     stages; 0.9 suits the many of a transformer (Clark et al. 2020, ELECTRA,
    ///     arXiv:2003.10555, appendix B: 0.8 to 0.9).
    /// - Returns: A plan of one phase for each epoch.
    public static func gradualUnfreezing(
        epochs: Int = 3, learningRate: Double = 1e-4, decay: Double = 0.9
    ) -> Plan {
        guard epochs <= mostEpochs else {
            // A trainer refuses it; phases without number need not be made for that.
            return whole("gradual", epochs: epochs, learningRate: learningRate, decay: decay)
        }
        let phases = (0..<max(1, epochs)).map { epoch in
            let share = epochs <= 1 ? 1 : Double(epoch) / Double(epochs - 1)
            return Phase(
                stages: share == 0 ? .none : share == 1 ? .all : .topShare(share), epochs: 1,
                headRate: learningRate, stageRate: learningRate, decay: decay)
        }
        return Plan(name: "gradual", phases: phases)
    }

    /// Linear probing, then full fine-tuning (Kumar et al. 2022, LP-FT, arXiv:2202.10054): a head
    /// that is good already does not distort the features in the first steps. Each phase has a
    /// warm-up and a decay of its own.
    ///
    /// Where the head can be computed, the first phase is not needed:
    ///
    /// ```swift
    /// try await model.solveHead(on: train, with: .logisticRegression())
    /// try await Trainer(model, plan: .full(learningRate: 3e-5)).fit(on: train)
    /// ```
    ///
    /// - Parameters:
    ///   - probeEpochs: 5. The features are computed once, so that they cost little.
    ///   - probeRate: The head's rate in the first phase; 1e-3 as for
    ///     ``headOnly(epochs:learningRate:)``.
    ///   - epochs: 3, as for ``full(epochs:learningRate:decay:)``.
    ///   - learningRate: Of everything in the second phase; 5e-5, as there.
    ///   - decay: The rate of each stage over that of the one above; 1 gives all the same.
    /// - Returns: A plan of two phases.
    public static func linearProbeThenFineTune(
        probeEpochs: Int = 5, probeRate: Double = 1e-3, epochs: Int = 3,
        learningRate: Double = 5e-5, decay: Double = 1
    ) -> Plan {
        Plan(
            name: "LP-FT",
            phases: [
                Phase(
                    name: "probe", stages: .none, length: .epochs(probeEpochs), headRate: probeRate,
                    stageRate: 0, schedule: Schedule()),
                Phase(
                    name: "fine-tune", stages: .all, length: .epochs(epochs),
                    headRate: learningRate, stageRate: learningRate, decay: decay,
                    schedule: Schedule()),
            ])
    }

    /// Trains everything, each stage at a smaller rate than the one above it (Clark et al. 2020,
    /// ELECTRA, arXiv:2003.10555, appendix B; Bao et al. 2022, BEiT, arXiv:2106.08254, appendix).
    ///
    /// - Parameters:
    ///   - epochs: 3, as for ``full(epochs:learningRate:decay:)``.
    ///   - learningRate: The rate of the head and of the topmost stage; 1e-4, of ELECTRA's size.
    ///   - decay: The rate of each stage over that of the one above. 0.8 is ELECTRA's for a small or
    ///     base model and 0.9 for a large one; BEiT takes 0.65 to 0.75.
    /// - Returns: A plan of one phase.
    public static func layerwiseDecay(
        epochs: Int = 3, learningRate: Double = 1e-4, decay: Double = 0.8
    ) -> Plan {
        whole("layer-wise decay", epochs: epochs, learningRate: learningRate, decay: decay)
    }

    /// A plan of one phase in which every stage trains.
    static func whole(
        _ name: String, parameters: Phase.Parameters = .all, epochs: Int, learningRate: Double,
        decay: Double = 1
    ) -> Plan {
        Plan(
            name: name,
            phases: [
                Phase(
                    stages: .all, parameters: parameters, length: .epochs(epochs),
                    headRate: learningRate, stageRate: learningRate, decay: decay)
            ])
    }
}
