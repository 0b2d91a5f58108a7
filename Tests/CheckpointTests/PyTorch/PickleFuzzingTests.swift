import Checkpoint
import Tensor
import Testing

/// Damaged pickles in archives whose checksums are right, so that nothing but the interpreter stands
/// between them and the reader.
@Suite struct PickleFuzzingTests {
    /// A state dictionary with most of what PyTorch writes: two tensors, one of them a parameter and
    /// one strided, memoised texts, versions of modules, and settings.
    private static let pickle: [UInt8] = {
        let first = Op.tensor(Op.reference(count: 4), sizes: [2, 2], strides: [1, 2]) + Op.reduce
        let second =
            Op.tensor(Op.reference("LongStorage", key: "1", count: 2), sizes: [2], strides: [1])
            + Op.reduce
        let parameter =
            Op.global("torch._utils", "_rebuild_parameter") + first + Op.yes + Op.hooks
            + Op.tuple3 + Op.reduce
        let settings =
            Op.emptyList + Op.mark + Op.number(0.5) + Op.integer(-3) + Op.none + Op.get(0)
            + Op.appends
        let versions = Op.emptyDictionary + Op.text("_metadata") + Op.hooks + Op.setItem + Op.build
        return Op.proto + Op.hooks + Op.mark + Op.text("weight") + Op.put(0) + parameter
            + Op.text("bias") + second + Op.text("settings") + settings + Op.setItems + versions
            + Op.stop
    }()

    /// Opens an archive with this pickle and reads all that it holds.
    private static func read(_ pickle: [UInt8], path: String) throws -> Bool {
        let storages = [("0", [UInt8](0..<16)), ("1", [UInt8](0..<16))]
        try write(torchArchive(pickle, storages: storages).bytes, to: path)
        do throws(PyTorchFileError) {
            let file = try PyTorchFile(path: path)
            for name in file.names { _ = try? file.tensor(named: name) }
            return true
        } catch {
            return false
        }
    }

    @Test func acceptsTheUndamagedPickle() throws {
        try withTemporaryFolder { folder throws in
            #expect(try Self.read(Self.pickle, path: folder + "/model.pt"))
        }
    }

    @Test func refusesEveryPrefix() throws {
        try withTemporaryFolder { folder throws in
            for length in Self.pickle.indices {
                #expect(
                    try !Self.read(Array(Self.pickle[..<length]), path: folder + "/model.pt"))
            }
        }
    }

    @Test func survivesEveryChangedByte() throws {
        try withTemporaryFolder { folder throws in
            for position in Self.pickle.indices {
                for change in [1, 2, 4, 8, 16, 32, 64, 128, 255] as [UInt8] {
                    var damaged = Self.pickle
                    damaged[position] ^= change
                    _ = try Self.read(damaged, path: folder + "/model.pt")
                }
            }
        }
    }

    /// Bytes changed, removed, repeated and moved at random.
    @Test func survivesRandomDamage() throws {
        var generator = Generator(state: 7)
        try withTemporaryFolder { folder throws in
            for _ in 0..<20_000 {
                var damaged = Self.pickle
                for _ in 0...generator.number(below: 4) {
                    let at = generator.number(below: damaged.count)
                    let length = generator.number(below: min(16, damaged.count - at))
                    let other = generator.number(below: damaged.count)
                    switch generator.number(below: 4) {
                    case 0: damaged[at] = UInt8(generator.number(below: 256))
                    case 1: damaged.removeSubrange(at..<(at + length))
                    case 2: damaged.insert(contentsOf: damaged[at..<(at + length)], at: other)
                    default: damaged.swapAt(at, other)
                    }
                }
                _ = try Self.read(damaged, path: folder + "/model.pt")
            }
        }
    }

    /// Knuth's MMIX generator: the same damage in every run.
    private struct Generator {
        var state: UInt64

        mutating func number(below bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
    }
}
