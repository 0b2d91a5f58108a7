public import Tensor

// The formulas of networks for images [count, height, width, channels], each one entry on the tape.
extension Variable {
    /// The convolution of images: see ``Tensor/convolved(weight:window:groups:output:)``.
    ///
    /// Keeps the images if the weight needs a gradient, and the weight if the images do.
    ///
    /// - Parameters:
    ///   - weight: Shape `[outputs, channels / groups, window height, window width]`.
    ///   - bias: Shape `[outputs]`; nil adds nothing.
    ///   - window: Where it lies.
    ///   - groups: The channels of each group see only those of the same group.
    /// - Returns: Shape `[count, height, width, outputs]`.
    public func convolved(
        weight: Variable, bias: Variable?, window: Tensor.Window, groups: Int
    ) -> Variable {
        let output = value.convolved(
            weight: weight.value, window: window, groups: groups,
            output: .init(bias: bias?.value))
        let (savedX, savedW) = (
            weight.needsGradient ? value : nil, needsGradient ? weight.value : nil
        )
        let (shape, biasNeeds) = (shape, bias?.needsGradient == true)
        return Variable(output, from: [self, weight] + (bias.map { [$0] } ?? [])) { dy in
            let dx = savedW.map {
                dy.convolutionInputGradient(
                    weight: $0, window: window, groups: groups, shape: shape)
            }
            let dw = savedX.map {
                dy.convolutionWeightGradient(input: $0, window: window, groups: groups)
            }
            return [dx, dw, biasNeeds ? dy.joinedRows.sum(axis: 0) : nil]
        }
    }

    /// Batch normalisation with given statistics, and an activation:
    /// `activation((x − mean) / √(variance + epsilon) · gamma + beta)` (Ioffe and Szegedy 2015,
    /// arXiv:1502.03167, algorithm 2).
    ///
    /// - Parameters:
    ///   - gamma: The scale, shape `[channels]`.
    ///   - beta: The shift, shape `[channels]`.
    ///   - mean: Shape `[channels]`.
    ///   - variance: Shape `[channels]`.
    ///   - epsilon: Added to the variance.
    ///   - activation: Applied last.
    /// - Returns: Same shape as this, `[..., channels]`.
    public func channelsNormalized(
        gamma: Variable, beta: Variable, mean: Tensor, variance: Tensor, epsilon: Double,
        activation: Activation
    ) -> Variable {
        let reciprocal = (variance + epsilon).squareRoot().reciprocal()
        let map = ChannelMap(mean: mean, scale: gamma.value * reciprocal, shift: beta.value)
        let input = value
        let needs = (self.needsGradient, gamma.needsGradient, beta.needsGradient)
        return Variable(input.mapped(map, activation: activation), from: [self, gamma, beta]) {
            dy in
            let dx = needs.0 ? dy.mapGradient(map, input: input, activation: activation) : nil
            guard needs.1 || needs.2 else { return [dx, nil, nil] }
            let sums = dy.mapGradientSums(map, input: input, activation: activation)
            return [dx, needs.1 ? sums.scale * reciprocal : nil, needs.2 ? sums.shift : nil]
        }
    }

    /// Batch normalisation with the batch's own mean and population variance, and an activation
    /// (arXiv:1502.03167, algorithm 1).
    ///
    /// Keeps the input only: the backward pass normalises it again.
    ///
    /// - Parameters:
    ///   - gamma: The scale, shape `[channels]`.
    ///   - beta: The shift, shape `[channels]`.
    ///   - mean: That of this, from ``Tensor/channelMoments()``, shape `[channels]`.
    ///   - variance: The same.
    ///   - epsilon: Added to the variance.
    ///   - activation: Applied last.
    /// - Returns: Same shape as this, `[..., channels]`.
    public func batchNormalized(
        gamma: Variable, beta: Variable, mean: Tensor, variance: Tensor, epsilon: Double,
        activation: Activation
    ) -> Variable {
        let input = value
        let reciprocal = (variance + epsilon).squareRoot().reciprocal()
        let map = ChannelMap(mean: mean, scale: gamma.value * reciprocal, shift: beta.value)
        let needs = (self.needsGradient, gamma.needsGradient, beta.needsGradient)
        let rows = Double(shape.elementCount) / Double(shape[shape.rank - 1])
        return Variable(input.mapped(map, activation: activation), from: [self, gamma, beta]) {
            dy in
            let sums = dy.mapGradientSums(map, input: input, activation: activation)
            var dx: Tensor?
            if needs.0 {
                // The mean and variance move with x.
                let slope = map.scale * reciprocal * reciprocal * sums.scale * (-1 / rows)
                let offset = map.scale * sums.shift * (-1 / rows)
                dx = dy.mapGradient(
                    map, input: input, activation: activation, adding: (slope, offset))
            }
            return [dx, needs.1 ? sums.scale * reciprocal : nil, needs.2 ? sums.shift : nil]
        }
    }

    /// The largest element of each window: see ``Tensor/maximumPooled(_:)``.
    public func maximumPooled(_ window: Tensor.Window) -> Variable {
        let input = value
        let output = input.maximumPooled(window)
        return Variable(output, from: [self]) {
            [$0.maximumPoolingGradient(window, input: input, output: output)]
        }
    }

    /// The mean of each window: see ``Tensor/averagePooled(_:)``.
    public func averagePooled(_ window: Tensor.Window) -> Variable {
        let shape = shape
        return Variable(value.averagePooled(window), from: [self]) {
            [$0.averagePoolingGradient(window, shape: shape)]
        }
    }

    /// The mean of each channel over the pixels of each image, shape `[count, channels]`.
    public func globallyAveraged() -> Variable {
        let (count, channels) = (shape[0], shape[3])
        return reshaped([count, shape[1] * shape[2], channels]).mean(axis: 1)
    }
}
