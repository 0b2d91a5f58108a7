package import Tensor

/// What a snapshot holds.
package struct SnapshotContent: Sendable {
    /// Everything that is no tensor.
    package var fields: JSON
    /// Tensors, each with all its names: what is the same is written once.
    package var tensors: [(names: [String], tensor: Tensor)]
    /// How good the state is, if that is known; more is better.
    package var score: Double?

    /// - Precondition: No tensor is without a name.
    package init(
        fields: JSON, tensors: [(names: [String], tensor: Tensor)], score: Double? = nil
    ) {
        precondition(tensors.allSatisfy { !$0.names.isEmpty }, "a tensor without a name")
        (self.fields, self.tensors, self.score) = (fields, tensors, score)
    }

    /// The tensors by name.
    package var namedTensors: [(name: String, tensor: Tensor)] {
        tensors.flatMap { entry in entry.names.map { ($0, entry.tensor) } }
    }
}

// As files.
extension SnapshotContent {
    static let tensorsFile = "tensors.safetensors"
    static let fieldsFile = "state.json"

    /// The JSON file: the fields, the score, and for each tensor with several names the one under
    /// which it is written, and the others.
    var fieldsFile: [UInt8] {
        let aliases = tensors.filter { $0.names.count > 1 }.map { entry in
            (key: entry.names[0], value: .array(entry.names.dropFirst().map { JSON($0) }) as JSON)
        }
        let json: JSON = [
            "score": score.map { JSON($0) } ?? .null, "aliases": .object(JSON.Object(aliases)),
            "fields": fields,
        ]
        return json.serializedBytes(pretty: true) + [UInt8(ascii: "\n")]
    }

    var tensorsToWrite: [(name: String, tensor: Tensor)] {
        tensors.map { ($0.names[0], $0.tensor) }
    }

    /// The content of the two files. Its tensors lie in memory of their own.
    ///
    /// - Throws: What is wrong with it.
    init(fieldsFile: MappedFile, tensorsFile: MappedFile) throws(SnapshotError.Damage) {
        defer { withExtendedLifetime((fieldsFile, tensorsFile)) {} }
        let json: JSON
        let file: SafetensorsFile
        do {
            json = try JSON(parsing: fieldsFile.bytes)
            file = try SafetensorsFile(tensorsFile)
        } catch {
            throw .content("\(error)")
        }
        guard let fields = json["fields"], let aliases = json["aliases"]?.object else {
            throw .content("\(Self.fieldsFile) lacks its fields or aliases")
        }
        var tensors: [(names: [String], tensor: Tensor)] = []
        for entry in file.entries {
            guard let tensor = try? file.tensor(named: entry.name) else {
                throw .content("the tensor '\(entry.name)' is of a type that snapshots do not have")
            }
            let others = aliases[entry.name]?.array?.compactMap(\.string) ?? []
            tensors.append(([entry.name] + others, tensor.copied()))
        }
        self.init(fields: fields, tensors: tensors, score: json["score"]?.double)
    }

    /// The score that a fields file tells; nil if it tells none.
    static func score(in fieldsFile: MappedFile) -> Double? {
        defer { withExtendedLifetime(fieldsFile) {} }
        return (try? JSON(parsing: fieldsFile.bytes))?["score"]?.double
    }
}
