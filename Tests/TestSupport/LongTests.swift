import Foundation

/// How thorough the tests are that have a long form.
public enum LongTests {
    /// Whether the environment asks for the long form, by `FINETUNE_LONG_TESTS=1`.
    public static let areWanted = ProcessInfo.processInfo.environment["FINETUNE_LONG_TESTS"] == "1"

    /// The size for this process.
    public static func size(_ short: Int, long: Int) -> Int { areWanted ? long : short }

    /// Whether the kernels are those that this CPU chooses by itself. What does not depend on them is
    /// tested then only.
    public static let hasOwnCPULevel =
        ProcessInfo.processInfo.environment["FINETUNE_CPU_LEVEL"] == nil
}
