/// Decides what to write of a training run, and when. It writes nothing itself.
///
/// In a terminal, one line is rewritten at most ten times a second, and stays at the end.
/// Elsewhere, such as in a log file, a whole line comes for each twentieth of the run and each epoch.
package struct ProgressDisplay {
    private let isTerminal: Bool
    private var smoothedLoss = SmoothedLoss()
    /// When the line was last written, in seconds of the caller's clock.
    private var lastTime = -Double.infinity
    /// The last twentieth that was logged, and of which epoch.
    private var lastEpoch: (phase: String, epoch: Int) = ("", 0)
    private var lastTwentieth = -1
    private var isLineOpen = false

    /// A display for a terminal, or for a file.
    package init(isTerminal: Bool) { self.isTerminal = isTerminal }

    /// What to write after a step, or nil if nothing.
    ///
    /// - Parameters:
    ///   - progress: The facts of the step. Its loss is shown smoothed.
    ///   - time: Now, in seconds of any steady clock.
    ///   - width: The columns of the terminal.
    /// - Returns: The text, with the characters that rewrite the line.
    package mutating func text(
        for progress: TrainingProgress, at time: Double, width: Int
    ) -> String? {
        var progress = progress
        progress.loss = smoothedLoss.adding(progress.loss)
        let isEnd = progress.step >= progress.steps
        guard isTerminal else {
            return isNewTwentieth(progress) ? progress.line(width: 160) + "\n" : nil
        }
        guard isEnd || time - lastTime >= 0.1 else { return nil }
        lastTime = time
        isLineOpen = !isEnd
        // In the last column, some terminals break the line at once.
        return Self.clearLine + progress.line(width: max(20, width) - 1) + (isEnd ? "\n" : "")
    }

    /// What to write to show a message on lines of its own, above the bar.
    package mutating func text(forMessage message: String) -> String {
        let clear = isLineOpen ? Self.clearLine : ""
        isLineOpen = false
        lastTime = -Double.infinity
        return clear + message + "\n"
    }

    /// What to write at the end: a line that is still open is closed.
    package mutating func textAtEnd() -> String {
        defer { isLineOpen = false }
        return isLineOpen ? "\n" : ""
    }

    private static let clearLine = "\r\u{1B}[K"

    private mutating func isNewTwentieth(_ progress: TrainingProgress) -> Bool {
        if lastEpoch != (progress.phase, progress.epoch) {
            lastEpoch = (progress.phase, progress.epoch)
            lastTwentieth = 0
        }
        let twentieth = Int(progress.fraction * 20)
        defer { lastTwentieth = max(lastTwentieth, twentieth) }
        return twentieth > lastTwentieth
    }
}

/// An exponential moving average that starts without bias: Kingma and Ba, "Adam" (2015), section 3.
package struct SmoothedLoss: Sendable {
    private var sum = 0.0
    private var weight = 0.0
    /// Weighs about the last twenty steps.
    private static let decay = 0.95

    /// An average of nothing yet.
    package init() {}

    /// The average with this loss. A loss that is not finite is given back and forgotten.
    package mutating func adding(_ loss: Double) -> Double {
        guard loss.isFinite else { return loss }
        sum = Self.decay * sum + (1 - Self.decay) * loss
        weight = Self.decay * weight + (1 - Self.decay)
        return sum / weight
    }
}
