// Recipes that differ in which parameters of the stages train, where they begin, and what holds them.
extension Plan {
    /// Trains the biases and the head (Ben Zaken, Ravfogel and Goldberg 2022, BitFit,
    /// arXiv:2106.10199): 0.1% of an encoder, nearly as good as all of it on small data.
    ///
    /// The shifts of the normalisations count as biases, as in the paper (section 3).
    ///
    /// - Parameters:
    ///   - epochs: 10: few parameters need more steps.
    ///   - learningRate: 1e-3, more than ten times that of full fine-tuning; the paper tries 1e-4 to
    ///     1e-3.
    /// - Returns: A plan of one phase.
    public static func biasesOnly(epochs: Int = 10, learningRate: Double = 1e-3) -> Plan {
        whole("biases", parameters: .biases, epochs: epochs, learningRate: learningRate)
    }

    /// Trains the scales and shifts of the normalisations, and the head (Frankle, Schwab and Morcos
    /// 2021, arXiv:2003.00152, who train a network's batch normalisations alone; Qi et al. 2022,
    /// LN-tuning, arXiv:2211.08682, for the layer normalisations of pretrained transformers).
    ///
    /// - Parameters:
    ///   - epochs: 10: few parameters need more steps.
    ///   - learningRate: 1e-3, as for ``biasesOnly(epochs:learningRate:)``.
    /// - Returns: A plan of one phase.
    public static func normalizationsOnly(
        epochs: Int = 10, learningRate: Double = 1e-3
    ) -> Plan {
        whole(
            "normalizations", parameters: .normalizations, epochs: epochs,
            learningRate: learningRate)
    }

    /// Gives the topmost stages and the pooler new random weights and trains everything (Zhang et
    /// al. 2021, "Revisiting Few-sample BERT Fine-tuning", arXiv:2006.05987, section 5): the top of
    /// an encoder is made for its pretraining task, which helps least, and steadies training on
    /// small data to do without.
    ///
    /// As in the paper, weights become normal with deviation 0.02, biases and shifts 0, scales 1.
    ///
    /// - Parameters:
    ///   - count: How many stages; 1 to 6 of BERT-large's 24 in the paper.
    ///   - epochs: 5. The paper shows that small data needs more steps than 3 epochs (section 6).
    ///   - learningRate: 5e-5, as for ``full(epochs:learningRate:decay:)``.
    ///   - decay: The rate of each stage over that of the one above; 1 gives all the same.
    /// - Returns: A plan of one phase.
    public static func reinitializingTop(
        _ count: Int, epochs: Int = 5, learningRate: Double = 5e-5, decay: Double = 1
    ) -> Plan {
        Plan(
            name: "reinitialized top\(count)",
            phases: [
                Phase(
                    stages: .all, length: .epochs(epochs), headRate: learningRate,
                    stageRate: learningRate, decay: decay, reinitializedStages: count)
            ])
    }

    /// Trains everything with a penalty on the distance from the pretrained weights, and without
    /// weight decay, which would pull elsewhere (Li, Grandvalet and Davoine 2018, L2-SP,
    /// arXiv:1802.01483).
    ///
    /// - Parameters:
    ///   - epochs: 3, as for ``full(epochs:learningRate:decay:)``.
    ///   - learningRate: 5e-5, as there.
    ///   - penalty: How strong; see ``StartingPointPenalty``.
    /// - Returns: A plan of one phase.
    public static func l2SP(
        epochs: Int = 3, learningRate: Double = 5e-5,
        penalty: StartingPointPenalty = StartingPointPenalty()
    ) -> Plan {
        Plan(
            name: "L2-SP",
            phases: [
                Phase(
                    stages: .all, length: .epochs(epochs), headRate: learningRate,
                    stageRate: learningRate, weightDecay: 0, startingPointPenalty: penalty)
            ])
    }
}
