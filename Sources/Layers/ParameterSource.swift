public import Tensor

/// Named tensors that parameters are loaded from, such as a checkpoint file.
public protocol ParameterProvider {
    /// The tensor of that name, or nil if there is none.
    func tensor(named name: String) throws -> Tensor?

    /// The most similar name that it has, for messages; nil if none is similar.
    func nearestName(to name: String) -> String?
}

extension ParameterProvider {
    /// None: a provider need not know its names.
    public func nearestName(to name: String) -> String? { nil }
}

/// How a parameter that no checkpoint holds begins.
public enum Initializer: Sendable, Hashable {
    /// All zeros: biases, shifts.
    case zeros
    /// All ones: scales.
    case ones
    /// Normally distributed around 0. BERT's `initializer_range` is 0.02 (arXiv:1810.04805).
    case normal(standardDeviation: Double)
    /// Uniform in `±limit`.
    case uniform(limit: Double)

    func tensor(
        _ shape: Tensor.Shape, dtype: Tensor.DType, using stream: inout RandomStream
    ) -> Tensor {
        switch self {
        case .zeros: Tensor(zeros: shape, dtype: dtype)
        case .ones: Tensor(repeating: 1, shape: shape, dtype: dtype)
        case .normal(let deviation):
            Tensor(normal: shape, standardDeviation: deviation, dtype: dtype, using: &stream)
        case .uniform(let limit):
            Tensor(uniform: shape, in: -limit..<limit, dtype: dtype, using: &stream)
        }
    }
}

/// A parameter that could not be made.
public enum ParameterError: Error, Hashable, CustomStringConvertible {
    /// The checkpoint has no tensor of that name; the nearest name that it has, if any is near.
    case missing(path: String, nearest: String? = nil)
    /// The checkpoint's tensor has another shape.
    case shapeMismatch(path: String, expected: Tensor.Shape, found: Tensor.Shape)
    /// The checkpoint's tensor has a type that does not hold weights.
    case unsuitableType(path: String, found: Tensor.DType)

    /// What is wrong with which parameter.
    public var description: String {
        switch self {
        case .missing(let path, let nearest):
            "the checkpoint has no tensor '\(path)'"
                + (nearest.map { "; the most similar name that it has is '\($0)'" } ?? "")
                + "; check that config.json and the weights belong together"
        case .shapeMismatch(let path, let expected, let found):
            "the checkpoint's tensor '\(path)' has the shape \(found), but the model's "
                + "configuration asks for \(expected)"
        case .unsuitableType(let path, let found):
            "the checkpoint's tensor '\(path)' holds \(found), which are no weights"
        }
    }
}

/// Where a layer takes its parameters from, by name: to construct a layer is to load it.
///
/// A source is a place in a tree of names; `source["encoder"]["layer"]` is a place further down. The
/// tree remembers what it handed out, in order: that is the list of the model's parameters.
public struct ParameterSource {
    private let tree: Tree
    /// The names so far, joined by dots.
    public let path: String
    private let initializesMissing: Bool

    private final class Tree {
        let provider: (any ParameterProvider)?
        let dtype: Tensor.DType
        let seed: UInt64
        var parameters: [Parameter] = []
        var byPath: [String: Parameter] = [:]
        var initialized: [String] = []

        init(provider: (any ParameterProvider)?, dtype: Tensor.DType, seed: UInt64) {
            (self.provider, self.dtype, self.seed) = (provider, dtype, seed)
        }
    }

    private init(tree: Tree, path: String, initializesMissing: Bool) {
        (self.tree, self.path, self.initializesMissing) = (tree, path, initializesMissing)
    }

    /// A source that loads from `provider`.
    ///
    /// - Parameters:
    ///   - provider: What holds the tensors.
    ///   - dtype: What weights are converted to if they are not already: `float32` computes fast,
    ///     `float64` checks gradients.
    ///   - seed: For parameters that are initialised because the provider lacks them; see
    ///     ``initializingMissing``.
    public init(
        _ provider: any ParameterProvider, dtype: Tensor.DType = .float32, seed: UInt64 = 0
    ) {
        self.init(
            tree: Tree(provider: provider, dtype: dtype, seed: seed), path: "",
            initializesMissing: false)
    }

    /// A source that initialises every parameter.
    public init(initializing dtype: Tensor.DType = .float32, seed: UInt64) {
        self.init(
            tree: Tree(provider: nil, dtype: dtype, seed: seed), path: "", initializesMissing: true)
    }

    /// The place called `name` under this one.
    public subscript(name: String) -> ParameterSource {
        ParameterSource(
            tree: tree, path: path.isEmpty ? name : "\(path).\(name)",
            initializesMissing: initializesMissing)
    }

    /// The place of element `index` of a list.
    public subscript(index: Int) -> ParameterSource { self["\(index)"] }

    /// The same place, but parameters that are not there begin with their initial values instead of
    /// being an error.
    public var initializingMissing: ParameterSource {
        ParameterSource(tree: tree, path: path, initializesMissing: true)
    }

    /// The parameters handed out so far, in order.
    public var parameters: [Parameter] { tree.parameters }

    /// The paths of those that were initialised rather than loaded.
    public var initializedPaths: [String] { tree.initialized }

    /// The parameter called `name` here. Asked for twice, it is the same one.
    ///
    /// - Throws: ``ParameterError`` if it is missing or does not fit, and what the provider throws.
    public func parameter(
        _ name: String, shape: Tensor.Shape, kind: Parameter.Kind, initial: Initializer
    ) throws -> Parameter {
        try parameter(name, shape: shape, kind: kind) { dtype, stream in
            initial.tensor(shape, dtype: dtype, using: &stream)
        }
    }

    /// The same for a parameter whose initial value is computed, which is done only if it is missing.
    ///
    /// - Parameters:
    ///   - name: What it is called here.
    ///   - shape: Its shape.
    ///   - kind: What it is for.
    ///   - initial: Its initial value in the given type; numbers drawn from the stream are its own.
    /// - Returns: The parameter.
    /// - Throws: ``ParameterError``, and what the provider and `initial` throw.
    public func parameter(
        _ name: String, shape: Tensor.Shape, kind: Parameter.Kind,
        initial: (_ dtype: Tensor.DType, _ stream: inout RandomStream) throws -> Tensor
    ) throws -> Parameter {
        let full = self[name].path
        if let known = tree.byPath[full] {
            guard known.value.shape == shape else {
                throw ParameterError.shapeMismatch(
                    path: full, expected: shape, found: known.value.shape)
            }
            return known
        }
        let value: Tensor
        if let loaded = try tree.provider?.tensor(named: full) {
            guard loaded.shape == shape else {
                throw ParameterError.shapeMismatch(path: full, expected: shape, found: loaded.shape)
            }
            guard loaded.dtype.isFloatingPoint else {
                throw ParameterError.unsuitableType(path: full, found: loaded.dtype)
            }
            value = loaded.converted(to: tree.dtype)
        } else if initializesMissing {
            // A stream of its own, so that no parameter depends on which others are missing.
            var stream = RandomStream(seed: tree.seed, stream: stableHash(full))
            value = try initial(tree.dtype, &stream)
            tree.initialized.append(full)
        } else {
            throw ParameterError.missing(
                path: full, nearest: tree.provider?.nearestName(to: full))
        }
        return add(Parameter(path: full, kind: kind, value: value))
    }

    /// A number that counts something, `int64` of shape `[]`, and begins at 0 if it is missing: it is
    /// of a kind that checkpoints leave out.
    ///
    /// - Throws: ``ParameterError`` if it is no single number, and what the provider throws.
    public func counter(_ name: String) throws -> Parameter {
        let full = self[name].path
        if let known = tree.byPath[full] { return known }
        let loaded = try tree.provider?.tensor(named: full)
        guard loaded.map({ $0.shape == [] }) != false else {
            throw ParameterError.shapeMismatch(
                path: full, expected: [], found: loaded?.shape ?? [])
        }
        let value = loaded?.converted(to: .int64) ?? Tensor(Int64(0))
        return add(Parameter(path: full, kind: .statistic, value: value))
    }

    private func add(_ parameter: Parameter) -> Parameter {
        tree.byPath[parameter.path] = parameter
        tree.parameters.append(parameter)
        return parameter
    }
}

/// FNV-1a over the bytes of a text, 64 bits: the same in every process, unlike Swift's hashing.
public func stableHash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
