#if os(Linux)
    import CKernels
    import Foundation
    import Synchronization
    import Testing

    @testable import Tensor

    /// The threads that operations share.
    struct WorkerTests {
        /// A worker is woken on another core than that of its caller, by taking that core from it for
        /// a moment. If it were not given back, threads would lose one core after the other.
        @Test func wokenWorkersGetTheirCoresBack() async throws {
            for _ in 0..<20 {
                try await Task.sleep(for: .milliseconds(3))  // until the workers sleep
                parallel(tiles: 8) { _ in usleep(100) }
            }
            let own = try allowedCores("/proc/self/status")
            let deadline = ContinuousClock.now + .seconds(30)
            // Other tests wake the same workers all the time: once without any will do.
            var strange = try others(than: own)
            while strange != [], .now < deadline {
                try await Task.sleep(for: .milliseconds(1))
                strange = try others(than: own)
            }
            #expect(strange == [])
        }

        /// What keeps a sleeping worker off its caller's core: one core less, and only that one, until the
        /// worker itself takes it back.
        @Test func aThreadIsKeptFromThisCore() throws {
            let (ready, go) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            let number = Atomic(Int32(0))
            let core = Atomic(Int32(-1))
            let ended = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                number.store(ck_thread(), ordering: .releasing)
                ready.signal()
                go.wait()
                ck_allow_core(core.load(ordering: .acquiring))
                ready.signal()
                ended.wait()
            }
            ready.wait()
            let path = "/proc/self/task/\(number.load(ordering: .acquiring))/status"
            let before = try coreNumbers(path)
            core.store(
                ck_keep_from_this_core(number.load(ordering: .acquiring)), ordering: .releasing)
            let lost = before.subtracting(try coreNumbers(path))
            let expected = core.load(ordering: .acquiring)
            #expect(lost == (before.count > 1 ? [Int(expected)] : []))
            go.signal()
            ready.wait()
            #expect(try coreNumbers(path) == before)
            ended.signal()
        }

        private func coreNumbers(_ status: String) throws -> Set<Int> {
            let mask = try allowedCores(status).split(separator: "\t").last ?? ""
            let digits = mask.filter { $0 != "," }.reversed()
            return Set(
                digits.enumerated().flatMap { place, digit in
                    (0..<4).filter { (digit.hexDigitValue ?? 0) >> $0 & 1 == 1 }
                        .map { 4 * place + $0 }
                })
        }

        /// The lists of cores of this process's threads that differ from `own`.
        private func others(than own: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").compactMap {
                let cores = try? allowedCores("/proc/self/task/\($0)/status")
                return cores == own ? nil : cores  // nil: the thread has ended
            }
        }

        private func allowedCores(_ status: String) throws -> String {
            let lines = try String(contentsOfFile: status, encoding: .utf8).split(separator: "\n")
            return try String(#require(lines.first { $0.hasPrefix("Cpus_allowed:") }))
        }
    }
#endif
