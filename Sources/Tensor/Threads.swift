import CKernels
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Tensor {
    /// How many threads the operations use.
    ///
    /// An operation is split into tiles whose sizes depend on its shapes only, and partial results
    /// are joined in the order of the tiles: the number of threads changes no bit of any result.
    public enum Threads {
        @TaskLocal private static var limit: Int?

        /// The number of threads that operations of the current task use: what ``limited(to:_:)``
        /// says around it, else ``available``.
        public static var count: Int { limit ?? available }

        /// The cores that this process may use: its CPU affinity, lowered by the quota of its
        /// control group.
        public static let available: Int = usableCores()

        /// Runs `body` with operations on at most `count` threads.
        ///
        /// - Precondition: `count` is at least 1.
        public static func limited<Result>(
            to count: Int, _ body: () throws -> Result
        ) rethrows -> Result {
            require(count >= 1, "\(count) threads cannot compute anything")
            return try $limit.withValue(count, operation: body)
        }

        /// Runs `body` with operations on at most `count` threads.
        ///
        /// - Precondition: `count` is at least 1.
        public static func limited<Result>(
            to count: Int, isolation: isolated (any Actor)? = #isolation,
            _ body: () async throws -> Result
        ) async rethrows -> Result {
            require(count >= 1, "\(count) threads cannot compute anything")
            return try await $limit.withValue(count, operation: body, isolation: isolation)
        }
    }
}

/// Calls `body` once for each tile `0 ..< tiles`, on up to ``Tensor/Threads/count`` threads, and
/// returns when all are done. The caller's thread takes part.
package func parallel(tiles: Int, _ body: (Int) -> Void) {
    let threads = min(tiles, Tensor.Threads.count)
    guard threads > 1, !ThreadPool.isInsideTile else {
        for tile in 0..<tiles { body(tile) }
        return
    }
    withoutActuallyEscaping(body) { body in
        ThreadPool.shared.run(ThreadPool.Job(tiles: tiles, threads: threads, body: body))
    }
}

/// Splits `count` things into tiles of `grain` (a multiple of 64 keeps dropout masks aligned) and
/// calls `body` with the range of each.
func parallel(over count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    parallel(tiles: (count + grain - 1) / grain) { tile in
        body(tile * grain..<min(count, (tile + 1) * grain))
    }
}

/// Whether this thread runs a tile now: what it computes stays on it.
var isInsideTile: Bool { ThreadPool.isInsideTile }

/// Worker threads that wait for jobs: first spinning, as the next operation of a training step
/// follows within microseconds, then asleep.
private final class ThreadPool: @unchecked Sendable {
    static let shared = ThreadPool()

    final class Job: @unchecked Sendable {
        let tiles: Int
        /// Belongs to the caller's stack: dropped before the caller returns.
        private var body: ((Int) -> Void)?
        private let next = Atomic(0)
        /// Workers that may still join, and those that have joined and not left.
        let places: Atomic<Int>
        let joined = Atomic(0)

        init(tiles: Int, threads: Int, body: @escaping (Int) -> Void) {
            self.tiles = tiles
            self.body = body
            places = Atomic(threads - 1)
        }

        /// Takes tiles until none is left. Never inlined: when it returns, the thread holds no
        /// reference to the closure.
        @inline(never)
        func work() {
            guard let body else { return }
            while true {
                let tile = next.add(1, ordering: .relaxed).oldValue
                guard tile < tiles else { return }
                body(tile)
            }
        }

        /// Waits until every worker that joined has left; none may join any more.
        func finish() {
            var spins = 0
            while joined.load(ordering: .acquiring) > 0 {
                spins += 1
                if spins < 1 << 12 { ck_pause() } else { sched_yield() }
            }
            body = nil
        }

        /// Whether a worker may join that finds something to do.
        var hasRoom: Bool {
            next.load(ordering: .relaxed) < tiles && places.load(ordering: .relaxed) > 0
        }
    }

    /// Everything but `thread` is under the mutex.
    private final class Worker {
        let thread = ck_thread()
        var isAsleep = false
        /// The core that the thread may not run on until it has woken; -1 if there is none.
        var lostCore: Int32 = -1
        private var condition = pthread_cond_t()

        init() { pthread_cond_init(&condition, nil) }

        func sleep(_ mutex: inout pthread_mutex_t) {
            isAsleep = true
            while isAsleep { pthread_cond_wait(&condition, &mutex) }
        }

        func wake() {
            isAsleep = false
            // Linux may wake a thread on the core of the one that wakes it, even if another is idle,
            // and leave it there for some milliseconds: both would take turns.
            lostCore = ck_keep_from_this_core(thread)
            pthread_cond_signal(&condition)
        }
    }

    private var mutex = pthread_mutex_t()
    /// Under the mutex: jobs that may have tiles left, how many workers exist, and those that sleep.
    private var jobs: [Job] = []
    private var workers = 0
    private var sleepers: [Worker] = []
    /// Counts the jobs posted, for spinning workers to watch.
    private let posted = Atomic(0)
    /// How many workers spin.
    private let spinners = Atomic(0)
    /// How many may. With more, as after a job of many threads, they would keep each other and the
    /// callers from the cores for as long as jobs are posted.
    private let mostSpinners = Tensor.Threads.available

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// Whether this thread runs a tile now: operations inside a tile stay on its thread.
    static var isInsideTile: Bool { pthread_getspecific(key) != nil }

    private static func markInsideTile(_ inside: Bool) {
        pthread_setspecific(key, inside ? UnsafeRawPointer(bitPattern: 1) : nil)
    }

    private init() {
        pthread_mutex_init(&mutex, nil)
    }

    func run(_ job: Job) {
        pthread_mutex_lock(&mutex)
        jobs.append(job)
        while workers < job.places.load(ordering: .relaxed), startWorker() { workers += 1 }
        posted.add(1, ordering: .releasing)
        // No more than can join: a pool that once served many threads would else wake them all.
        for _ in 0..<job.places.load(ordering: .relaxed) { sleepers.popLast()?.wake() }
        pthread_mutex_unlock(&mutex)

        Self.markInsideTile(true)
        job.work()
        Self.markInsideTile(false)

        pthread_mutex_lock(&mutex)
        jobs.removeAll { $0 === job }
        pthread_mutex_unlock(&mutex)
        job.finish()
    }

    /// A thread that serves jobs for ever; false if the system gives none.
    private func startWorker() -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { pthread_attr_destroy(&attributes) }
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        return pthread_create(&thread, &attributes, { _ in ThreadPool.shared.serve() }, nil) == 0
    }

    private func serve() -> UnsafeMutableRawPointer? {
        Self.markInsideTile(true)
        let worker = Worker()
        var seen = posted.load(ordering: .relaxed)
        while true {
            if let job = nextJob() {
                job.work()
                job.joined.subtract(1, ordering: .releasing)
                continue
            }
            let maySpin = spinners.add(1, ordering: .relaxed).oldValue < mostSpinners
            var spins = 0
            while maySpin, spins < 1 << 14, posted.load(ordering: .acquiring) == seen {
                spins += 1
                ck_pause()
            }
            spinners.subtract(1, ordering: .relaxed)
            if !maySpin || posted.load(ordering: .acquiring) == seen { sleepUnlessWanted(worker) }
            seen = posted.load(ordering: .relaxed)
        }
    }

    private func nextJob() -> Job? {
        pthread_mutex_lock(&mutex)
        defer { pthread_mutex_unlock(&mutex) }
        guard let job = jobs.first(where: \.hasRoom) else { return nil }
        job.places.subtract(1, ordering: .relaxed)
        job.joined.add(1, ordering: .relaxed)
        return job
    }

    /// Sleeps until a job wants the worker, unless one does.
    private func sleepUnlessWanted(_ worker: Worker) {
        pthread_mutex_lock(&mutex)
        if !jobs.contains(where: \.hasRoom) {
            sleepers.append(worker)
            worker.sleep(&mutex)
        }
        let core = worker.lostCore
        worker.lostCore = -1
        pthread_mutex_unlock(&mutex)
        ck_allow_core(core)
    }
}

private func usableCores() -> Int {
    var cores = ck_allowed_cores()
    #if os(Linux)
        // "max 100000" or "150000 100000": microseconds of CPU a period, and the period.
        if let file = fopen("/sys/fs/cgroup/cpu.max", "r") {
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 64)
            if fgets(&line, 64, file) != nil {
                let words = line.prefix { $0 != 0 }.split { $0 == 32 || $0 == 10 }.map {
                    String(decoding: $0.map(UInt8.init(bitPattern:)), as: UTF8.self)
                }
                if words.count == 2, let quota = Int(words[0]), let period = Int(words[1]),
                    period > 0
                {
                    cores = min(cores, (quota + period - 1) / period)
                }
            }
        }
    #endif
    return max(1, cores)
}
