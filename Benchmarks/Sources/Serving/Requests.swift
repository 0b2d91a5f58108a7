#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The line protocol between the peers' script and what it measures: every request is a line on
/// standard input, every answer a line with one number on standard output. The script so decides
/// when each step happens, and lets those of several programs alternate.
public enum Requests {
    /// Says that everything is loaded, with one line of JSON.
    ///
    /// - Parameter settings: What the script should know. No name or value needs escaping.
    public static func ready(_ settings: KeyValuePairs<String, String> = [:]) {
        let fields = settings.map { "\"\($0.key)\": \"\($0.value)\"" }
        print("{\(fields.joined(separator: ", "))}")
        fflush(nil)
    }

    /// The words of the next request; nil when no more will come.
    public static func next() -> [String]? {
        readLine().map { $0.split(separator: " ").map(String.init) }
    }

    /// Answers the last request.
    public static func answer(_ number: Double) {
        print(number)
        fflush(nil)
    }

    /// Waits for the request `step`. The process ends with the input.
    public static func waitForStep() {
        guard let words = next() else { exit(0) }
        guard words == ["step"] else {
            print("expected the request 'step', found '\(words.joined(separator: " "))'")
            exit(1)
        }
    }
}

/// The milliseconds that `body` takes.
public func milliseconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return milliseconds(since: start)
}

/// The milliseconds from `start` until now.
public func milliseconds(since start: ContinuousClock.Instant) -> Double {
    let spent = (ContinuousClock.now - start).components
    return Double(spent.seconds) * 1e3 + Double(spent.attoseconds) * 1e-15
}
