import Checkpoint
import FineTune
import Foundation
import Testing

/// What `Fixtures/tokenizer/generate.py` and `generate_bpe.py` wrote, and the real model's folder.
enum TokenizerFixtures {
    static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/tokenizer").path

    /// The folder of all-MiniLM-L6-v2, which `Tests/run.sh` fetches.
    static var miniLM: String {
        ProcessInfo.processInfo.environment["FINETUNE_MINILM"]
            ?? FileManager.default.homeDirectoryForCurrentUser.path
            + "/.cache/swift-finetune/all-MiniLM-L6-v2"
    }

    /// The rows of a JSON Lines file.
    static func rows(_ name: String) throws -> [JSON] {
        let bytes = try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))
        return try bytes.split(separator: 0x0A).map { try JSON(parsing: Array($0)) }
    }

    static func tokenizer(_ name: String) throws -> WordPieceTokenizer {
        try WordPieceTokenizer(contentsOf: "\(folder)/\(name).json")
    }

    /// The processor time of the fastest of three runs, which other processes hardly change.
    static func seconds(_ body: () -> Void) -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let times = (0..<3).map { _ in
            let start = now()
            body()
            return now() - start
        }
        return times.min() ?? 0
    }

    /// A file with this content, for as long as the body runs.
    @discardableResult
    static func withFile<Result>(
        _ content: some Sequence<UInt8>, _ body: (String) throws -> Result
    ) throws -> Result {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "tokenizer-\(UUID().uuidString)").path
        try Data(content).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }
}

extension JSON {
    /// A field of a fixture's row.
    func text(_ field: String) throws -> String { try #require(self[field]?.string) }
    func integer(_ field: String) throws -> Int { try #require(self[field]?.int) }
    func integers(_ field: String) throws -> [Int32] {
        try #require(self[field]?.array).map { Int32(try #require($0.int)) }
    }
}

/// CRC-32 as in zlib.
struct CyclicRedundancyCheck {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in
            value & 1 == 0 ? value >> 1 : 0xEDB8_8320 ^ (value >> 1)
        }
    }
    private let table = Self.table
    private var state: UInt32 = 0xFFFF_FFFF

    var value: UInt32 { ~state }

    mutating func add(_ byte: UInt8) {
        state = table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] ^ (state >> 8)
    }
}
