import Checkpoint

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Work on a thread of its own, which may wait for the disk without keeping anything else from running,
/// as it would on one of Swift's few threads.
final class BackgroundJob<Result: Sendable>: @unchecked Sendable {
    // Unchecked, because the mutex is one of C: it guards `work` and `result`.
    private var mutex = pthread_mutex_t()
    private var condition = pthread_cond_t()
    private var work: (@Sendable () -> Result)?
    private var result: Result?

    /// Begins the work. If the system gives no thread, it is done here and now.
    init(_ work: @escaping @Sendable () -> Result) {
        pthread_mutex_init(&mutex, nil)
        pthread_cond_init(&condition, nil)
        self.work = work
        let calls = SystemCalls.current
        let body = ThreadBody { [self] in
            SystemCalls.$current.withValue(calls) { run() }
        }
        if !body.startThread() { body.run() }
    }

    deinit {
        pthread_cond_destroy(&condition)
        pthread_mutex_destroy(&mutex)
    }

    /// Whether the work is done.
    var isDone: Bool {
        pthread_mutex_lock(&mutex)
        defer { pthread_mutex_unlock(&mutex) }
        return result != nil
    }

    /// What came of the work, when it is done.
    func wait() -> Result {
        pthread_mutex_lock(&mutex)
        defer { pthread_mutex_unlock(&mutex) }
        while true {
            if let result { return result }
            pthread_cond_wait(&condition, &mutex)
        }
    }

    /// What the work holds is released before anybody hears that it is done.
    private func run() {
        pthread_mutex_lock(&mutex)
        let work = self.work.take()
        pthread_mutex_unlock(&mutex)
        guard let result = work?() else { return }
        _ = consume work
        pthread_mutex_lock(&mutex)
        self.result = result
        pthread_cond_broadcast(&condition)
        pthread_mutex_unlock(&mutex)
    }
}

/// What a thread does.
private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }

    /// False if the system gives no thread.
    func startThread() -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { pthread_attr_destroy(&attributes) }
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let retained = Unmanaged.passRetained(self)
        let status = pthread_create(
            &thread, &attributes,
            { argument in
                // Optional on some systems only.
                let argument: UnsafeMutableRawPointer? = argument
                if let argument {
                    Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            }, retained.toOpaque())
        if status != 0 { retained.release() }
        return status == 0
    }
}
