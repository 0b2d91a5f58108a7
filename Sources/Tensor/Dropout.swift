import CKernels

/// A mask that sets elements to 0 with a given probability and scales the others up to keep the mean
/// (Srivastava et al., "Dropout", JMLR 2014), as a function of where its numbers come from.
///
/// Nothing is stored: the backward pass draws the same mask again.
public struct DropoutMask: Sendable, Hashable {
    /// The probability of an element to become 0, in `0 ..< 1`.
    public let rate: Double
    /// The seed of the run.
    public let seed: UInt64
    /// Tells the masks of one step apart: a hash of the layer's path.
    public let layer: UInt32
    /// Tells the steps apart.
    public let step: UInt32

    /// A mask of the given rate.
    ///
    /// - Precondition: `rate` lies in `0 ..< 1`.
    public init(rate: Double, seed: UInt64, layer: UInt32, step: UInt32) {
        require(rate >= 0 && rate < 1, "a dropout rate of \(rate) does not lie in 0 ..< 1")
        (self.rate, self.seed, self.layer, self.step) = (rate, seed, layer, step)
    }

    var kernelValue: ck_dropout {
        ck_dropout(rate: rate, seed: seed, layer: layer, step: step)
    }
}

extension Tensor {
    /// Multiplies with the mask, and adds `residual` if there is one.
    ///
    /// The operation is its own gradient: `dx = dy.dropped(mask)`.
    ///
    /// - Parameters:
    ///   - mask: Decides which elements become 0 by their position in row-major order.
    ///   - residual: Same shape and type as this. It is added unmasked.
    /// - Returns: Same shape as this.
    public func dropped(_ mask: DropoutMask, adding residual: Tensor? = nil) -> Tensor {
        if let residual { checkSameShape(residual, "dropout with a residual") }
        let (x, residual) = (contiguous(), residual?.contiguous())
        let result = Tensor(uninitialized: shape, dtype: dtype)
        let size = dtype.byteCount
        var description = mask.kernelValue
        withUnsafePointer(to: &description) { description in
            parallel(over: elementCount, grain: elementwiseGrain) { range in
                let at = range.lowerBound * size
                kernels.pointee.dropout(
                    result.base + at, x.pointer + at, residual.map { $0.pointer + at },
                    description, range.lowerBound, range.count)
            }
        }
        return result
    }
}
