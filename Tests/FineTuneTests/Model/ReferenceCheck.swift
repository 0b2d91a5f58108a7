import Foundation
import Testing

/// The program that lets reference implementations load what is saved here, and compares logits:
/// `Tests/Transformers/run.sh`, which needs Python, or another that is called like it.
enum ReferenceCheck {
    /// What `FINETUNE_TRANSFORMERS_CHECK` names.
    static let program = ProcessInfo.processInfo.environment["FINETUNE_TRANSFORMERS_CHECK"]

    /// Runs the program, expects that it finds nothing wrong, and shows what it prints.
    ///
    /// - Returns: The number of lines that it prints: at least one for each folder.
    static func run(_ arguments: [String]) throws -> Int {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["bash", try #require(program)] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let lines = String(decoding: output, as: UTF8.self)
        print(lines, terminator: "")
        #expect(process.terminationStatus == 0, "\(lines)")
        return lines.split(separator: "\n").count
    }
}
