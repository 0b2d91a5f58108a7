import FineTune

/// The shortest program that predicts: for the time from the start of a process to its answer.
///
///     FirstPrediction MODEL-FOLDER TEXT THREADS
@main
enum FirstPrediction {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let threads = Int(arguments[3]), threads > 0 else {
            print("usage: FirstPrediction MODEL-FOLDER TEXT THREADS")
            return
        }
        let (folder, text) = (arguments[1], arguments[2])
        let backbone = try PretrainedModel.text(contentsOf: folder)
        let classifier = try backbone.attaching(ClassificationHead(labels: ["a", "b"]))
        print(try Tensor.Threads.limited(to: threads) { try classifier.predict(text) })
    }
}
