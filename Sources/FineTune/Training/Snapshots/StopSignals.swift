import Synchronization
import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The signal that came while runs watch; 0 if none did.
private let received = Atomic<Int32>(0)

/// Does nothing but what may be done in a handler.
private func remember(_ number: Int32) {
    received.store(number, ordering: .relaxed)
    signal(SIGINT, SIG_DFL)
    signal(SIGTERM, SIG_DFL)
}

/// SIGINT and SIGTERM as a wish to stop, which a run asks for between two steps.
enum StopSignals {
    /// The handlers of before, and how many runs watch.
    private struct Watch {
        var runs = 0
        var earlier: [(signal: Int32, handler: (@convention(c) (Int32) -> Void)?)] = []
    }

    private static let watch = Locked(Watch())
    /// The signal that came while runs watch; nil if none did.
    static var pending: Int32? {
        let signal = received.load(ordering: .relaxed)
        return signal == 0 ? nil : signal
    }

    /// Begins to watch: a signal no longer ends the process, but a second one, of either kind, does.
    static func begin() {
        watch.withLock { watch in
            watch.runs += 1
            guard watch.runs == 1 else { return }
            received.store(0, ordering: .relaxed)
            watch.earlier = [SIGINT, SIGTERM].map { ($0, signal($0, remember)) }
        }
    }

    /// Ends the watch: the earlier handlers are back when no other run watches.
    static func end() {
        watch.withLock { watch in
            watch.runs -= 1
            guard watch.runs == 0 else { return }
            for (number, handler) in watch.earlier { signal(number, handler) }
            watch.earlier = []
        }
    }
}
