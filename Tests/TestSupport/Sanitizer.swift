import Foundation

/// What the build looks for while it runs.
public enum Sanitizer {
    /// `address` or `thread`, or nil in builds without either; `Tests/run.sh` says so by
    /// `FINETUNE_SANITIZER`.
    public static let name = ProcessInfo.processInfo.environment["FINETUNE_SANITIZER"]

    /// Whether there is one. It takes memory and time for itself, so neither is measured then.
    public static var isOn: Bool { name != nil }

    /// Whether freed memory of tensors goes back to the system at once, so that Address Sanitizer sees who
    /// uses it nevertheless: see `Tests/run.sh`.
    public static var endsPooling: Bool { name == "address" }
}
