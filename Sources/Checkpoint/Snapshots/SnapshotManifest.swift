import Crypto
import Tensor

/// The list of a snapshot's files with the SHA-256 of each, which is what makes damage show.
///
/// It is a file of the snapshot itself, `manifest.json`, and says nothing that is not checked when it
/// is read: a bit that flips in it makes it other than what the files are, or other than what this
/// type writes.
struct SnapshotManifest: Equatable {
    static let fileName = "manifest.json"
    /// The most bytes that one may have: many times what ours have.
    static let byteLimit = 1 << 16

    /// A file, by name, size and digest.
    struct Entry: Equatable {
        let name: String
        let byteCount: Int
        /// The SHA-256 as 64 lower-case hexadecimal digits.
        let digest: String
    }

    var entries: [Entry]

    var bytes: [UInt8] {
        let files = entries.map {
            (key: $0.name, value: ["bytes": JSON($0.byteCount), "sha256": JSON($0.digest)] as JSON)
        }
        let json: JSON = [
            "format": "swift-finetune snapshot", "version": 1,
            "files": .object(JSON.Object(files)),
        ]
        return json.serializedBytes(pretty: true) + [UInt8(ascii: "\n")]
    }

    init(entries: [Entry]) { self.entries = entries }

    /// Reads the bytes of a manifest.
    ///
    /// - Throws: What is wrong with it.
    init(parsing bytes: [UInt8]) throws(SnapshotError.Damage) {
        let json: JSON
        do throws(JSON.SyntaxError) {
            json = try JSON(parsing: bytes)
        } catch {
            throw .manifest("\(error)")
        }
        guard json["format"]?.string == "swift-finetune snapshot" else {
            throw .manifest("it is that of something else")
        }
        guard json["version"]?.int == 1 else {
            throw .manifest("its version is \(json["version"]?.serialized() ?? "missing"), not 1")
        }
        entries = []
        for (name, file) in json["files"]?.object ?? [:] {
            guard let count = file["bytes"]?.int, count >= 0, let digest = file["sha256"]?.string
            else { throw .manifest("its entry of '\(name)' lacks a size or a digest") }
            entries.append(Entry(name: name, byteCount: count, digest: digest))
        }
        guard self.bytes == bytes else { throw .manifest("it is not as it was written") }
    }
}

/// A SHA-256 (FIPS 180-4) that is taken part by part.
package struct Digest {
    private var hash = SHA256()

    package init() {}

    package mutating func add(_ bytes: UnsafeRawBufferPointer) { hash.update(bufferPointer: bytes) }

    /// 64 lower-case hexadecimal digits.
    package var text: String {
        let digits = Array("0123456789abcdef".utf8)
        let bytes = hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
