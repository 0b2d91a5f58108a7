public import Layers
import Tensor

/// What PEFT's `adapter_config.json` says: which kind of adapter, and what it is put on
/// (<https://github.com/huggingface/peft>, `LoraConfig` and `IA3Config` of version 0.21).
public struct PEFTSettings: Sendable, Hashable {
    /// Which modules are adapted.
    public enum Targets: Sendable, Hashable {
        /// Those with one of these names, or whose name ends in a dot and one of these.
        case names([String])
        /// Every linear map but the head.
        case allLinear
        /// A pattern or a choice of layers: the tensors say which.
        case byTensors
    }

    /// The models of Transformers that this library has heads for.
    public enum Task: String, Sendable, Hashable, CaseIterable {
        /// A `…ForSequenceClassification`.
        case sequenceClassification = "SEQ_CLS"
        /// A `…ForTokenClassification`.
        case tokenClassification = "TOKEN_CLS"
    }

    /// The kind.
    public var method: Adapter.Method
    /// `task_type`; nil for others, or if the settings do not say it.
    public var task: Task?
    /// The rank; 0 for (IA)³.
    public var rank: Int
    /// `lora_alpha`; 0 for (IA)³.
    public var alpha: Double
    /// `lora_dropout`; 0 for (IA)³.
    public var dropoutRate: Double
    /// `target_modules`.
    public var targets: Targets
    /// `feedforward_modules`: the targets of (IA)³ whose inputs are scaled.
    public var feedForwardModules: [String]
    /// `modules_to_save`: what is trained and saved whole beside the adapter.
    public var savedModules: [String]
    /// `base_model_name_or_path`: where the base was loaded from.
    public var baseName: String?

    /// Settings to be written.
    public init(
        _ adapter: Adapter, task: Task, targets: [String], feedForwardModules: [String] = [],
        savedModules: [String], baseName: String?
    ) {
        self.task = task
        (method, rank, alpha) = (adapter.method, adapter.rank, adapter.alpha)
        dropoutRate = adapter.dropoutRate
        self.targets = .names(targets)
        (self.feedForwardModules, self.savedModules) = (feedForwardModules, savedModules)
        self.baseName = baseName
    }

    /// The adapter that these settings describe, on maps of these roles.
    public func adapter(on layers: Set<LinearRole>) -> Adapter {
        Adapter(
            method: method, rank: rank, alpha: alpha, dropoutRate: dropoutRate, layers: layers)
    }

    /// Whether a module is among some names as PEFT compares them: it is one, or ends in a dot and
    /// one.
    public static func matches(_ module: String, _ names: [String]) -> Bool {
        names.contains { name in
            let start = module.utf8.count - name.utf8.count
            guard start >= 0, module.utf8.dropFirst(start).elementsEqual(name.utf8) else {
                return false
            }
            return start == 0 || module.utf8.dropFirst(start - 1).first == UInt8(ascii: ".")
        }
    }
}

// MARK: Reading

extension PEFTSettings {
    /// Reads the content of an `adapter_config.json`.
    ///
    /// A setting that changes what is computed and is not known here must have the value that changes
    /// nothing: null, false or empty.
    ///
    /// - Parameters:
    ///   - json: The content.
    ///   - path: Where it was read, for messages.
    /// - Throws: ``AdapterFolderError``.
    public init(_ json: JSON, path: String) throws(AdapterFolderError) {
        let reader = SettingsReader(json: json, path: path)
        let kind = json["peft_type"]?.string ?? "none"
        guard kind == "LORA" || kind == "IA3" else {
            throw .unsupportedMethod(path, found: "'\(kind)'")
        }
        try reader.checkOthersAreNeutral()
        task = json["task_type"]?.string.flatMap(Task.init(rawValue:))
        baseName = json["base_model_name_or_path"]?.string
        savedModules = try reader.names("modules_to_save")
        feedForwardModules = []
        targets = try reader.targets()
        if kind == "IA3" {
            (method, rank, alpha, dropoutRate) = (.ia3, 0, 0, 0)
            feedForwardModules = try reader.names("feedforward_modules")
            return
        }
        rank = try reader.rank()
        alpha = try reader.number("lora_alpha", absent: 8) { abs($0) <= 1e9 }
        dropoutRate = try reader.number("lora_dropout", absent: 0) { $0 >= 0 && $0 < 1 }
        method = try reader.lowRankMethod()
        // The scale of rsLoRA in the form of the others, where it comes along with one of them.
        if method != .lora, method != .rsLoRA, json["use_rslora"]?.bool == true {
            alpha *= Double(rank).squareRoot()
        }
    }

    private struct SettingsReader {
        let json: JSON
        let path: String

        /// What is read, and what decides only how training begins or how PEFT works inside.
        private static let known: Set<String> = [
            "peft_type", "base_model_name_or_path", "modules_to_save", "target_modules",
            "exclude_modules", "layers_to_transform", "layers_pattern", "feedforward_modules", "r",
            "lora_alpha", "lora_dropout", "use_rslora", "use_dora", "init_lora_weights",
            "auto_mapping", "revision", "task_type", "inference_mode", "peft_version",
            "init_ia3_weights", "megatron_core", "qalora_group_size", "loftq_config", "eva_config",
            "corda_config", "lora_ga_config", "ensure_weight_tying", "runtime_config",
        ]

        func checkOthersAreNeutral() throws(AdapterFolderError) {
            for (key, value) in json.object ?? [:] where !Self.known.contains(key) {
                let isNeutral =
                    switch value {
                    case .null, .bool(false): true
                    case .string(let text): text.isEmpty || text == "none"
                    case .array(let elements): elements.isEmpty
                    case .object(let members): members.isEmpty
                    case .bool, .number: false
                    }
                guard isNeutral else {
                    throw unusable(key, "nothing, since this library does not compute it", value)
                }
            }
        }

        func rank() throws(AdapterFolderError) -> Int {
            guard let rank = json["r"]?.int, rank > 0, rank <= 1 << 16 else {
                throw unusable("r", "a whole number from 1 to 65536", json["r"])
            }
            return rank
        }

        func number(
            _ key: String, absent: Double, _ isUsable: (Double) -> Bool
        ) throws(AdapterFolderError) -> Double {
            guard let value = json[key], !value.isNull else { return absent }
            guard let number = value.double, isUsable(number) else {
                throw unusable(key, "a usable number", value)
            }
            return number
        }

        /// A list of names; null is an empty one, and a single name may stand without brackets.
        func names(_ key: String) throws(AdapterFolderError) -> [String] {
            guard let value = json[key], !value.isNull else { return [] }
            if let name = value.string { return [name] }
            let names = (value.array ?? []).compactMap(\.string)
            guard let array = value.array, names.count == array.count else {
                throw unusable(key, "a list of names", value)
            }
            return names
        }

        func targets() throws(AdapterFolderError) -> Targets {
            let choices = ["exclude_modules", "layers_to_transform", "layers_pattern"]
            for key in choices {
                if let value = json[key], !value.isNull, value.array?.isEmpty != true {
                    return .byTensors
                }
            }
            if let pattern = json["target_modules"]?.string {
                return pattern == "all-linear" ? .allLinear : .byTensors
            }
            let names = try names("target_modules")
            guard !names.isEmpty else {
                throw unusable("target_modules", "the modules' names", json["target_modules"])
            }
            return .names(names)
        }

        /// PiSSA's factors belong to a base that PEFT changes when it loads them: only the exact
        /// decomposition can be made again.
        func lowRankMethod() throws(AdapterFolderError) -> Adapter.Method {
            let usesMagnitude = json["use_dora"]?.bool == true
            let initial = json["init_lora_weights"]
            switch initial {
            case nil, .null?, .bool?, "gaussian"?, "eva"?, "orthogonal"?:
                if usesMagnitude { return .doRA }
                return json["use_rslora"]?.bool == true ? .rsLoRA : .lora
            case "pissa"? where !usesMagnitude: return .piSSA
            default:
                throw unusable(
                    "init_lora_weights",
                    "true, false, 'gaussian', 'eva', 'orthogonal' or (without DoRA) 'pissa'; save "
                        + "others from PEFT with path_initial_model_for_weight_conversion", initial)
            }
        }

        private func unusable(
            _ key: String, _ expected: String, _ found: JSON?
        ) -> AdapterFolderError {
            .unusableSetting(
                path, key: key, expected: expected, found: found?.serialized() ?? "no such setting")
        }
    }
}

// MARK: Writing

extension PEFTSettings {
    /// The content of an `adapter_config.json`, with every key that PEFT needs.
    ///
    /// The factors of PiSSA must be those of ``LowRankAdapter/plainFactors``: PEFT would change the
    /// base for others.
    public var json: JSON {
        var object: JSON.Object = [
            "base_model_name_or_path": baseName.map { JSON($0) } ?? .null,
            "inference_mode": true,
            "modules_to_save": .array(savedModules.map { JSON($0) }),
            "peft_type": method == .ia3 ? "IA3" : "LORA",
            "peft_version": "0.21.0",
            "task_type": task.map { JSON($0.rawValue) } ?? .null,
        ]
        if case .names(let names) = targets {
            object["target_modules"] = .array(names.map { JSON($0) })
        }
        if method == .ia3 {
            object["feedforward_modules"] = .array(feedForwardModules.map { JSON($0) })
            object["init_ia3_weights"] = true
            return .object(object)
        }
        let isWhole = alpha == alpha.rounded() && abs(alpha) < 1e9
        object["bias"] = "none"
        object["init_lora_weights"] = true
        object["lora_alpha"] = isWhole ? JSON(Int(alpha)) : JSON(alpha)
        object["lora_dropout"] = JSON(dropoutRate)
        object["r"] = JSON(rank)
        object["use_dora"] = .bool(method == .doRA)
        object["use_rslora"] = .bool(method == .rsLoRA)
        return .object(object)
    }
}
