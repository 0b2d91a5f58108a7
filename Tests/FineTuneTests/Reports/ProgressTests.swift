import FineTune
import Testing

private func progress(
    step: Int, of steps: Int = 100, epoch: Int = 1, loss: Double = 0.5, phase: String = ""
) -> TrainingProgress {
    TrainingProgress(
        phase: phase, epoch: epoch, epochs: 3, step: step, steps: steps, loss: loss,
        learningRate: 1e-4, examplesPerSecond: 412.3, secondsLeft: 72)
}

@Suite struct ProgressLineTests {
    @Test func allFactsStandInAWideLine() {
        #expect(
            progress(step: 50, loss: 0.43116, phase: "head").line(width: 120)
                == "head  epoch 1/3 ━━━━━━━━━━──────────   50%  loss 0.4312  rate 1.00e-04"
                + "  412 examples/s  1 min 12 s left")
    }

    @Test(arguments: 0...200)
    func noLineIsWiderThanItsTerminal(_ width: Int) {
        let samples = [
            progress(step: 3, phase: "a very long name of a phase that must be cut"),
            progress(step: 100, loss: 1e12, phase: "数字数字"), progress(step: 0, loss: .nan),
        ]
        for sample in samples {
            let line = sample.line(width: width)
            #expect(line.terminalWidth <= width)
            if width >= 40 { #expect(line.contains("loss") && line.contains("epoch 1/3")) }
        }
    }

    @Test func oddFactsAreShown() {
        var sample = progress(step: 5, of: 0, loss: .nan)
        sample.secondsLeft = nil
        sample.examplesPerSecond = 0.25
        #expect(
            sample.line(width: 120)
                == "epoch 1/3 ────────────────────    0%  loss nan  rate 1.00e-04  0.2 examples/s")
        #expect(progress(step: 200).line(width: 120).contains("100%"))
    }
}

@Suite struct ProgressDisplayTests {
    private static let clear = "\r\u{1B}[K"

    @Test func aTerminalLineIsRewrittenTenTimesASecond() {
        var display = ProgressDisplay(isTerminal: true)
        let texts = (1...999).compactMap {
            display.text(for: progress(step: $0, of: 1000), at: Double($0) * 0.01, width: 80)
        }
        // 9.98 seconds: the first at once, then at most one for each tenth.
        #expect((90...100).contains(texts.count))
        #expect(texts.allSatisfy { $0.hasPrefix(Self.clear) && !$0.contains("\n") })
        #expect(texts.allSatisfy { $0.dropFirst(Self.clear.count).terminalWidth < 80 })
    }

    @Test func theLastStepOfAnEpochStays() {
        var display = ProgressDisplay(isTerminal: true)
        _ = display.text(for: progress(step: 99), at: 1, width: 80)
        let last = display.text(for: progress(step: 100), at: 1.001, width: 80)
        #expect(last?.hasSuffix("\n") == true)
        #expect(display.textAtEnd().isEmpty)
    }

    @Test func messagesDoNotMixWithTheBar() {
        var display = ProgressDisplay(isTerminal: true)
        #expect(display.text(forMessage: "a") == "a\n")
        _ = display.text(for: progress(step: 1), at: 1, width: 80)
        #expect(display.text(forMessage: "b") == Self.clear + "b\n")
        #expect(display.text(for: progress(step: 2), at: 1.001, width: 80) != nil)
        #expect(display.textAtEnd() == "\n")
        #expect(display.textAtEnd().isEmpty)
    }

    @Test(arguments: [(1000, 20), (20, 20), (7, 7), (1, 1)])
    func aFileGetsALineForEachTwentieth(_ steps: Int, _ lines: Int) {
        var display = ProgressDisplay(isTerminal: false)
        for epoch in 1...3 {
            let texts = (1...steps).compactMap {
                display.text(for: progress(step: $0, of: steps, epoch: epoch), at: 0, width: 80)
            }
            #expect(texts.count == lines)
            #expect(texts.allSatisfy { $0.hasSuffix("\n") && !$0.contains("\r") })
            #expect(texts.last?.contains("100%") == true)
        }
        #expect(display.textAtEnd().isEmpty)
    }

    @Test func theLossIsSmoothedWithoutBias() {
        var loss = SmoothedLoss()
        #expect(abs(loss.adding(2) - 2) < 1e-15)
        // (0.95·0.05·2 + 0.05·1) / (1 − 0.95²)
        #expect(abs(loss.adding(1) - 0.145 / 0.0975) < 1e-12)
        #expect(loss.adding(.nan).isNaN)
        let last = (0..<500).map { _ in loss.adding(1) }.last ?? 0
        #expect(abs(last - 1) < 1e-9)
    }

    @Test func theBarWritesFromManyTasks() async {
        let bar = ProgressBar()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { bar.show(progress(step: 0, of: 1000)) } }
        }
        bar.finish()
    }
}
