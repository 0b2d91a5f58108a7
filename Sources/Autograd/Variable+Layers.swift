public import Tensor

// The formulas of network layers, each one entry on the tape.
extension Variable {
    /// The matrix product of the last two dimensions.
    ///
    /// - Parameters:
    ///   - a: Shape `[..., m, k]`.
    ///   - b: Shape `[..., k, n]` with the outer dimensions of `a`, or `[k, n]`.
    /// - Returns: Shape `[..., m, n]`.
    public static func matmul(_ a: Variable, _ b: Variable) -> Variable {
        let savedA = b.needsGradient ? a.value : nil
        let savedB = a.needsGradient ? b.value : nil
        let sharedB = b.shape.rank == 2
        return Variable(Tensor.matmul(a.value, b.value), from: [a, b]) { dy in
            let da = savedB.map { Tensor.matmul(dy, $0, transposingB: true) }
            let db = savedA.map { a in
                sharedB
                    ? Tensor.matmul(a.joinedRows, dy.joinedRows, transposingA: true)
                    : Tensor.matmul(a, dy, transposingA: true)
            }
            return [da, db]
        }
    }

    /// `activation(x weightᵀ + bias)`.
    ///
    /// Keeps the input if the weight needs a gradient, the weight if the input does, and what was
    /// activated if there is an activation.
    ///
    /// - Parameters:
    ///   - weight: Shape `[outputs, inputs]`.
    ///   - bias: Shape `[outputs]`; nil adds nothing.
    ///   - activation: Applied last.
    /// - Returns: Shape `[..., outputs]`.
    public func linear(
        weight: Variable, bias: Variable? = nil, activation: Activation = .identity
    ) -> Variable {
        let inputs = [self, weight] + (bias.map { [$0] } ?? [])
        let needed = inputs.contains { $0.needsGradient }
        let (output, activated) = value.linear(
            weight: weight.value, bias: bias?.value, activation: activation,
            keepingInput: needed && activation != .identity)
        guard needed else { return Variable(output) }
        let savedX = weight.needsGradient ? value : nil
        let savedW = needsGradient ? weight.value : nil
        let (shape, biasNeeds) = (shape, bias?.needsGradient == true)
        return Variable(output, from: inputs) { dy in
            let dz = activated.map { dy.activationGradient(activation, input: $0) } ?? dy
            let rows = dz.joinedRows
            let dx = savedW.map { Tensor.matmul(rows, $0).reshaped(shape) }
            let dw = savedX.map { Tensor.matmul(rows, $0.joinedRows, transposingA: true) }
            return [dx, dw, biasNeeds ? rows.sum(axis: 0) : nil]
        }
    }

    /// Two linear maps with an activation between them: the feed-forward network of a transformer.
    ///
    /// The same as two calls of ``linear(weight:bias:activation:)``, but keeps what was activated
    /// only: the backward pass computes the activation again, together with its derivative.
    ///
    /// - Parameters:
    ///   - innerWeight: The first map's, shape `[inner, inputs]`.
    ///   - innerBias: The first map's, shape `[inner]`; nil adds nothing.
    ///   - activation: Applied between the maps.
    ///   - weight: The second map's, shape `[outputs, inner]`.
    ///   - bias: The second map's, shape `[outputs]`; nil adds nothing.
    /// - Returns: Shape `[..., outputs]`.
    public func feedForward(
        innerWeight: Variable, innerBias: Variable?, activation: Activation, weight: Variable,
        bias: Variable?
    ) -> Variable {
        let inputs =
            [self, innerWeight, weight] + [innerBias, bias].compactMap { $0 }
        let needed = inputs.contains { $0.needsGradient }
        let (inner, activated) = value.linear(
            weight: innerWeight.value, bias: innerBias?.value, activation: activation,
            keepingInput: needed)
        let output = inner.linear(weight: weight.value, bias: bias?.value).output
        guard needed, let activated else { return Variable(output) }
        let x = value
        let (first, second) = (innerWeight.value, weight.value)
        let needs = (
            x: needsGradient, first: innerWeight.needsGradient, second: weight.needsGradient,
            biases: [innerBias, bias].map { $0?.needsGradient }
        )
        return Variable(output, from: inputs) { dy in
            let rows = dy.joinedRows
            let dSecondBias = needs.biases[1] == true ? rows.sum(axis: 0) : nil
            let (dInner, inner) = rows.linearGradient(
                weight: second, activation: activation, input: activated.joinedRows)
            let dSecond =
                needs.second ? Tensor.matmul(rows, inner, transposingA: true) : nil
            let dFirst =
                needs.first ? Tensor.matmul(dInner, x.joinedRows, transposingA: true) : nil
            let dFirstBias = needs.biases[0] == true ? dInner.sum(axis: 0) : nil
            let dx = needs.x ? Tensor.matmul(dInner, first).reshaped(x.shape) : nil
            let dBiases = zip(needs.biases, [dFirstBias, dSecondBias]).compactMap {
                $0 == nil ? nil : .some($1)
            }
            return [dx, dFirst, dSecond] + dBiases
        }
    }

    /// Layer normalisation over the last dimension: see
    /// ``Tensor/layerNormalized(gamma:beta:epsilon:)``.
    public func layerNormalized(gamma: Variable, beta: Variable, epsilon: Double) -> Variable {
        let (output, statistics) = value.layerNormalized(
            gamma: gamma.value, beta: beta.value, epsilon: epsilon)
        let (input, scale) = (value, gamma.value)
        let needs = (needsGradient, gamma.needsGradient, beta.needsGradient)
        return Variable(output, from: [self, gamma, beta]) { dy in
            let gradients = dy.layerNormGradient(
                input: input, statistics: statistics, gamma: scale)
            return [
                needs.0 ? gradients.input : nil, needs.1 ? gradients.gamma : nil,
                needs.2 ? gradients.beta : nil,
            ]
        }
    }

    /// The softmax over the last dimension.
    public func softmax() -> Variable {
        let output = value.softmax()
        return Variable(output, from: [self]) { [$0.softmaxGradient(output: output)] }
    }

    /// Multiplies with a dropout mask, which the backward pass draws again, and adds `residual`.
    ///
    /// - Parameters:
    ///   - mask: Nil drops nothing.
    ///   - residual: Same shape as this; added unmasked.
    /// - Returns: Same shape as this.
    public func dropped(_ mask: DropoutMask?, adding residual: Variable? = nil) -> Variable {
        guard let mask, mask.rate > 0 else { return residual.map { self + $0 } ?? self }
        let inputs = [self] + (residual.map { [$0] } ?? [])
        let needs = needsGradient
        return Variable(value.dropped(mask, adding: residual?.value), from: inputs) { dy in
            [needs ? dy.dropped(mask) : nil, dy]
        }
    }

    /// Multi-head attention inside each segment: see
    /// ``Tensor/attention(query:key:value:settings:)``.
    public static func attention(
        query: Variable, key: Variable, value: Variable, settings: Tensor.AttentionSettings
    ) -> Variable {
        let (q, k, v) = (query.value, key.value, value.value)
        let (output, logSums) = Tensor.attention(query: q, key: k, value: v, settings: settings)
        let needs = (query.needsGradient, key.needsGradient, value.needsGradient)
        return Variable(output, from: [query, key, value]) { dy in
            let gradients = dy.attentionGradient(
                query: q, key: k, value: v, logSums: logSums, settings: settings)
            return [
                needs.0 ? gradients.query : nil, needs.1 ? gradients.key : nil,
                needs.2 ? gradients.value : nil,
            ]
        }
    }
}

extension Tensor {
    /// A matrix of all rows: the dimensions but the last joined.
    var joinedRows: Tensor {
        let width = shape[rank - 1]
        return reshaped([width == 0 ? 0 : elementCount / width, width])
    }
}
