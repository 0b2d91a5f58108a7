#if os(Linux)
    import Foundation
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
