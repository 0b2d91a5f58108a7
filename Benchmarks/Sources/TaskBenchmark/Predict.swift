import ArgumentParser
import FineTune
import Serving

/// Answers every request `one` with the milliseconds of predicting one text, another one each time,
/// and every `all` with those of predicting all texts. Tokenising is part of both.
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serves predictions.")

    @Option(help: "The pretrained model's folder.") var model: String
    @Option(help: "The texts, one a line.") var texts: String
    @Option(help: "Threads to compute on.") var threads = 2

    func run() throws {
        let inputs = try lines(of: texts)
        let classifier = try PretrainedModel.text(contentsOf: model, maximumLength: 128)
            .attaching(ClassificationHead(labels: ["a", "b"]))
        var next = 0
        Requests.ready()
        while let words = Requests.next() {
            let time = try Tensor.Threads.limited(to: threads) {
                guard words == ["one"] else {
                    return try milliseconds { _ = try classifier.predict(inputs) }
                }
                let input = inputs[next % inputs.count]
                next += 1
                return try milliseconds { _ = try classifier.predict(input) }
            }
            Requests.answer(time)
        }
    }
}

/// The lines of a UTF-8 file, without the empty ones.
func lines(of path: String) throws -> [String] {
    let file = try MappedFile(path: path)
    return withExtendedLifetime(file) {
        file.bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }
}
