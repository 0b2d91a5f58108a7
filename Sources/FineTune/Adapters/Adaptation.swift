import Checkpoint
import Layers
import Tensor

/// What a model keeps that is adapted rather than fine-tuned itself.
final class Adaptation {
    /// The adapter on one linear map.
    struct Place {
        let role: LinearRole
        let map: Linear
        let adapter: any LinearAdapter
    }

    /// What the adapter is.
    let adapter: Adapter
    /// The maps that it is on, in the order of loading.
    let places: [Place]
    /// The pretrained weights as they were loaded: references, which cost memory only where training
    /// has changed them since.
    let base: [(parameter: Parameter, value: Tensor)]
    /// The parameters of the stages that belong to the task, as the head's do, and are saved with
    /// the adapter.
    let taskParameters: [Parameter]
    let fingerprints: WeightFingerprints
    /// The weights and biases of the places before the adapter was merged into them.
    var unmerged: [(weight: Tensor, bias: Tensor?)]?

    init(
        adapter: Adapter, places: [Place], base: [Parameter], taskParameters: [Parameter],
        fingerprints: WeightFingerprints
    ) {
        (self.adapter, self.places) = (adapter, places)
        self.base = base.map { ($0, $0.value) }
        self.taskParameters = taskParameters
        self.fingerprints = fingerprints
    }

    /// Of all pretrained weights that the model uses.
    var baseFingerprint: Fingerprint { fingerprints.fingerprint(of: base) }

    /// The paths of pretrained weights that are no longer what they were, though they do not belong
    /// to the task.
    var changedPaths: [String] {
        let own = Set(taskParameters.map(\.path))
        return base.filter {
            !own.contains($0.parameter.path) && !sameElements($0.parameter.value, $0.value)
        }.map(\.parameter.path)
    }

    /// Tensors that share their memory are told to be the same without a look at their elements.
    private func sameElements(_ a: Tensor, _ b: Tensor) -> Bool {
        a.withUnsafeBytes { x in
            b.withUnsafeBytes { y in
                x.baseAddress == y.baseAddress && x.count == y.count || x.elementsEqual(y)
            }
        }
    }
}

/// The fingerprints of a backbone's weights, each taken when somebody asks for it: loading a second
/// adapter takes none again.
final class WeightFingerprints: Sendable {
    private let known = Locked<[String: Fingerprint]>([:])

    /// Of several weights in their order.
    func fingerprint(of weights: [(parameter: Parameter, value: Tensor)]) -> Fingerprint {
        Fingerprint(of: weights.map { fingerprint(of: $0.parameter.path, value: $0.value) })
    }

    /// Of the pretrained weight at `path`, whose value this is.
    private func fingerprint(of path: String, value: Tensor) -> Fingerprint {
        if let found = known.withLock({ $0[path] }) { return found }
        let taken = Fingerprint(name: path, value)
        known.withLock { $0[path] = taken }
        return taken
    }
}
