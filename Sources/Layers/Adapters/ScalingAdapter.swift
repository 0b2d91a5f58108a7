public import Autograd
public import Tensor

/// (IA)³ on one linear map: a learned factor for each of its inputs or outputs (Liu et al. 2022,
/// arXiv:2205.05638, section 3.3).
public final class ScalingAdapter: LinearAdapter {
    /// The factors: shape `[1, inputs]` or `[outputs, 1]`, as PEFT keeps them.
    public let factors: Parameter
    /// Whether inputs are multiplied rather than outputs.
    public let scalesInput: Bool

    /// Loads `ia3_l` from its place; it begins at 1.
    public init(for map: Linear, scalesInput: Bool, from source: ParameterSource) throws {
        let (outputs, inputs) = (map.weight.value.shape[0], map.weight.value.shape[1])
        self.scalesInput = scalesInput
        factors = try source.parameter(
            "ia3_l", shape: scalesInput ? [1, inputs] : [outputs, 1], kind: .scale, initial: .ones)
    }

    /// Its one parameter.
    public var parameters: [Parameter] { [factors] }

    /// `(l ∘ x) Wᵀ + b`, or `l ∘ (x Wᵀ + b)`.
    public func output(
        for x: Variable, weight: Variable, bias: Variable?, in pass: Pass
    ) -> Variable {
        let vector = factors.variable(in: pass).reshaped([factors.value.elementCount])
        return scalesInput
            ? (x * vector).linear(weight: weight, bias: bias)
            : x.linear(weight: weight, bias: bias) * vector
    }

    /// The weight with its columns or rows multiplied, and in the second case the bias too.
    public func merged(weight: Tensor, bias: Tensor?) -> (weight: Tensor, bias: Tensor?) {
        let vector = factors.value.reshaped([factors.value.elementCount])
        return (weight * factors.value, scalesInput ? bias : bias.map { $0 * vector })
    }

    /// Makes this what moves a weight by the weighted sum of what each of the others moves it by:
    /// `1 + Σ weight · (l − 1)`.
    ///
    /// - Returns: Whether it can: all must scale the same side.
    public func combine(_ parts: [(adapter: ScalingAdapter, weight: Double)]) -> Bool {
        guard parts.allSatisfy({ $0.adapter.scalesInput == scalesInput }) else { return false }
        let ones = Tensor(
            repeating: 1, shape: factors.value.shape, dtype: factors.value.dtype)
        factors.value = parts.reduce(ones) { $0 + ($1.adapter.factors.value - ones) * $1.weight }
        return true
    }
}
