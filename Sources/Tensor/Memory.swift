#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Tensor {
    /// The pool that tensors take their memory from.
    ///
    /// A freed buffer is kept for the next tensor of its size class, so a training step that
    /// repeats asks the system for nothing and meets no page fault.
    public enum Memory {
        /// What the pool holds and has done, in bytes and counts.
        public struct Statistics: Sendable, Hashable {
            /// Bytes in buffers that tensors hold now.
            public var bytesInUse = 0
            /// The most that ``bytesInUse`` has been since ``resetPeak()``.
            public var peakBytesInUse = 0
            /// Bytes in freed buffers, ready for reuse.
            public var bytesCached = 0
            /// Buffers that had to be asked of the system.
            public var systemAllocations = 0
        }

        /// What the pool holds and has done so far.
        public static var statistics: Statistics { pool.withLock { $0.statistics } }

        /// Starts the measurement of ``Statistics/peakBytesInUse`` again from what is in use now.
        public static func resetPeak() {
            pool.withLock { $0.statistics.peakBytesInUse = $0.statistics.bytesInUse }
        }

        /// Gives the freed buffers back to the system.
        public static func releaseCached() {
            pool.withLock { $0.releaseCached() }
        }

        private static let pool = Locked(Pool())

        /// Every buffer begins on such a boundary: one cache line, one AVX-512 register.
        static let alignment = 64

        static func allocate(byteCount: Int) -> (base: UnsafeMutableRawPointer, capacity: Int) {
            require(byteCount <= 1 << 56, "no memory for a tensor of \(byteCount) bytes")
            let capacity = sizeClass(byteCount)
            if let buffer = pool.withLock({ $0.take(capacity) }) { return buffer }
            if let base = systemBuffer(capacity) { return (base, capacity) }
            // Buffers of other sizes may stand in the way.
            releaseCached()
            guard let base = systemBuffer(capacity) else {
                requirementFailure("no memory for a tensor of \(byteCount) bytes")
            }
            return (base, capacity)
        }

        private static func systemBuffer(_ capacity: Int) -> UnsafeMutableRawPointer? {
            var pointer: UnsafeMutableRawPointer?
            // Large buffers begin where the system can back them with huge pages.
            let isLarge = capacity >= 1 << 21
            guard posix_memalign(&pointer, isLarge ? 1 << 21 : alignment, capacity) == 0 else {
                return nil
            }
            #if os(Linux)
                if isLarge { madvise(pointer, capacity, MADV_HUGEPAGE) }
            #endif
            return pointer
        }

        static func deallocate(
            _ base: UnsafeMutableRawPointer, byteCount: Int, capacity: Int
        ) {
            pool.withLock { $0.put(base, capacity, used: sizeClass(byteCount)) }
        }

        /// Rounds up to one of eight steps between powers of two, so that batches of slightly
        /// different sizes share buffers and at most an eighth is wasted.
        ///
        /// With `EXACT_BUFFERS`, for Address Sanitizer, a buffer ends where the tensor does, and goes back
        /// to the system with it, so that every access to what is no longer or never was its own shows.
        static func sizeClass(_ byteCount: Int) -> Int {
            #if EXACT_BUFFERS
                return Swift.max(byteCount, 1)
            #else
                guard byteCount > 512 else { return Swift.max(64, (byteCount + 63) / 64 * 64) }
                let step = 1 << (Int.bitWidth - 1 - (byteCount - 1).leadingZeroBitCount - 3)
                return (byteCount + step - 1) / step * step
            #endif
        }

        private struct Pool: ~Copyable, @unchecked Sendable {
            var statistics = Statistics()
            private var free: [Int: [UnsafeMutableRawPointer]] = [:]

            /// A cached buffer of this size class, or of the nearest larger one below twice the
            /// size: batches of many sizes would otherwise leave buffers of every class behind.
            mutating func take(_ wanted: Int) -> (base: UnsafeMutableRawPointer, capacity: Int)? {
                statistics.bytesInUse += wanted
                statistics.peakBytesInUse = max(statistics.peakBytesInUse, statistics.bytesInUse)
                var capacity = wanted
                while !free.isEmpty, capacity < 2 * wanted {
                    if let base = free[capacity]?.popLast() {
                        statistics.bytesCached -= capacity
                        return (base, capacity)
                    }
                    capacity = sizeClass(capacity + 1)
                }
                statistics.systemAllocations += 1
                return nil
            }

            mutating func put(_ base: UnsafeMutableRawPointer, _ capacity: Int, used: Int) {
                statistics.bytesInUse -= used
                #if EXACT_BUFFERS
                    unsafe_free(base)
                #else
                    statistics.bytesCached += capacity
                    free[capacity, default: []].append(base)
                #endif
            }

            mutating func releaseCached() {
                for base in free.values.joined() { unsafe_free(base) }
                free = [:]
                statistics.bytesCached = 0
            }
        }
    }
}

private func unsafe_free(_ pointer: UnsafeMutableRawPointer) { free(pointer) }
