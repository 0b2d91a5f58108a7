import Checkpoint
import Foundation
import Tensor
import TestSupport
import Testing

/// No damage to a file of tensors or settings ends the process, takes long, or fills the memory: see
/// ``Fuzzing``, and `FuzzedFormat` for what is damaged. Each format has a process of its own.
@Suite struct FuzzingTests {
    @Test(arguments: FuzzedFormat.all.map(\.name))
    func survives(_ name: String) async {
        let child = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent]
        ) { [name] in try FuzzedFormat.all.first { $0.name == name }?.run() }
        #expect(Fuzzing.complaint(about: name, output: child?.standardOutputContent) == nil)
    }
}

/// The harness itself notices what it is there to notice.
@Suite struct FuzzingHarnessTests {
    private static func fuzzing(_ name: String, _ read: @escaping @Sendable ([UInt8]) -> Void)
        -> Fuzzing
    {
        // Foundation's Data would take some memory for good with every file.
        Fuzzing(name, seeds: [Array("0123".utf8)]) { path in
            let file = try MappedFile(path: path)
            read(withExtendedLifetime(file) { Array(file.bytes) })
        }
    }

    /// Where a child of this process leaves its input.
    private func leftInput(_ name: String) -> [UInt8]? {
        guard
            let message = Fuzzing.complaint(about: name, output: nil),
            let folder = message.split(separator: "'").dropFirst().first
        else { return nil }
        defer { try? FileManager.default.removeItem(atPath: String(folder)) }
        return FileManager.default.contents(atPath: "\(folder)/input").map { Array($0) }
    }

    @Test func aTrapIsNoticed() async {
        await #expect(processExitsWith: .failure) {
            try Self.fuzzing("trap") { data in precondition(data != Array("012".utf8)) }.run()
        }
        #expect(leftInput("trap") == Array("012".utf8))
    }

    @Test func anEndlessLoopIsNoticed() async {
        await #expect(processExitsWith: .signal(SIGPROF)) {
            try Self.fuzzing("loop") { data in
                while data == Array("01".utf8) {}
            }.run()
        }
        #expect(leftInput("loop") == Array("01".utf8))
    }

    #if canImport(Glibc)
        @Test(.disabled(if: Sanitizer.isOn))
        func anAllocationIsNoticed() async {
            await #expect(processExitsWith: .failure) {
                try Self.fuzzing("memory") { data in
                    let count = data == Array("0".utf8) ? 17 << 20 : 10 << 20
                    let bytes = [UInt8](repeating: 1, count: count)
                    precondition(bytes.last == 1)
                }.run()
            }
            #expect(leftInput("memory") == Array("0".utf8))
        }
    #endif

    @Test func aRefusedSeedIsNoticed() async {
        struct Refusal: Error {}
        await #expect(processExitsWith: .failure) {
            try Fuzzing("seed", seeds: [[1]]) { _ in throw Refusal() }.run()
        }
        #expect(leftInput("seed") == [1])
    }

    @Test func aCompleteRunSaysSo() async {
        let child = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent]
        ) { try Self.fuzzing("complete") { _ in }.run() }
        let output = child?.standardOutputContent
        #expect(Fuzzing.complaint(about: "complete", output: output) == nil)
        #expect(Fuzzing.complaint(about: "other", output: output) != nil)
    }
}
