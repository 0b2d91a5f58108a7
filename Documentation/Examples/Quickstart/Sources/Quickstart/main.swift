print(CommandLine.arguments.dropFirst().joined(separator: "\n"))
while let line = readLine() { print("read: \(line)") }
