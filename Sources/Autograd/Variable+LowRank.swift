public import Tensor

// Linear maps whose weight is adapted, each one entry on the tape.
extension Variable {
    /// `x Wᵀ + bias + x′ Uᵀ`, where `U` is the update and `x′` the input after dropout.
    ///
    /// Without dropout, `W + U` is put together and used as one weight: that is one product over the
    /// rows instead of three, and no more than `x` is kept for the gradients of the factors. It is done
    /// for few rows too, so that a row gives the same bits in any batch. With dropout, or where products
    /// round their operands and the sum would lose a small update, it goes by way of its rank, and what
    /// it makes of `x′`, `[rows, rank]`, is kept too.
    ///
    /// - Parameters:
    ///   - weight: W, shape `[outputs, inputs]`.
    ///   - bias: Shape `[outputs]`; nil adds nothing.
    ///   - update: U and its factors.
    ///   - dropout: What the update sees of the input; nil is all of it.
    /// - Returns: Shape `[..., outputs]`.
    public func lowRankLinear(
        weight: Variable, bias: Variable? = nil, update: LowRankUpdate, dropout: DropoutMask? = nil
    ) -> Variable {
        let (factors, shape) = (update.factors, shape)
        let outputs = weight.shape[0]
        let needs = (
            x: needsGradient, weight: weight.needsGradient, down: update.down.needsGradient,
            up: update.up.needsGradient, bias: bias?.needsGradient == true
        )
        let staysApart = dropout != nil || value.dtype.isRoundedInProducts
        let output: Tensor
        var savedHidden: Tensor?
        if staysApart {
            let rows = (dropout.map { value.dropped($0) } ?? value).joinedRows
            let hidden = factors.hidden(rows)
            var sum = value.joinedRows.linear(weight: weight.value, bias: bias?.value).output
            factors.add(rows, hidden: hidden, to: &sum)
            output = sum.reshaped(Tensor.Shape(Array(shape.dropLast()) + [outputs]))
            if needs.up { savedHidden = hidden }
        } else {
            output = value.linear(weight: factors.added(to: weight.value), bias: bias?.value).output
        }
        let savedX = needs.weight || needs.down || needs.up ? value : nil
        let savedW = needs.x ? weight.value : nil
        let inputsOfRule = [self, weight, update.down, update.up] + (bias.map { [$0] } ?? [])
        return Variable(output, from: inputsOfRule) { dy in
            let rows = dy.joinedRows
            let dropped = savedX.map { x in (dropout.map { x.dropped($0) } ?? x).joinedRows }
            // dy B, shape [rows, rank].
            let hidden =
                needs.down || needs.x && staysApart ? Tensor.matmul(rows, factors.up) : nil
            let dx = savedW.map { w in
                guard staysApart, let hidden else {
                    return Tensor.matmul(rows, factors.added(to: w)).reshaped(shape)
                }
                let part = factors.transposed(rows, hidden: hidden)
                var dx = Tensor.matmul(rows, w)
                dx.accumulate(dropout.map { part.dropped($0) } ?? part)
                return dx.reshaped(shape)
            }
            let dw =
                needs.weight
                ? savedX.map { Tensor.matmul(rows, $0.joinedRows, transposingA: true) } : nil
            let down =
                needs.down
                ? dropped.flatMap { x in
                    hidden.map { Tensor.matmul($0, x, transposingA: true) * factors.scale }
                } : nil
            let up =
                needs.up
                ? dropped.map { x in
                    let hidden = savedHidden ?? factors.hidden(x)
                    return Tensor.matmul(rows, hidden, transposingA: true) * factors.scale
                } : nil
            return [dx, dw, down, up, needs.bias ? rows.sum(axis: 0) : nil]
        }
    }

    /// `x Wᵀ + bias + x′ (V − W)ᵀ` with `V = diag(magnitude / norms) (W + U)`: the weight is split
    /// into directions, which the update turns, and their lengths (Liu et al. 2024, DoRA,
    /// arXiv:2402.09353, section 4.1).
    ///
    /// The lengths of the rows of `W + U` count as constants, as the paper recommends (section 4.3).
    /// The gradients of the factors and the magnitude all come from `dyᵀ x′`, of the weight's shape:
    /// it costs a product, and keeps no output without its magnitude.
    ///
    /// - Parameters:
    ///   - weight: W, shape `[outputs, inputs]`.
    ///   - bias: Shape `[outputs]`; nil adds nothing.
    ///   - update: U and its factors.
    ///   - magnitude: Shape `[outputs]`.
    ///   - norms: The lengths of the rows of `W + U`, shape `[outputs]`; nil computes them.
    ///   - dropout: What the difference sees of the input; nil is all of it.
    /// - Returns: Shape `[..., outputs]`.
    public func magnitudeLinear(
        weight: Variable, bias: Variable? = nil, update: LowRankUpdate, magnitude: Variable,
        norms: Tensor? = nil, dropout: DropoutMask? = nil
    ) -> Variable {
        let (factors, shape) = (update.factors, shape)
        let direction = MagnitudeDirection(
            sum: factors.added(to: weight.value), magnitude: magnitude.value, norms: norms)
        let staysApart = dropout != nil || value.dtype.isRoundedInProducts
        let output: Tensor
        if staysApart {
            var sum = value.linear(weight: weight.value, bias: bias?.value).output
            let dropped = dropout.map { value.dropped($0) } ?? value
            sum.accumulate(dropped.linear(weight: direction.scaled - weight.value).output)
            output = sum
        } else {
            output = value.linear(weight: direction.scaled, bias: bias?.value).output
        }
        let adapts = update.down.needsGradient || update.up.needsGradient || magnitude.needsGradient
        let needs = (
            weight: weight.needsGradient, down: update.down.needsGradient,
            up: update.up.needsGradient, magnitude: magnitude.needsGradient,
            bias: bias?.needsGradient == true
        )
        let savedX = needs.weight || adapts ? value : nil
        let (savedW, savedMagnitude) = (weight.value, magnitude.value)
        let (lengths, needsX) = (direction.norms, needsGradient)
        let inputs =
            [self, weight, update.down, update.up, magnitude] + (bias.map { [$0] } ?? [])
        return Variable(output, from: inputs) { dy in
            let rows = dy.joinedRows
            let direction = MagnitudeDirection(
                sum: factors.added(to: savedW), magnitude: savedMagnitude, norms: lengths)
            // dyᵀ x′, and with the ratio of each row: the gradient of W + U.
            let outer = savedX.map { x in
                Tensor.matmul(
                    rows, (dropout.map { x.dropped($0) } ?? x).joinedRows, transposingA: true)
            }
            let dv = outer.map { $0 * direction.ratio }
            var dx: Tensor?
            if needsX {
                if staysApart {
                    let part = Tensor.matmul(rows, direction.scaled - savedW)
                    var sum = Tensor.matmul(rows, savedW)
                    sum.accumulate(dropout.map { part.dropped($0) } ?? part)
                    dx = sum.reshaped(shape)
                } else {
                    dx = Tensor.matmul(rows, direction.scaled).reshaped(shape)
                }
            }
            var dw = needs.weight ? dv : nil
            if needs.weight, dropout != nil, let x = savedX, let outer {
                dw?.accumulate(Tensor.matmul(rows, x.joinedRows, transposingA: true))
                dw?.accumulate(outer, scale: -1)
            }
            let down =
                needs.down
                ? dv.map { Tensor.matmul(factors.up, $0, transposingA: true) * factors.scale } : nil
            let up =
                needs.up
                ? dv.map { Tensor.matmul($0, factors.down, transposingB: true) * factors.scale }
                : nil
            let length =
                needs.magnitude
                ? outer.map { ($0 * direction.sum).sum(axis: 1) / direction.norms } : nil
            return [dx, dw, down, up, length, needs.bias ? rows.sum(axis: 0) : nil]
        }
    }
}

extension Tensor.DType {
    /// Whether matrix products round elements of this type now.
    fileprivate var isRoundedInProducts: Bool {
        self == .float32 && Tensor.Precision.current == .bfloat16
    }
}

/// A weight with its rows brought to given lengths.
private struct MagnitudeDirection {
    /// W + U, shape `[outputs, inputs]`.
    let sum: Tensor
    /// The lengths of its rows, shape `[outputs]`.
    let norms: Tensor
    /// What each row is multiplied with, shape `[outputs, 1]`.
    let ratio: Tensor

    init(sum: Tensor, magnitude: Tensor, norms: Tensor?) {
        self.sum = sum
        self.norms = norms ?? sum.rowLengths
        ratio = (magnitude / self.norms).reshaped([magnitude.elementCount, 1])
    }

    var scaled: Tensor { sum * ratio }
}

extension Tensor {
    /// The Euclidean length of each row of a matrix, shape `[rows]`. A row of zeros counts as one of
    /// a tiny length, so that it can be divided by.
    public var rowLengths: Tensor {
        let smallest = dtype == .float64 ? 1e-150 : 1e-18
        return (squared().sum(axis: 1) + smallest * smallest).squareRoot()
    }
}
