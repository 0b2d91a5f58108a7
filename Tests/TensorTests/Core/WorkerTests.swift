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
        ///
        /// In a process of its own: other tests wake the same workers all the time.
        @Test func wokenWorkersGetTheirCoresBack() async {
            await #expect(processExitsWith: .success) {
                for _ in 0..<20 {
                    try await Task.sleep(for: .milliseconds(3))  // until the workers sleep
                    Tensor.Threads.limited(to: 4) { parallel(tiles: 8) { _ in usleep(100) } }
                }
                let deadline = ContinuousClock.now + .seconds(60)
                // A worker that was woken for nothing takes its core back when the system lets it run.
                while try otherCores() != [], .now < deadline {
                    try await Task.sleep(for: .milliseconds(10))
                }
                try #require(otherCores() == [])
            }
        }

        /// A pool that has served forty threads wakes one worker for a job of two: the others stay asleep.
        @Test func aJobWakesNoMoreWorkersThanItWants() async {
            await #expect(processExitsWith: .success) {
                Tensor.Threads.limited(to: 40) { parallel(tiles: 400) { _ in usleep(100) } }
                let deadline = ContinuousClock.now + .seconds(60)
                var asleep = 0
                repeat {
                    try await Task.sleep(for: .milliseconds(50))  // until the workers sleep
                    let before = try timesSlept()
                    for _ in 0..<10 {
                        try await Task.sleep(for: .milliseconds(3))
                        Tensor.Threads.limited(to: 2) { parallel(tiles: 8) { _ in usleep(100) } }
                    }
                    let after = try timesSlept()
                    asleep = before.filter { after[$0.key] == $0.value }.count
                } while asleep < 38 && .now < deadline
                try #require(asleep >= 38, "\(asleep) threads stayed asleep")
            }
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
    }

    private func coreNumbers(_ status: String) throws -> Set<Int> {
        let digits = try field("Cpus_allowed", of: status).filter { $0 != "," }.reversed()
        return Set(
            digits.enumerated().flatMap { place, digit in
                (0..<4).filter { (digit.hexDigitValue ?? 0) >> $0 & 1 == 1 }.map { 4 * place + $0 }
            })
    }

    /// The lists of cores of this process's threads that differ from that of its first.
    private func otherCores() throws -> [String] {
        let own = try field("Cpus_allowed", of: "/proc/self/status")
        return try threadFields("Cpus_allowed").values.filter { $0 != own }
    }

    /// How many times each thread of this process has gone to sleep.
    private func timesSlept() throws -> [String: String] {
        try threadFields("voluntary_ctxt_switches")
    }

    private func threadFields(_ name: String) throws -> [String: String] {
        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
        return threads.reduce(into: [:]) { fields, thread in
            // None: the thread has ended.
            fields[thread] = try? field(name, of: "/proc/self/task/\(thread)/status")
        }
    }

    /// A line of /proc/…/status: "Name:", a tabulator, the value.
    private func field(_ name: String, of status: String) throws -> String {
        let lines = try String(contentsOfFile: status, encoding: .utf8).split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix("\(name):") })
        return String(line.dropFirst(name.count + 2))
    }
#endif
