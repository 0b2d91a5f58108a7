import Layers
import Tensor

/// Examples as the model takes them: inputs prepared once, targets encoded.
struct PreparedExamples<P: Preparation, H: Head> {
    let items: [P.Item]
    let targets: [H.EncodedTarget]
    let truncatedCount: Int
    let leftOut: [LeftOutExample]

    /// - Throws: ``ExamplesError``.
    init(
        _ data: Dataset<P.Input, H.Target>, for model: FineTunedModel<P, H>,
        purpose: ExamplesError.Purpose
    ) throws {
        let preparation = model.preparation
        do {
            guard !data.isEmpty else { throw DataError(.noExamples) }
            items = try data.inputs.map { try preparation.prepared($0) }
            for (position, item) in items.enumerated() where preparation.isEmpty(item) {
                throw ModelError.emptyText(position: position)
            }
            try preparation.check(items, for: model.stages)
            targets = try model.head.encoded(data.targets)
            try model.checkRows(of: items, targets)
        } catch {
            throw ExamplesError(purpose: purpose, reason: error)
        }
        leftOut = data.leftOut
        truncatedCount = items.count { preparation.isTruncated($0) }
    }

    func metrics(
        of model: FineTunedModel<P, H>, cache: FeatureCache<P>?
    ) throws -> H.Metrics {
        model.head.metrics(outputs: try model.outputs(for: items, cache: cache), targets: targets)
    }
}
