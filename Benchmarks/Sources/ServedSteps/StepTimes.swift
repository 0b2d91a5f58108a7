import ArgumentParser
import FineTune
import Serving

/// How many steps are made, when each begins, and where its milliseconds go.
public struct StepTimes {
    private let count: Int
    private let wait: () -> Void
    private let answer: (Double) -> Void

    /// Steps that are made one after the other and printed.
    public static func printed(_ count: Int) -> StepTimes {
        StepTimes(count: count, wait: {}, answer: { print($0) })
    }

    /// Steps that are each made at a request and answered.
    public static func requested(_ count: Int) -> StepTimes {
        StepTimes(count: count, wait: Requests.waitForStep, answer: Requests.answer)
    }

    /// Takes the time of each call of `step`; what `preparing` makes is made before.
    public func measure<Input>(
        preparing: () -> Input, _ step: (Input) async throws -> Void
    ) async rethrows {
        for _ in 0..<count {
            let input = preparing()
            wait()
            let start = ContinuousClock.now
            try await step(input)
            answer(milliseconds(since: start))
        }
    }

    /// Takes the time of each call of `step`.
    public func measure(_ step: () throws -> Void) rethrows {
        for _ in 0..<count {
            wait()
            answer(try milliseconds(step))
        }
    }

    /// Takes the time of each step of a run, of which there have to be as many.
    public func measure<P: Preparation, H: Head>(
        _ trainer: Trainer<P, H>, on data: Dataset<P.Input, H.Target>
    ) async throws {
        wait()
        var start = ContinuousClock.now
        var left = count
        let (wait, answer) = (wait, answer)
        trainer.listen { event in
            guard case .step = event else { return }
            answer(milliseconds(since: start))
            left -= 1
            if left > 0 { wait() }
            start = .now
        }
        try await trainer.fit(on: data)
    }
}

/// Says that everything is loaded, then answers requests until there are no more: `peak` with the bytes
/// of memory that the process has held, others by what `run` makes of their words, which says whether
/// it knows them.
public func serveSteps(_ run: ([String]) async throws -> Bool) async throws {
    let precisions = Tensor.Precision.allCases.filter(\.isSupported).map(\.rawValue)
    Requests.ready([
        "cpuLevel": Tensor.cpuLevel, "precisions": precisions.joined(separator: " "),
    ])
    while let words = Requests.next() {
        if words == ["peak"] {
            Requests.answer(Double(Tensor.Memory.peakProcessBytes))
        } else if try await !run(words) {
            throw ValidationError("unknown request '\(words.joined(separator: " "))'")
        }
    }
}

extension Tensor.Precision {
    /// - Throws: What to tell the user if this CPU cannot compute so.
    public func checkSupport() throws {
        guard isSupported else { throw ValidationError("this CPU has no \(self) products") }
    }
}

extension Tensor.Precision: @retroactive ExpressibleByArgument {}
