extension Plan {
    /// Checks that the plan trains an adapter if and only if it can and should.
    func check<P: Preparation, H: Head>(
        for model: FineTunedModel<P, H>
    ) throws(TrainingError) {
        if model.hasActiveAdapter {
            guard phases.allSatisfy({ $0.stages == .none || $0.adapterRate != nil }) else {
                throw .adapterLeftOut(plan: name)
            }
        } else if phases.contains(where: { $0.adapterRate != nil }) {
            throw .noAdapter(plan: name)
        }
    }
}
