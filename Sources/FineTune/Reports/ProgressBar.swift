import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Shows on standard error how a training run goes on.
///
/// In a terminal, one line is rewritten at most ten times a second. Where standard error is a file
/// or a pipe, a line is added for each twentieth of the run and each epoch.
public final class ProgressBar: Sendable {
    private let display: Locked<ProgressDisplay>
    private let start = ContinuousClock.now

    /// A progress bar on standard error.
    public init() {
        display = Locked(ProgressDisplay(isTerminal: Self.isTerminal))
    }

    /// Shows the facts of a step.
    public func show(_ progress: TrainingProgress) {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        display.withLock { display in
            let text = display.text(for: progress, at: seconds, width: Self.terminalWidth)
            if let text { Self.write(text) }
        }
    }

    /// Shows a message on a line of its own, above the bar.
    public func show(message: String) {
        display.withLock { Self.write($0.text(forMessage: message)) }
    }

    /// Leaves the bar as it is and goes to the next line.
    public func finish() {
        display.withLock { Self.write($0.textAtEnd()) }
    }

    private static var isTerminal: Bool {
        guard isatty(STDERR_FILENO) == 1 else { return false }
        return getenv("TERM").map { strcmp($0, "dumb") != 0 } ?? true
    }

    private static var terminalWidth: Int {
        var size = winsize()
        let status = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size)
        return status == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    /// Writes to standard error. A failure is let be: progress is no reason to stop training.
    private static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let base = rest.baseAddress, !rest.isEmpty {
                #if canImport(Glibc)
                    let written = Glibc.write(STDERR_FILENO, base, rest.count)
                #elseif canImport(Musl)
                    let written = Musl.write(STDERR_FILENO, base, rest.count)
                #else
                    let written = Darwin.write(STDERR_FILENO, base, rest.count)
                #endif
                if written < 0 && errno == EINTR { continue }
                guard written > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }
    }
}
