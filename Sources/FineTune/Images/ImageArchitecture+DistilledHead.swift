import Checkpoint
import Layers
import Tensor

// timm's DeiT with a token for distillation answers with the mean of two linear maps: `head`, of the
// class token, and `head_dist`, of the other one (`VisionTransformerDistilled` in its
// `models/deit.py`). A head here reads the class token. As timm's, it has twice the weights, and a
// `head_dist` of zeros: timm computes the same logits, to the bit but for their sum with zero.
extension ImageArchitecture {
    private static let distilled = "head_dist."

    private var hasTwoHeads: Bool {
        guard case .visionTransformer(let network) = network else { return false }
        return network.publisher == .timm && network.hasDistillationToken
    }

    /// The publisher's names, and the second head where there is one.
    public func savedTensors(
        _ values: [(path: String, value: Tensor)]
    ) -> [(name: String, tensor: Tensor)] {
        let head = headPath(for: .pooler) + "."
        return values.flatMap { path, value -> [(name: String, tensor: Tensor)] in
            guard hasTwoHeads, path.hasPrefix(head) else { return [(savedName(of: path), value)] }
            let zeros = Tensor(zeros: value.shape, dtype: value.dtype)
            return [
                (path, value * 2), (Self.distilled + path.dropFirst(head.count), zeros),
            ]
        }
    }

    /// Where a head that was saved is loaded from.
    ///
    /// - Throws: ``ModelError/noHead(_:reason:)`` if two heads answer.
    func headTensors(of folder: PretrainedFolder) throws -> any ParameterProvider {
        guard hasTwoHeads, let weight = try folder.tensors.tensor(named: Self.distilled + "weight")
        else { return folder.tensors }
        guard weight.converted(to: .float32).elements(as: Float.self).allSatisfy({ $0 == 0 }) else {
            throw ModelError.noHead(
                folder.path,
                reason: "it answers with the mean of two heads, one for each of its tokens; attach "
                    + "a new head to PretrainedModel.image(contentsOf:)")
        }
        return HalvedTensors(base: folder.tensors)
    }
}

/// Tensors of half the size.
private struct HalvedTensors: ParameterProvider {
    let base: any NamedTensors

    func tensor(named name: String) throws -> Tensor? {
        try base.tensor(named: name).map { $0.converted(to: .float32) * 0.5 }
    }

    func nearestName(to name: String) -> String? { base.nearestName(to: name) }
}
