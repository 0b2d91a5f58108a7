import Foundation

/// Feeds a reader of files with damaged ones: every beginning and every flipped bit of small seeds,
/// and random mutants of them, ``inputCount`` or more in all.
///
/// An input may be accepted or refused. A trap, more than a second of the processor's time, or more
/// memory than ``Limits`` allows end the process, so this belongs into an exit test, and leave the
/// input in the file that it was read from.
///
/// Mutants are guided by what the reader says: an input that is refused in a way that none was
/// before becomes a seed itself. In a build that counts what code runs (``Coverage``), it is one by
/// which code runs that never did, instead.
public struct Fuzzing: Sendable {
    /// How many inputs each format gets: a million with `FINETUNE_LONG_TESTS=1`, else 20,000.
    public static let inputCount = isLong ? 1_000_000 : 20_000
    private static let isLong = ProcessInfo.processInfo.environment["FINETUNE_LONG_TESTS"] == "1"

    /// Of the format, for messages and the folder.
    public let name: String
    private let fileName: String
    private let seeds: [[UInt8]]
    private let words: [[UInt8]]
    private let prepare: @Sendable (String) throws -> Void
    private let repair: @Sendable (inout [UInt8]) -> Void
    private let read: @Sendable (String) throws -> Void

    /// - Parameters:
    ///   - name: Of the format, for messages and the folder.
    ///   - fileName: What the file is called, for readers that look for it in a folder.
    ///   - seeds: Small files that are accepted.
    ///   - words: What mutants may also contain.
    ///   - prepare: Puts other files into the folder.
    ///   - repair: Mends in half of the mutants what would be found before anything else, such as
    ///     a length or a checksum.
    ///   - read: Reads all of the file at a path, or throws what is wrong with it.
    public init(
        _ name: String, fileName: String = "input", seeds: [[UInt8]], words: [String] = [],
        prepare: @escaping @Sendable (String) throws -> Void = { _ in },
        repair: @escaping @Sendable (inout [UInt8]) -> Void = { _ in },
        read: @escaping @Sendable (String) throws -> Void
    ) {
        (self.name, self.fileName, self.seeds) = (name, fileName, seeds)
        self.words = words.map { Array($0.utf8) }
        (self.prepare, self.repair, self.read) = (prepare, repair, read)
    }

    /// Mutants that no reader has guided.
    public func mutants(count: Int) -> [[UInt8]] {
        var mutator = Mutator(seeds: seeds, words: words)
        return (0..<count).map { index in
            var input = mutator.next()
            if index % 2 == 0 { repair(&input) }
            return input
        }
    }

    /// Runs it all. What was done is printed, for whoever started the process.
    ///
    /// - Throws: What a seed is refused for, or the system's error if there is no place for files.
    public func run() throws {
        let folder = Self.folder(of: name, process: getppid())
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try prepare(folder)
        var trial = Trial(file: try RewrittenFile(path: "\(folder)/\(fileName)"), read: read)
        for seed in seeds { try trial.accept(seed) }
        var mutator = Mutator(seeds: seeds, words: words)
        try Limits.limitMemory()
        let start = ContinuousClock.now
        for seed in seeds { runNeighbours(of: seed, &trial) }
        runMutants(&mutator, &trial)
        let places = trial.coverage.count
        print(
            "\(name): \(trial.count) inputs, \(trial.acceptedCount) accepted, the others refused in "
                + "\(trial.verdictCount) ways, \(start.duration(to: .now)); \(mutator.keptCount) mutants "
                + "became seeds" + (places > 0 ? "; \(places) places of the code ran" : ""))
        try FileManager.default.removeItem(atPath: folder)
    }

    /// Every beginning, and every change of one bit.
    private func runNeighbours(of seed: [UInt8], _ trial: inout Trial) {
        for length in seed.indices { trial.run(Array(seed[..<length])) }
        var changed = seed
        for position in seed.indices {
            for bit in 0..<8 {
                changed[position] ^= 1 << bit
                trial.run(changed)
                changed[position] = seed[position]
            }
        }
    }

    private func runMutants(_ mutator: inout Mutator, _ trial: inout Trial) {
        // As many again, so that mutants are among them however large the seeds are.
        let goal = max(Self.inputCount, 2 * trial.count)
        while trial.count < goal {
            var input = mutator.next()
            // Twice the file is little then beside the rest that is allowed.
            input.removeLast(max(0, input.count - Mutator.longestInput))
            if trial.count % 2 == 0 { repair(&input) }
            if trial.run(input) { mutator.keep(input) }
        }
    }

    /// Says what is wrong with a child process of this one that should have run it all, and where the
    /// input is that ended it; nil if nothing is. In long mode what was done is printed.
    ///
    /// - Parameters:
    ///   - name: Of the format.
    ///   - output: The child's standard output, or nil if it failed.
    /// - Returns: What is wrong.
    public static func complaint(about name: String, output: [UInt8]?) -> String? {
        guard let output else {
            return "the input lies in '\(folder(of: name, process: getpid()))'; signal \(SIGPROF) "
                + "means that it took more than a second, a lack of memory that it took more than "
                + "16 MB"
        }
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("\(name): ") }) else {
            return "the child process did not run it all"
        }
        if isLong { print(line) }
        return nil
    }

    /// Where a child of a process has its files: in memory, where there is such a place.
    static func folder(of name: String, process: pid_t) -> String {
        let shared = "/dev/shm"
        let root =
            FileManager.default.isWritableFile(atPath: shared)
            ? shared : FileManager.default.temporaryDirectory.path
        return "\(root)/finetune-fuzzing-\(process)-\(name)"
    }
}

/// Runs a reader on one input after the other and keeps count.
private struct Trial {
    let file: RewrittenFile
    let read: (String) throws -> Void
    private(set) var count = 0
    private(set) var acceptedCount = 0
    private var verdicts: Set<UInt64> = []
    private(set) var coverage = Coverage()
    var verdictCount: Int { verdicts.count }

    init(file: RewrittenFile, read: @escaping (String) throws -> Void) {
        (self.file, self.read) = (file, read)
        // Taken before memory is limited.
        verdicts.reserveCapacity(Fuzzing.inputCount / 2)
    }

    /// A seed, which must be accepted.
    func accept(_ input: [UInt8]) throws {
        try file.replace(with: input)
        try read(file.path)
    }

    /// Whether the reader runs code that it never did or, where that is not known, refuses an input in a
    /// new way.
    @discardableResult
    mutating func run(_ input: [UInt8]) -> Bool {
        let isNew = isRefusedAnew(input)
        return Coverage.isCounted ? coverage.hasGrown() : isNew
    }

    private mutating func isRefusedAnew(_ input: [UInt8]) -> Bool {
        count += 1
        do {
            try file.replace(with: input)
        } catch {
            preconditionFailure("\(error)")
        }
        Limits.allow(seconds: 1)
        defer { Limits.allow(seconds: 0) }
        do {
            try read(file.path)
            acceptedCount += 1
            return false
        } catch {
            return verdicts.insert(Self.kind(of: "\(error)")).inserted
        }
    }

    /// A hash (FNV-1a) of a message's letters outside of quotation marks: what the message says of
    /// any file.
    private static func kind(of message: String) -> UInt64 {
        var (hash, isQuoted): (UInt64, Bool) = (0xCBF2_9CE4_8422_2325, false)
        for byte in message.utf8 {
            if byte == UInt8(ascii: "'") { isQuoted.toggle() }
            guard !isQuoted, byte | 0x20 >= UInt8(ascii: "a"), byte | 0x20 <= UInt8(ascii: "z")
            else { continue }
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        return hash
    }
}

/// A file whose content is replaced again and again.
private final class RewrittenFile {
    let path: String
    private let descriptor: Int32

    init(path: String) throws {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }

    deinit { close(descriptor) }

    func replace(with bytes: [UInt8]) throws {
        let written = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        guard written == bytes.count, ftruncate(descriptor, off_t(bytes.count)) == 0 else {
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
        }
    }
}
