import Foundation
import TestSupport
import Testing

/// No damage to a picture ends the process, takes long, or fills the memory: see ``Fuzzing``, and
/// `FuzzedFormat` for what is damaged.
@Suite struct FuzzingTests {
    @Test(arguments: FuzzedFormat.all.map(\.name))
    func survives(_ name: String) async {
        let child = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent]
        ) { [name] in try FuzzedFormat.all.first { $0.name == name }?.run() }
        #expect(Fuzzing.complaint(about: name, output: child?.standardOutputContent) == nil)
    }
}
