import ArgumentParser
import Dispatch
import FineTune
import Serving
import Synchronization

/// Answers every request `step` with the milliseconds of tokenising all texts, and `ids` after
/// having written their ids to a file.
struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serves tokenising.")

    @Option(help: "The pretrained model's folder.") var model: String
    @Option(help: "The texts, one a line.") var texts: String
    @Option(help: "Threads to tokenise on.") var threads = 2
    @Option(help: "The file for the ids: 32-bit integers, text after text.") var ids: String

    func run() throws {
        let inputs = try lines(of: texts)
        let tokenizer = try PretrainedTokenizer.load(from: model)
        Requests.ready()
        while let words = Requests.next() {
            var results: [[TokenizedText]] = []
            let time = milliseconds { results = encode(inputs, with: tokenizer) }
            if words == ["ids"] {
                let numbers = results.joined().flatMap(\.ids)
                try AtomicFile.write(numbers.withUnsafeBytes { Array($0) }, to: ids)
            }
            Requests.answer(time)
        }
    }

    /// Tokenises on several threads: each takes the next slice of texts until none is left.
    private func encode(
        _ inputs: [String], with tokenizer: any Tokenizer
    ) -> [[TokenizedText]] {
        let count = min(inputs.count, 16 * threads)
        let next = Atomic(0)
        let slices = Mutex([[TokenizedText]](repeating: [], count: count))
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            while true {
                let slice = next.add(1, ordering: .relaxed).oldValue
                guard slice < count else { return }
                let range = inputs.count * slice / count..<inputs.count * (slice + 1) / count
                let texts = inputs[range].map { tokenizer.encode($0, maximumLength: .max) }
                slices.withLock { $0[slice] = texts }
            }
        }
        return slices.withLock { $0 }
    }
}
