package import Checkpoint
import Foundation
import Synchronization

/// Calls of which one goes wrong, once.
package final class FaultyCalls: Sendable {
    /// How it goes wrong.
    package enum Fault: Sendable, Hashable, CustomStringConvertible {
        /// It fails with this error number, and does nothing.
        case code(Int32)
        /// If it writes or reads, it does so with half of the bytes; else nothing is wrong.
        case short

        /// Such as `No space left on device`.
        package var description: String {
            switch self {
            case .code(let code): String(cString: strerror(code))
            case .short: "half of the bytes"
            }
        }
    }

    private let base: SystemCalls
    private let failing: Int
    private let fault: Fault
    private let counter = Atomic(0)

    /// Calls by `base`, of which the one of that number, from 0, goes wrong.
    package init(_ base: SystemCalls, failing: Int = -1, with fault: Fault = .short) {
        (self.base, self.failing, self.fault) = (base, failing, fault)
    }

    /// The number of calls so far.
    package var count: Int { counter.load(ordering: .relaxed) }

    /// Whether the call has gone wrong.
    package var hasFailed: Bool { failing >= 0 && count > failing }

    /// The error number, if this call is the one; counts it.
    private func next() -> Fault? {
        counter.wrappingAdd(1, ordering: .relaxed).oldValue == failing ? fault : nil
    }

    private func failure() -> Bool {
        guard case .code(let code)? = next() else { return false }
        errno = code
        return true
    }

    package var calls: SystemCalls {
        let base = base
        var calls = base
        calls.create = { self.failure() ? -1 : base.create($0) }
        calls.openFile = { self.failure() ? -1 : base.openFile($0) }
        calls.openFolder = { self.failure() ? -1 : base.openFolder($0) }
        calls.size = { self.failure() ? -1 : base.size($0) }
        calls.flush = { self.failure() ? -1 : base.flush($0) }
        calls.rename = { self.failure() ? -1 : base.rename($0, $1) }
        calls.remove = { self.failure() ? -1 : base.remove($0) }
        calls.makeFolder = { self.failure() ? -1 : base.makeFolder($0) }
        calls.removeFolder = { self.failure() ? -1 : base.removeFolder($0) }
        calls.list = { self.failure() ? nil : base.list($0) }
        calls.lock = { self.failure() ? -1 : base.lock($0) }
        calls.unlock = { self.failure() ? -1 : base.unlock($0) }
        calls.close = { descriptor in
            // The system closes a descriptor even where it reports a failure.
            let status = base.close(descriptor)
            return self.failure() ? -1 : status
        }
        calls.write = { descriptor, bytes in
            switch self.next() {
            case nil: return base.write(descriptor, bytes)
            case .short?:
                let half = bytes.prefix((bytes.count + 1) / 2)
                return base.write(descriptor, UnsafeRawBufferPointer(rebasing: half))
            case .code(let code)?:
                errno = code
                return -1
            }
        }
        calls.read = { descriptor, buffer in
            switch self.next() {
            case nil: return base.read(descriptor, buffer)
            case .short?:
                let half = buffer.prefix((buffer.count + 1) / 2)
                return base.read(descriptor, UnsafeMutableRawBufferPointer(rebasing: half))
            case .code(let code)?:
                errno = code
                return -1
            }
        }
        return calls
    }
}
