public import Tensor

/// What low-rank adaptation adds to a weight: `scale · (B A − B₀ A₀)` (Hu et al. 2022, LoRA,
/// arXiv:2106.09685, section 4.1).
///
/// Without an origin it is `scale · B A`. The origin is for factors that did not begin with a product
/// of 0, as those of PiSSA (arXiv:2404.02948): what they began with is taken away, so that the weight
/// itself stays as it is.
public struct LowRankUpdate {
    /// Factors that were there at the beginning.
    public struct Origin: Sendable {
        /// A₀, shape `[rank, inputs]`.
        public let down: Tensor
        /// B₀, shape `[outputs, rank]`.
        public let up: Tensor

        /// The factors that training began with.
        public init(down: Tensor, up: Tensor) { (self.down, self.up) = (down, up) }
    }

    /// A, shape `[rank, inputs]`.
    public let down: Variable
    /// B, shape `[outputs, rank]`.
    public let up: Variable
    /// What the product is multiplied with.
    public let scale: Double
    /// A₀ and B₀; nil takes nothing away.
    public let origin: Origin?

    /// An update of these factors.
    ///
    /// - Precondition: The shapes are those of one weight.
    public init(down: Variable, up: Variable, scale: Double, origin: Origin? = nil) {
        require(
            down.shape.rank == 2 && up.shape.rank == 2 && down.shape[0] == up.shape[1],
            "factors of shape \(down.shape) and \(up.shape) have no product")
        (self.down, self.up, self.scale, self.origin) = (down, up, scale, origin)
    }

    /// The update itself, shape `[outputs, inputs]`.
    public var matrix: Tensor { factors.matrix }

    var factors: LowRankFactors {
        LowRankFactors(down: down.value, up: up.value, scale: scale, origin: origin)
    }
}

/// The numbers of a ``LowRankUpdate``, for its gradient rules.
struct LowRankFactors {
    let down: Tensor, up: Tensor
    let scale: Double
    let origin: LowRankUpdate.Origin?

    /// `scale · (B A − B₀ A₀)`, shape `[outputs, inputs]`.
    var matrix: Tensor {
        var matrix = Tensor.matmul(up, down)
        if let origin { matrix.accumulate(Tensor.matmul(origin.up, origin.down), scale: -1) }
        if scale != 1 { matrix.scale(by: scale) }
        return matrix
    }

    /// The weight with the update. A product over the rank costs little beside one over all rows.
    func added(to weight: Tensor) -> Tensor {
        var sum = matrix
        sum.accumulate(weight)
        return sum
    }

    /// `A x`, shape `[rows, rank]`.
    func hidden(_ rows: Tensor) -> Tensor { Tensor.matmul(rows, down, transposingB: true) }

    /// Adds `x matrixᵀ` to `output`, by way of the rank.
    func add(_ rows: Tensor, hidden: Tensor, to output: inout Tensor) {
        var part = Tensor.matmul(hidden, up, transposingB: true)
        if let origin {
            let started = Tensor.matmul(rows, origin.down, transposingB: true)
            part.accumulate(Tensor.matmul(started, origin.up, transposingB: true), scale: -1)
        }
        output.accumulate(part, scale: scale)
    }

    /// `dy matrix`, by way of the rank, where `hidden` is `dy B`.
    func transposed(_ rows: Tensor, hidden: Tensor) -> Tensor {
        var result = Tensor.matmul(hidden, down)
        if let origin {
            let started = Tensor.matmul(rows, origin.up)
            result.accumulate(Tensor.matmul(started, origin.down), scale: -1)
        }
        if scale != 1 { result.scale(by: scale) }
        return result
    }
}
