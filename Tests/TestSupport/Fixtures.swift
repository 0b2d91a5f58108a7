/// The path of a file in the `Fixtures` folder of the test target that the calling file belongs to.
///
/// Fixtures are read from the source tree, where their generators stand beside them.
///
/// - Parameters:
///   - name: The path inside `Fixtures`, such as `families/bert/model.safetensors`.
///   - file: The calling file, `Tests/<Module>Tests/...`.
/// - Returns: `.../Tests/<Module>Tests/Fixtures/<name>`.
public func fixturePath(_ name: String, callingFile file: String = #filePath) -> String {
    targetFolder(of: file) + "/Fixtures/" + name
}

/// The root of the package, where `Sources` and `Tests` stand.
public func packageRoot(callingFile file: String = #filePath) -> String {
    let parts = targetFolder(of: file).split(separator: "/", omittingEmptySubsequences: false)
    return parts.dropLast(2).joined(separator: "/")
}

/// `.../Tests/<Module>Tests`, from the path of any file below it.
private func targetFolder(of file: String) -> String {
    let parts = file.split(separator: "/", omittingEmptySubsequences: false)
    guard let tests = parts.lastIndex(of: "Tests"), tests + 1 < parts.count else {
        preconditionFailure("\(file) does not lie in a folder 'Tests'")
    }
    return parts[...(tests + 1)].joined(separator: "/")
}
