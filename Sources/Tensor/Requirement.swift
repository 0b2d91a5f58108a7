/// Ends the process with `message` unless `condition` holds: for mistakes in calling code.
///
/// Unlike `precondition`, which leaves its message out of optimised builds, this says what is wrong
/// in every build. The check is inlined; the message is put together only when it fails.
@inline(__always)
package func require(
    _ condition: Bool, _ message: @autoclosure () -> String,
    file: StaticString = #fileID, line: UInt = #line
) {
    if !condition { requirementFailure(message(), file: file, line: line) }
}

/// Ends the process with `message`: the calling code has made a mistake.
@inline(never)
package func requirementFailure(
    _ message: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) -> Never {
    fatalError(message(), file: file, line: line)
}
