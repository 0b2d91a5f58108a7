import Layers

extension FineTunedModel {
    /// The floating-point operations of one pass over some items, by the structure of the model: two
    /// for each weight of a linear map and row, four for each pair of tokens of a text and column in
    /// attention. A gradient of a weight, or of a map's input, takes as many as the map; attention's
    /// take twice as many as attention.
    struct OperationCount {
        /// Of the stages below the lowest trained one.
        var prefix = 0.0
        /// Of what is above, without gradients.
        var forward = 0.0
        /// Of the gradients.
        var backward = 0.0
    }

    /// The operations for items, with what is trainable now.
    func operations(for items: [P.Item]) -> OperationCount {
        let sizes = items.map { Double(preparation.size(of: $0)) }
        let tokens = sizes.reduce(0, +)
        let pairs = sizes.reduce(0) { $0 + $1 * $1 }
        let rows = items.reduce(0.0) { $0 + Double(preparation.rowCount(of: $1)) }
        let lowest = stages.firstIndex { $0.parameters.contains { $0.isTrainable } }
        var count = OperationCount()
        for (index, stage) in stages.enumerated() {
            // Of these tokens alone is a query asked.
            let asked = stage.keepsFirstTokens ? tokens : pairs
            let attention =
                stage.linearMaps.first { $0.role == .query }
                .map { 4 * asked * Double($0.map.weight.shape[0]) } ?? 0
            let passes = products(of: stage, tokens: tokens, rows: rows)
            guard let lowest, index >= lowest else {
                count.prefix += passes.forward + attention
                continue
            }
            count.forward += passes.forward + attention
            count.backward += passes.weightGradients + passes.forward + 2 * attention
            if index == lowest {
                count.backward -= inputGradients(of: stage, tokens: tokens, rows: rows)
            }
        }
        let head = products(of: network.parameters, rows: rows)
        count.forward += head.forward
        count.backward += head.weightGradients + (lowest == nil ? 0 : head.forward)
        return count
    }

    private func products(
        of stage: any Stage, tokens: Double, rows: Double
    ) -> (forward: Double, weightGradients: Double) {
        // What is not counted by plans comes after the pooling.
        guard stage.isCounted else { return products(of: stage.parameters, rows: rows) }
        guard stage.keepsFirstTokens else { return products(of: stage.parameters, rows: tokens) }
        let few = stage.linearMaps.filter { ![.key, .value].contains($0.role) }
            .flatMap(\.map.parameters)
        let paths = Set(few.map(\.path))
        let one = products(of: few, rows: rows)
        let all = products(of: stage.parameters.filter { !paths.contains($0.path) }, rows: tokens)
        return (one.forward + all.forward, one.weightGradients + all.weightGradients)
    }

    private func products(
        of parameters: [Parameter], rows: Double
    ) -> (forward: Double, weightGradients: Double) {
        let matrices = parameters.filter { $0.kind == .weight || $0.kind == .lowRank }
        let work = { (some: [Parameter]) in
            some.reduce(0.0) { $0 + 2 * rows * Double($1.shape.elementCount) }
        }
        return (work(matrices), work(matrices.filter(\.isTrainable)))
    }

    /// The gradients of a stage's input, which nobody asks for in the lowest trained stage.
    private func inputGradients(of stage: any Stage, tokens: Double, rows: Double) -> Double {
        stage.linearMaps.filter { [.query, .key, .value].contains($0.role) }.reduce(0) {
            let asked = $1.role == .query && stage.keepsFirstTokens ? rows : tokens
            return $0 + 2 * asked * Double($1.map.weight.shape.elementCount)
        }
    }
}
