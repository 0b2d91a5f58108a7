import Synchronization

/// A value that one thread at a time sees: Swift's `Mutex`, and what Thread Sanitizer needs to
/// understand it.
///
/// Whoever has to wait for a `Mutex` on Linux takes it within the toolchain's own library, which the
/// sanitizer does not see into: it would report each such access as a race. Built with
/// `THREAD_SANITIZER`, the lock is also an atomic that is written before it is given back and read
/// once it is taken.
package struct Locked<Value: ~Copyable>: ~Copyable, Sendable {
    private let mutex: Mutex<Value>
    #if THREAD_SANITIZER
        private let order = Atomic(0)
    #endif

    package init(_ value: consuming sending Value) {
        mutex = Mutex(value)
    }

    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        #if THREAD_SANITIZER
            try mutex.withLock { value throws(Failure) in
                _ = order.load(ordering: .acquiring)
                defer { order.store(0, ordering: .releasing) }
                return try body(&value)
            }
        #else
            try mutex.withLock(body)
        #endif
    }
}
