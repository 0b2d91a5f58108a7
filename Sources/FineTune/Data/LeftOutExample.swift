/// Something that was to be an example and could not be used.
public struct LeftOutExample: Sendable, Hashable {
    /// Where it stands: the path of a file.
    public let place: String
    /// Why it could not be used.
    public let reason: String

    /// An example that is left out.
    public init(place: String, reason: String) { (self.place, self.reason) = (place, reason) }
}

extension [LeftOutExample] {
    /// How many there are, and a line for each of the first ten.
    package var listed: String {
        let lines = prefix(10).map { "  \($0.reason)" }
        let rest = count > 10 ? ["  … and \(count - 10) more"] : []
        let title = count == 1 ? "1 input was left out:" : "\(count) inputs were left out:"
        return ([title] + lines + rest).joined(separator: "\n")
    }
}
