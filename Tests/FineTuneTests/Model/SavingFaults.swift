@testable import FineTune
import Foundation
import TestSupport
import Testing

/// Saves over what a folder holds again and again, while each call to the system fails once.
///
/// - Parameters:
///   - source: The folder; each time it is a copy that is saved over.
///   - save: Saves into a folder.
///   - answer: What a folder answers then; nil if it is refused as it should be.
/// - Returns: The answers, call by call; the last one is that after no failure.
/// - Throws: What `answer` throws.
func answersAfterFailures<Answer>(
    over source: TemporaryFolder, save: (_ folder: String) throws -> Void,
    answer: (_ folder: String) throws -> Answer?
) throws -> [Answer?] {
    var answers: [Answer?] = []
    for call in 0..<1000 {
        let folder = try TemporaryFolder()
        for name in try FileManager.default.contentsOfDirectory(atPath: source.path) {
            try folder.copy("\(source.path)/\(name)")
        }
        let faulty = FaultyCalls(SystemCalls(), failing: call, with: .code(EIO))
        do {
            try SystemCalls.$current.withValue(faulty.calls) { try save(folder.path) }
        } catch {
            #expect(faulty.hasFailed, "\(error)")
        }
        answers.append(try answer(folder.path))
        guard faulty.hasFailed else { return answers }
    }
    Issue.record("the saving never ended")
    return answers
}
