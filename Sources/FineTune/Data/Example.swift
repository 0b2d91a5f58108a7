/// One thing to learn from: an input and what the model should answer to it.
public struct Example<Input: Sendable, Target: Sendable>: Sendable {
    /// What the model is given, such as a text.
    public var input: Input
    /// What it should answer, such as the name of a class or a number.
    public var target: Target

    /// An example of `input` and its `target`.
    public init(input: Input, target: Target) {
        self.input = input
        self.target = target
    }
}

extension Example: Equatable where Input: Equatable, Target: Equatable {}
extension Example: Hashable where Input: Hashable, Target: Hashable {}
