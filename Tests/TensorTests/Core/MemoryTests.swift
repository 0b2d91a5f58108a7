import Foundation
@testable import Tensor
import TestSupport
import Testing

@Suite struct MemoryTests {
    @Test(.disabled(if: Sanitizer.endsPooling)) func sizeClassesWasteAtMostAnEighth() {
        var sizes = Array(0...5000)
        for power in 9..<50 {
            for near in -1...1 {
                sizes += (0...8).map { (1 << power) + ((1 << power) >> 3) * $0 + near }
            }
        }
        for size in sizes {
            let capacity = Tensor.Memory.sizeClass(size)
            #expect(capacity >= max(size, 1) && capacity % 64 == 0)
            #expect(capacity - size <= max(64, size / 8), "\(size) bytes take \(capacity)")
            #expect(Tensor.Memory.sizeClass(capacity) == capacity)
        }
    }

    @Test(.disabled(if: Sanitizer.endsPooling)) func eightClassesLieBetweenPowersOfTwo() {
        for power in 9..<40 {
            let (low, high) = (1 << power, 2 << power)
            let sizes = stride(from: low + 1, through: high, by: low / 64)
            #expect(Set(sizes.map(Tensor.Memory.sizeClass)).count == 8)
        }
    }

    @Test(arguments: [0, 1, 63, 64, 65, 4096, 1 << 20, 1 << 21, 5 << 20])
    func buffersBeginOnACacheLine(byteCount: Int) {
        let tensor = Tensor(uninitialized: [byteCount], dtype: .uint8)
        #expect(UInt(bitPattern: tensor.pointer) % 64 == 0)
    }

    // What follows counts the whole process's memory, so each runs in a process of its own.

    @Test(.disabled(if: Sanitizer.endsPooling)) func aFreedBufferIsUsedAgain() async {
        await #expect(processExitsWith: .success) {
            let before = Tensor.Memory.statistics
            for step in 0..<100 {
                let tensor = Tensor(zeros: [10_000 + step])
                #expect(tensor.elementCount == 10_000 + step)
            }
            let after = Tensor.Memory.statistics
            // 40,000 to 40,396 bytes: one class, or two.
            #expect(after.systemAllocations - before.systemAllocations <= 2)
            #expect(after.bytesInUse == before.bytesInUse)
            #expect(after.bytesCached > before.bytesCached)
        }
    }

    @Test(.disabled(if: Sanitizer.endsPooling)) func statisticsCountWhatIsHeld() async {
        await #expect(processExitsWith: .success) {
            Tensor.Memory.releaseCached()
            let start = Tensor.Memory.statistics
            #expect(start.bytesCached == 0)
            var tensors = [Tensor(zeros: [1 << 20], dtype: .uint8)]
            let view = tensors[0].sliced(0..<5)
            tensors.append(Tensor(zeros: [1 << 21], dtype: .uint8))
            var now = Tensor.Memory.statistics
            #expect(now.bytesInUse - start.bytesInUse == 3 << 20)
            #expect(now.systemAllocations - start.systemAllocations == 2)
            tensors = []
            now = Tensor.Memory.statistics
            // The view holds the first.
            #expect(now.bytesInUse - start.bytesInUse == 1 << 20)
            #expect(now.bytesCached == 2 << 20)
            #expect(now.peakBytesInUse - start.bytesInUse == 3 << 20)
            Tensor.Memory.resetPeak()
            #expect(Tensor.Memory.statistics.peakBytesInUse == now.bytesInUse)
            Tensor.Memory.releaseCached()
            #expect(Tensor.Memory.statistics.bytesCached == 0)
            #expect(view.elementCount == 5)
        }
    }

    @Test func mappedAndSharedTensorsTakeNoMemory() async {
        await #expect(processExitsWith: .success) {
            let tensor = Tensor(zeros: [1000, 1000])
            let before = Tensor.Memory.statistics
            let views = [
                tensor, tensor.transposed(), tensor.reshaped([1_000_000]), tensor[3],
                tensor.broadcast(to: [1000, 1000, 1000]), tensor.converted(to: .float32),
                tensor.contiguous(),
            ]
            #expect(Tensor.Memory.statistics == before)
            #expect(views.count == 7)
        }
    }

    #if os(Linux)
        /// 600 MB lie freed in the pool and the system gives no 700 MB beside them. A sanitizer takes addresses
        /// for itself.
        @Test(.enabled(if: !Sanitizer.isOn)) func cachedBuffersMakeRoomForOtherSizes() async {
            await #expect(processExitsWith: .success) {
                let statm = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
                let pages = try #require(statm.split(separator: " ").first.flatMap { UInt($0) })
                let limit = pages * UInt(getpagesize()) + 1_000_000_000
                var limits = rlimit(rlim_cur: limit, rlim_max: limit)
                #expect(setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limits) == 0)
                _ = Tensor(uninitialized: [600_000_000], dtype: .uint8)
                #expect(Tensor.Memory.statistics.bytesCached >= 600_000_000)
                let large = Tensor(uninitialized: [700_000_000], dtype: .uint8)
                #expect(large.elementCount == 700_000_000)
                #expect(Tensor.Memory.statistics.bytesCached == 0)
            }
        }
    #endif

    /// Every thread fills its tensors with a number of its own and finds them unchanged later.
    @Test func threadsAllocateAndFreeAtTheSameTime() {
        let failures = Failures()
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            var generator = SeededGenerator(state: UInt64(thread))
            var held: [(Tensor, UInt8)] = []
            for step in 0..<500 {
                let value = UInt8(truncatingIfNeeded: thread * 31 + step)
                let count = Int.random(in: 0...3000, using: &generator)
                held.append((Tensor([UInt8](repeating: value, count: count)), value))
                guard held.count > 16 else { continue }
                let (tensor, expected) = held.remove(
                    at: Int.random(in: 0..<held.count, using: &generator))
                let unchanged = tensor.withUnsafeBytes { $0.allSatisfy { $0 == expected } }
                if !unchanged { failures.add() }
            }
        }
        #expect(failures.count == 0)
    }

    /// Tensors made on one thread are freed on another, and copies share storage across threads.
    @Test func tensorsMoveBetweenThreads() {
        let shared = Tensor((0..<1000).map(Float.init))
        let failures = Failures()
        DispatchQueue.concurrentPerform(iterations: 64) { index in
            var mine = shared
            mine.mutablePointer().assumingMemoryBound(to: Float.self).pointee = Float(index + 1)
            if mine[0].scalar != Double(index + 1) || mine[999].scalar != 999 { failures.add() }
        }
        #expect(failures.count == 0)
        #expect(shared[0].scalar == 0)
    }
}

/// Counts across threads.
private final class Failures: @unchecked Sendable {
    private let lock = NSLock()
    private var total = 0
    var count: Int { lock.withLock { total } }
    func add() { lock.withLock { total += 1 } }
}
