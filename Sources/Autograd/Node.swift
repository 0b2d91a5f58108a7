import Synchronization
import Tensor

/// One entry of the tape: how the gradient of a value becomes the gradients of what it was made of.
final class Node {
    /// The gradients of the inputs from the gradient of the output; nil for an input that needs
    /// none. Holds what the forward pass saved, and is dropped as soon as it was used.
    typealias Rule = (Tensor) -> [Tensor?]

    /// Entries are numbered as they are made: a higher number is never an input of a lower one.
    let number: Int
    private(set) var inputs: [Node?]
    private var rule: Rule?
    /// Whether a backward pass has used the rule. A second one would lose gradients in silence.
    private var isConsumed = false
    /// Where the gradient of a leaf goes.
    private let sink: (any GradientSink)?
    private var gradient: Tensor?

    private static let count = Atomic(0)
    private static let living = Atomic(0)

    /// The entries that exist now, of all tapes.
    static var livingCount: Int { living.load(ordering: .relaxed) }

    init(inputs: [Node?], rule: @escaping Rule) {
        number = Self.count.add(1, ordering: .relaxed).newValue
        (self.inputs, self.rule, sink) = (inputs, rule, nil)
        Self.living.add(1, ordering: .relaxed)
    }

    init(sink: any GradientSink) {
        number = Self.count.add(1, ordering: .relaxed).newValue
        (inputs, rule, self.sink) = ([], nil, sink)
        Self.living.add(1, ordering: .relaxed)
    }

    /// Releases a chain of entries one by one: left to Swift, each would be released from inside
    /// the release of the next, and a long chain would overflow the stack.
    deinit {
        Self.living.subtract(1, ordering: .relaxed)
        rule = nil
        var pending = inputs
        inputs = []
        while !pending.isEmpty {
            // Taken out of the array first, so that this is the only reference left.
            var node = pending.removeLast()
            guard isKnownUniquelyReferenced(&node), let last = node else { continue }
            pending.append(contentsOf: last.inputs)
            last.inputs = []
            last.rule = nil
        }
    }

    func add(_ part: Tensor) {
        guard gradient != nil else { return gradient = part }
        gradient?.accumulate(part)
    }

    /// Hands this entry's gradient on to its inputs, and drops what it held.
    private func propagate() {
        guard let received = gradient else { return }
        require(
            !isConsumed, "a backward pass reached values whose tape an earlier one has consumed")
        gradient = nil
        sink?.accumulate(received)
        guard let rule else { return }
        let parts = rule(received)
        self.rule = nil
        isConsumed = true
        for (input, part) in zip(inputs, parts) {
            if let input, let part { input.add(part) }
        }
        inputs = []
    }

    /// Walks from `root` to the leaves, each entry after everything that uses it.
    static func runBackward(from root: Node) {
        var reached: [ObjectIdentifier: Node] = [:]
        var pending = [root]
        while let node = pending.popLast() {
            guard reached.updateValue(node, forKey: ObjectIdentifier(node)) == nil else { continue }
            pending.append(contentsOf: node.inputs.compactMap { $0 })
        }
        var order = reached.values.sorted { $0.number < $1.number }
        reached = [:]
        while let node = order.popLast() { node.propagate() }
    }
}
