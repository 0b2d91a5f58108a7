public import Autograd
public import Tensor

/// Normalises each channel over a batch, then scales and shifts it (Ioffe and Szegedy 2015,
/// arXiv:1502.03167).
///
/// While its scale or shift trains, in a pass that records gradients, it uses the statistics of the
/// batch and moves its own towards them, at once or by ``Pass/measurements``. Else it uses its own and
/// keeps them as they are, bit for bit: a frozen normalisation needs no mode that could be forgotten.
public final class BatchNorm: ImageLayer {
    /// The scale, shape `[channels]`.
    public let weight: Parameter
    /// The shift, shape `[channels]`.
    public let bias: Parameter
    /// The mean of each channel, moved with every batch; shape `[channels]`.
    public let runningMean: Parameter
    /// The variance of each channel, the sample's rather than the population's; shape `[channels]`.
    public let runningVariance: Parameter
    /// Counts the batches that moved them.
    public let batchCount: Parameter
    /// Added to the variance.
    public let epsilon: Double
    /// The weight of the newest batch in the running statistics.
    public let momentum: Double

    /// Loads `weight`, `bias`, `running_mean`, `running_var` and `num_batches_tracked`, which older
    /// checkpoints lack, from `source`.
    ///
    /// - Parameters:
    ///   - channels: The number of channels.
    ///   - epsilon: The architecture's; PyTorch's default is 1e-5, TensorFlow's 1e-3.
    ///   - momentum: PyTorch's meaning of it; TensorFlow's is 1 minus this.
    ///   - source: The place of the layer.
    /// - Throws: ``ParameterError`` if one is missing or has another shape.
    public init(
        channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, from source: ParameterSource
    ) throws {
        weight = try source.parameter(
            "weight", shape: [channels], kind: .normalization, initial: .ones)
        bias = try source.parameter(
            "bias", shape: [channels], kind: .normalizationShift, initial: .zeros)
        runningMean = try source.parameter(
            "running_mean", shape: [channels], kind: .statistic, initial: .zeros)
        runningVariance = try source.parameter(
            "running_var", shape: [channels], kind: .statistic, initial: .ones)
        batchCount = try source.counter("num_batches_tracked")
        (self.epsilon, self.momentum) = (epsilon, momentum)
    }

    /// Applies the layer.
    public func callAsFunction(_ x: Variable, in pass: Pass) -> Variable {
        self(x, activation: .identity, in: pass)
    }

    /// Applies the layer and an activation.
    ///
    /// - Parameters:
    ///   - x: Shape `[..., channels]`.
    ///   - activation: Applied last.
    ///   - pass: Says whether gradients are recorded.
    /// - Returns: Same shape.
    public func callAsFunction(
        _ x: Variable, activation: Activation, in pass: Pass
    ) -> Variable {
        let (gamma, beta) = (weight.variable(in: pass), bias.variable(in: pass))
        guard gamma.needsGradient || beta.needsGradient else {
            return x.channelsNormalized(
                gamma: gamma, beta: beta, mean: runningMean.value,
                variance: runningVariance.value, epsilon: epsilon, activation: activation)
        }
        let moments = x.value.channelMoments()
        moveStatistics(
            to: moments, rows: Double(x.shape.elementCount) / Double(moments.mean.elementCount),
            in: pass)
        return x.batchNormalized(
            gamma: gamma, beta: beta, mean: moments.mean, variance: moments.variance,
            epsilon: epsilon, activation: activation)
    }

    /// Whether it uses the statistics of the batch in a pass.
    func measures(in pass: Pass) -> Bool {
        pass.recordsGradients && (weight.isTrainable || bias.isTrainable)
    }

    /// Moves the running statistics towards those of a batch, at once or when the pass's measurements
    /// count.
    ///
    /// - Parameters:
    ///   - moments: The mean, and the population's variance.
    ///   - rows: What they were taken over; the running variance is the sample's.
    ///   - pass: In which they were measured.
    func moveStatistics(
        to moments: (mean: Tensor, variance: Tensor), rows: Double, in pass: Pass
    ) {
        guard let measurements = pass.measurements else { return moveStatistics(moments, rows) }
        measurements.add { self.moveStatistics(moments, rows) }
    }

    private func moveStatistics(_ moments: (mean: Tensor, variance: Tensor), _ rows: Double) {
        update(runningMean, by: moments.mean)
        update(runningVariance, by: moments.variance * (rows / max(rows - 1, 1)))
        // A file may hold any number.
        batchCount.value = Tensor([batchCount.value.elements(as: Int64.self)[0] &+ 1], shape: [])
    }

    private func update(_ statistic: Parameter, by measured: Tensor) {
        statistic.update {
            $0.scale(by: 1 - momentum)
            $0.accumulate(measured, scale: momentum)
        }
    }

    /// What the layer does with its own statistics, for a convolution that does it on the way.
    var map: ChannelMap {
        let reciprocal = (runningVariance.value + epsilon).squareRoot().reciprocal()
        return ChannelMap(
            mean: runningMean.value, scale: weight.value * reciprocal, shift: bias.value)
    }

    /// Its parameters, in the order of loading.
    public var parameters: [Parameter] {
        [weight, bias, runningMean, runningVariance, batchCount]
    }
}
