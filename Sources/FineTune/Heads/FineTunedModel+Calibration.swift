import Layers
import Tensor

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What came of calibrating a classifier.
public struct CalibrationReport: Sendable, Hashable, CustomStringConvertible {
    /// What the outputs were divided by.
    public let temperature: Double
    /// How far the probabilities could be trusted before, on the examples of the calibration.
    public let before: CalibrationMetrics
    /// The same afterwards.
    public let after: CalibrationMetrics

    /// The report as a person reads it.
    public var description: String {
        "temperature \(temperature.formatted(decimals: 3))\nbefore: \(before)\nafter: \(after)"
    }
}

extension FineTunedModel where H == ClassificationHead {
    /// How far the model's probabilities can be trusted.
    ///
    /// - Parameters:
    ///   - data: Examples that were not trained on.
    ///   - binCount: How many intervals of probability are looked at: 15, as in Guo et al.
    /// - Returns: The expected calibration error and what it comes from.
    /// - Throws: ``DataError`` if there is no example, ``HeadError`` for an unknown label, outputs
    ///   that are no numbers, and no or more than a million intervals.
    public func calibration(
        on data: Dataset<P.Input, String>, binCount: Int = 15
    ) throws -> CalibrationMetrics {
        let (outputs, targets) = try outputsAndTargets(of: data, binCount: binCount)
        return metrics(outputs, targets, binCount: binCount)
    }

    /// Makes the model's probabilities honest by temperature scaling (Guo et al. 2017,
    /// arXiv:1706.04599, section 4.2): divides the outputs by the number that makes the examples' true
    /// classes most probable.
    ///
    /// No answer changes, only its probability. The head's weight and bias are divided themselves, so
    /// that the temperature is saved with them, Transformers gives the same probabilities, and
    /// training on begins from there. Repeating it changes nothing.
    ///
    /// - Parameters:
    ///   - data: Examples that were not trained on, such as those of the validation; a few hundred
    ///     are enough for one number.
    ///   - binCount: How many intervals of probability the report looks at: 15, as in Guo et al.
    /// - Returns: The temperature, and the expected calibration error before and after. It
    ///   stays within 0.01 ... 100 where the examples set no limit, because every answer is right or
    ///   answers are no better than chance.
    /// - Throws: ``DataError`` if there is no example, ``HeadError`` for an unknown label, outputs
    ///   that are no numbers, and no or more than a million intervals. The model is then as it was.
    @discardableResult
    public func calibrate(
        on data: Dataset<P.Input, String>, binCount: Int = 15
    ) throws -> CalibrationReport {
        let (outputs, targets) = try outputsAndTargets(of: data, binCount: binCount)
        let temperature = bestTemperature(outputs, targets: targets)
        lock.writing {
            for parameter in network.parameters {
                parameter.value = parameter.value * (1 / temperature)
            }
        }
        return CalibrationReport(
            temperature: temperature, before: metrics(outputs, targets, binCount: binCount),
            after: metrics(outputs * (1 / temperature), targets, binCount: binCount))
    }

    private func outputsAndTargets(
        of data: Dataset<P.Input, String>, binCount: Int
    ) throws -> (Tensor, [Int]) {
        guard (1...1_000_000).contains(binCount) else {
            throw HeadError.unusableBinCount(binCount)
        }
        guard !data.isEmpty else { throw DataError(.noExamples) }
        let targets = try head.encoded(data.targets)
        let items = try preparation.prepared(data.inputs, for: stages)
        return (try finiteOutputs(for: items).converted(to: .float64), targets)
    }

    private func metrics(
        _ outputs: Tensor, _ targets: [Int], binCount: Int
    ) -> CalibrationMetrics {
        CalibrationMetrics(
            probabilities: head.predictions(from: outputs).map(\.probabilities), targets: targets,
            binCount: binCount)
    }
}

/// The temperature with which the targets are most probable, within 0.01 ... 100.
///
/// The loss is convex in the reciprocal of the temperature, so that its slope changes its sign once:
/// found by halving.
///
/// - Parameters:
///   - outputs: Finite, `float64`, shape `[rows, classes]`.
///   - targets: The class of each row.
/// - Returns: The temperature.
func bestTemperature(_ outputs: Tensor, targets: [Int]) -> Double {
    let values = outputs.elements(as: Double.self)
    let classes = outputs.shape[1]
    /// The derivative of the loss by the factor that outputs are multiplied with: the mean output by
    /// the probabilities, less the target's.
    func slope(_ factor: Double) -> Double {
        var sum = 0.0
        for (row, target) in targets.enumerated() {
            let outputs = values[row * classes..<(row + 1) * classes]
            let largest = outputs.max() ?? 0
            var (total, mean) = (0.0, 0.0)
            for output in outputs {
                let part = exp(factor * (output - largest))
                total += part
                mean += part * output
            }
            sum += mean / total - values[row * classes + target]
        }
        return sum
    }
    var (low, high) = (-2.0, 2.0)
    for _ in 0..<52 {
        let middle = (low + high) / 2
        if slope(decimalPower(middle)) < 0 { low = middle } else { high = middle }
    }
    return decimalPower(-(low + high) / 2)
}
