import Checkpoint

/// An object in a tokenizer's JSON file, with errors that say which field is wrong.
struct TokenizerFields {
    let path: String
    /// The object's place in the file, such as `model.`; empty for the whole.
    private let place: String
    let object: JSON.Object

    /// Reads a file that must hold an object.
    init(contentsOf path: String) throws(TokenizerError) {
        let json: JSON
        do throws(JSON.ReadError) {
            json = try JSON(contentsOf: path)
        } catch {
            if case .unreadable(let cause) = error { throw .unreadable(cause) }
            throw .malformedJSON(error)
        }
        guard let object = json.object else {
            throw .invalidField(
                path: path, field: "(the file)", expected: "an object", found: json.kindName)
        }
        self.init(path: path, place: "", object: object)
    }

    private init(path: String, place: String, object: JSON.Object) {
        (self.path, self.place, self.object) = (path, place, object)
    }

    /// An error about a field.
    func invalid(_ field: String, expected: String, found: String? = nil) -> TokenizerError {
        .invalidField(
            path: path, field: place + field, expected: expected,
            found: found ?? object[field]?.kindName ?? "missing")
    }

    /// An error about a part of the tokenizer whose kind the library does not have.
    func unsupported(_ field: String, found: String, supported: [String]) -> TokenizerError {
        .unsupported(path: path, part: place + field, found: found, supported: supported)
    }

    /// A field's value, or nil if it is missing or null.
    private func value(_ field: String) -> JSON? {
        // A plain `nil` would be read as `JSON.null`, which is expressible by it.
        guard let value = object[field], !value.isNull else { return Optional.none }
        return value
    }

    private func value<Value>(
        _ field: String, _ expected: String, _ convert: (JSON) -> Value?
    ) throws(TokenizerError) -> Value? {
        guard let json = value(field) else { return nil }
        guard let value = convert(json) else { throw invalid(field, expected: expected) }
        return value
    }

    // Each gives nil for a field that is missing or null, and throws if it is anything else.

    func bool(_ field: String) throws(TokenizerError) -> Bool? {
        try value(field, "true or false", \.bool)
    }

    func string(_ field: String) throws(TokenizerError) -> String? {
        try value(field, "a string", \.string)
    }

    /// An integer from 0 to 2³¹ − 1.
    func count(_ field: String) throws(TokenizerError) -> Int? {
        try value(field, "an integer from 0 to 2147483647") { json in
            json.int.flatMap { (0...Int(Int32.max)).contains($0) ? $0 : nil }
        }
    }

    func array(_ field: String) throws(TokenizerError) -> [JSON]? {
        try value(field, "an array", \.array)
    }

    func fields(_ field: String) throws(TokenizerError) -> TokenizerFields? {
        try value(field, "an object") { json in
            json.object.map {
                TokenizerFields(path: path, place: "\(place)\(field).", object: $0)
            }
        }
    }

    /// The objects of an array, or none if it is missing or null.
    func list(_ field: String) throws(TokenizerError) -> [TokenizerFields] {
        var result: [TokenizerFields] = []
        for (index, json) in (try array(field) ?? []).enumerated() {
            guard let object = json.object else {
                throw invalid("\(field)[\(index)]", expected: "an object", found: json.kindName)
            }
            result.append(
                TokenizerFields(path: path, place: "\(place)\(field)[\(index)].", object: object))
        }
        return result
    }

    /// A value that must be there.
    func required<Value>(
        _ field: String, _ expected: String,
        _ read: (TokenizerFields, String) throws(TokenizerError) -> Value?
    ) throws(TokenizerError) -> Value {
        guard let value = try read(self, field) else { throw invalid(field, expected: expected) }
        return value
    }

    /// An id of a token, which must be there.
    func id(_ field: String) throws(TokenizerError) -> Int32 {
        guard let value = try count(field) else { throw invalid(field, expected: "an id") }
        return Int32(value)
    }
}
