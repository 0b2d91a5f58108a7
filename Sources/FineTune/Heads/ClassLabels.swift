import Checkpoint

/// The names of classes, in the order of the outputs.
struct ClassLabels: Sendable, Hashable {
    let names: [String]
    private let numbers: [[UInt8]: Int]

    init(_ names: [String]) {
        self.names = names
        // By bytes: Swift's strings count different spellings of `é` as equal.
        numbers = Dictionary(
            names.enumerated().map { (Array($0.element.utf8), $0.offset) },
            uniquingKeysWith: { first, _ in first })
    }

    /// At least so many labels that can be told apart.
    func checked(atLeast count: Int) throws(HeadError) -> ClassLabels {
        guard names.count >= count, numbers.count == names.count else {
            throw .unusableLabels(names)
        }
        return self
    }

    func number(of label: String, example: Int) throws(HeadError) -> Int {
        guard let number = numbers[Array(label.utf8)] else {
            throw .unknownLabel(label, example: example, known: names)
        }
        return number
    }

    /// `id2label` and `label2id`, as Transformers writes them.
    var configuration: [(String, JSON)] {
        [
            (
                "id2label",
                .object(members(names.enumerated().map { ("\($0.offset)", JSON($0.element)) }))
            ),
            (
                "label2id",
                .object(members(names.enumerated().map { ($0.element, JSON($0.offset)) }))
            ),
        ]
    }

    private func members(_ pairs: [(String, JSON)]) -> JSON.Object {
        var object = JSON.Object()
        for (key, value) in pairs { object[key] = value }
        return object
    }

    /// From `id2label`, whose keys must be `0 ..< count`.
    init(configuration: JSON) throws(HeadError) {
        guard let object = configuration["id2label"]?.object else {
            throw .unusableConfiguration("it has no 'id2label'")
        }
        var names: [String] = []
        for index in 0..<object.count {
            guard let name = object["\(index)"]?.string else {
                throw .unusableConfiguration(
                    "its 'id2label' has \(object.count) entries, but no text for '\(index)'")
            }
            names.append(name)
        }
        self = try ClassLabels(names).checked(atLeast: 1)
    }
}
