import Checkpoint
import Tensor

/// What makes a run the run that it is: a state of one goes on in another only if all of it is equal.
struct RunIdentity: Sendable {
    var plan: JSON
    var settings: JSON
    /// The examples, by number and fingerprint.
    var data: JSON
    /// The model: its configuration, preparation, head and adapter, and a fingerprint of what no phase
    /// trains. What trains is part of a state itself.
    var model: JSON
    /// What it is not to forget; null if nothing was asked for.
    var guarded: JSON

    /// In what `other` differs, as a sentence; nil if in nothing.
    func difference(from other: RunIdentity) -> String? {
        let parts: [(String, KeyPath<RunIdentity, JSON>)] = [
            ("plan", \.plan), ("settings", \.settings), ("data", \.data), ("model", \.model),
            ("guard", \.guarded),
        ]
        for (name, path) in parts {
            if let (place, own, others) = self[keyPath: path].difference(
                from: other[keyPath: path], at: name)
            {
                return "its \(place) is \(Self.text(own)), but that of this run is "
                    + Self.text(others)
            }
        }
        return nil
    }

    private static func text(_ value: JSON?) -> String {
        guard let value else { return "absent" }
        let text = value.serialized()
        return text.count > 80 ? text.prefix(80) + "…" : text
    }
}

extension TrainingRun {
    /// What makes it the run that it is. Taking the fingerprints costs a look at all examples and all
    /// frozen weights.
    func makeIdentity() -> RunIdentity {
        RunIdentity(
            plan: plan.fields, settings: settings.fields,
            data: [
                "training": identity(of: data),
                "validation": validationData.map { identity(of: $0) } ?? .null,
            ],
            model: model.identity(besides: changing), guarded: guarded)
    }

    private func identity(of data: Dataset<P.Input, H.Target>) -> JSON {
        let preparation = model.preparation
        let fingerprint = Fingerprint(
            of: data.lazy.flatMap {
                [preparation.fingerprint(of: $0.input), Fingerprint(describing: $0.target)]
            })
        return ["examples": JSON(data.count), "fingerprint": JSON(fingerprint.description)]
    }
}

extension FineTunedModel {
    fileprivate func identity(besides changing: [Parameter]) -> JSON {
        let changing = Set(changing.map { ObjectIdentifier($0) })
        let frozen = lock.reading {
            Fingerprint(
                of: parameters.lazy.filter { !changing.contains(ObjectIdentifier($0)) }.map {
                    Fingerprint(name: $0.path, $0.value)
                })
        }
        var identity: JSON.Object = [
            "configuration": .object(architecture.publishedConfiguration),
            "headDropout": JSON(architecture.headDropout(for: pooling)),
            "pooling": JSON(pooling.rawValue),
            "preparation": JSON(preparation.fingerprint.description),
            "preparationSettings": .object(
                JSON.Object(preparation.configuration.map { (key: $0.0, value: $0.1) })),
            "head": JSON(describing: head),
            "adapter": adaptation.map { JSON(describing: $0.adapter) } ?? .null,
            "frozenWeights": JSON(frozen.description),
        ]
        if preparation.variation != .null { identity["variation"] = preparation.variation }
        let chosen = architecture.chosenSettings
        if chosen != .null { identity["architecture"] = chosen }
        return .object(identity)
    }
}

extension Fingerprint {
    /// Of what a value says of itself, the same in every process.
    package init(describing value: some Any) {
        if let text = value as? String {
            self.init(text)
        } else {
            self.init(JSON(describing: value).serialized())
        }
    }
}

extension JSON {
    /// The first place where this value differs from another: the way to it, and what is there in each.
    fileprivate func difference(
        from other: JSON, at path: String
    ) -> (path: String, own: JSON?, others: JSON?)? {
        switch (self, other) {
        case (.object(let own), .object(let others)):
            for (key, value) in own {
                guard let counterpart = others[key] else { return ("\(path).\(key)", value, nil) }
                if let found = value.difference(from: counterpart, at: "\(path).\(key)") {
                    return found
                }
            }
            return others.first { own[$0.key] == nil }.map { ("\(path).\($0.key)", nil, $0.value) }
        case (.array(let own), .array(let others)):
            for index in 0..<max(own.count, others.count) {
                let place = "\(path)[\(index)]"
                guard index < own.count else { return (place, nil, others[index]) }
                guard index < others.count else { return (place, own[index], nil) }
                if let found = own[index].difference(from: others[index], at: place) {
                    return found
                }
            }
            return nil
        default: return self == other ? nil : (path, self, other)
        }
    }

    /// What a value is made of, the same in every process: the order of sets and dictionaries is not
    /// that of their memory. Of an object of a class only the type is told.
    package init(describing value: Any) {
        if let text = value as? String {
            self = .string(text)
            return
        }
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional: self = mirror.children.first.map { JSON(describing: $0.value) } ?? .null
        case .class: self = .string("\(type(of: value))")
        case .set, .dictionary:
            // Long, and of interest only as a whole.
            let members = mirror.children.map { JSON(describing: $0.value).serialized() }.sorted()
            self = .string(Fingerprint(of: members.map { Fingerprint($0) }).description)
        case .struct where !mirror.children.isEmpty, .enum where !mirror.children.isEmpty:
            var object = JSON.Object()
            for (index, child) in mirror.children.enumerated() {
                object[child.label ?? "\(index)"] = JSON(describing: child.value)
            }
            self = .object(object)
        case .collection, .tuple:
            self = .array(mirror.children.map { JSON(describing: $0.value) })
        default: self = .string("\(value)")
        }
    }
}
