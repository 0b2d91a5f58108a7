/// Where a training run stands after one step.
public struct TrainingProgress: Sendable, Hashable {
    /// What is being trained, such as `head` or `top 2 layers`; empty if there is but one phase.
    public var phase: String
    /// The epoch, from 1 to ``epochs``.
    public var epoch: Int
    /// The number of epochs.
    public var epochs: Int
    /// The steps done in the run, from 1 to ``steps``.
    public var step: Int
    /// The number of steps in the run.
    public var steps: Int
    /// The mean loss of the step's examples.
    public var loss: Double
    /// The learning rate of the step, the largest if there are several.
    public var learningRate: Double
    /// Examples per second of wall time.
    public var examplesPerSecond: Double
    /// The estimated time to the end of the whole run in seconds, or nil if it is not known yet.
    public var secondsLeft: Double?

    /// The facts of one step.
    public init(
        phase: String = "", epoch: Int, epochs: Int, step: Int, steps: Int, loss: Double,
        learningRate: Double, examplesPerSecond: Double, secondsLeft: Double? = nil
    ) {
        self.phase = phase
        (self.epoch, self.epochs) = (epoch, epochs)
        (self.step, self.steps) = (step, steps)
        (self.loss, self.learningRate) = (loss, learningRate)
        (self.examplesPerSecond, self.secondsLeft) = (examplesPerSecond, secondsLeft)
    }

    /// The part of the epoch that is done, 0...1.
    var fraction: Double {
        steps > 0 ? Swift.min(1, Swift.max(0, Double(step) / Double(steps))) : 0
    }
}

extension TrainingProgress {
    /// The facts in one line of at most `width` columns, such as
    /// `epoch 1/3 ━━━━━━──────  50%  loss 0.4312  rate 1.00e-04  412 examples/s  1 min 12 s left`.
    ///
    /// Where there is not room for all, the rate goes first, then the speed, the bar, the time
    /// left and the phase.
    package func line(width: Int) -> String {
        let bar = (width: 20, least: 5)
        let required = "\(percentage)  loss \(loss.formatted(decimals: 4))"
        let head = "epoch \(epoch)/\(epochs)"
        let phase = phase.withoutControls.truncated(toTerminalWidth: 24)
        let rate = "  rate \(learningRate.formattedScientific(decimals: 2))"
        let speed = "  \(formattedSpeed) examples/s"
        let time = secondsLeft.map { "  \($0.formattedAsSeconds) left" } ?? ""
        let layouts: [(phase: Bool, bar: Bool, rate: Bool, speed: Bool, time: Bool)] = [
            (true, true, true, true, true), (true, true, false, true, true),
            (true, true, false, false, true), (true, false, false, false, true),
            (true, false, false, false, false), (false, false, false, false, false),
        ]
        for layout in layouts {
            let before = (layout.phase && !phase.isEmpty ? phase + "  " : "") + head
            let after =
                required + (layout.rate ? rate : "") + (layout.speed ? speed : "")
                + (layout.time ? time : "")
            let room = width - before.terminalWidth - after.terminalWidth - 2
            if !layout.bar, room >= 0 { return before + "  " + after }
            if layout.bar, room > bar.least {
                return before + " " + self.bar(width: min(bar.width, room - 1)) + "  " + after
            }
        }
        return "\(head)  \(required)".truncated(toTerminalWidth: width)
    }

    private var percentage: String {
        "\(Int(fraction * 100))%".padded(toTerminalWidth: 4, alignedRight: true)
    }

    private var formattedSpeed: String {
        examplesPerSecond.formatted(decimals: examplesPerSecond.magnitude < 9.95 ? 1 : 0)
    }

    private func bar(width: Int) -> String {
        let done = Int(fraction * Double(width))
        return String(repeating: "━", count: done) + String(repeating: "─", count: width - done)
    }
}
