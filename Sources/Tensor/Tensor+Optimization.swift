import CKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Tensor {
    /// One step of AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2), in one pass
    /// over the parameter, its two moments and its gradient.
    public struct AdamWStep: Sendable {
        /// The rate of this step.
        public var learningRate: Double
        /// The decay of the first moment.
        public var beta1: Double
        /// The decay of the second moment.
        public var beta2: Double
        /// Added to the denominator.
        public var epsilon: Double
        /// The decoupled decay, multiplied with the rate.
        public var weightDecay: Double
        /// The number of the step, from 1.
        public var step: Int
        /// Multiplies the gradient first: clipping.
        public var gradientScale: Double

        /// A step with these settings.
        public init(
            learningRate: Double, beta1: Double, beta2: Double, epsilon: Double,
            weightDecay: Double, step: Int, gradientScale: Double
        ) {
            self.learningRate = learningRate
            self.beta1 = beta1
            self.beta2 = beta2
            self.epsilon = epsilon
            self.weightDecay = weightDecay
            self.step = step
            self.gradientScale = gradientScale
        }

        var kernelValue: ck_adamw {
            ck_adamw(
                learning_rate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
                weight_decay: weightDecay, correction1: 1 - power(beta1, step),
                correction2: 1 - power(beta2, step), gradient_scale: gradientScale)
        }
    }

    /// Moves this parameter by one step of AdamW and updates its moments, in place.
    ///
    /// - Precondition: All four have the same shape and type.
    public mutating func apply(
        _ step: AdamWStep, gradient: Tensor, moment1: inout Tensor, moment2: inout Tensor
    ) {
        checkSameShape(gradient, "AdamW")
        checkSameShape(moment1, "AdamW")
        checkSameShape(moment2, "AdamW")
        var settings = step.kernelValue
        let dw = gradient.contiguous()
        let (w, m, v) = (mutablePointer(), moment1.mutablePointer(), moment2.mutablePointer())
        let (size, kernels) = (dtype.byteCount, kernels)
        withUnsafePointer(to: &settings) { settings in
            parallel(over: elementCount, grain: elementwiseGrain) { range in
                let at = range.lowerBound * size
                kernels.pointee.adamw(
                    settings, w + at, m + at, v + at, dw.pointer + at, range.count)
            }
        }
    }

    /// One step of stochastic gradient descent with momentum and decoupled decay
    /// (arXiv:1711.05101, algorithm 1; momentum as PyTorch defines it).
    public struct SGDStep: Sendable {
        /// The rate of this step.
        public var learningRate: Double
        /// How much of the velocity stays.
        public var momentum: Double
        /// The decoupled decay, multiplied with the rate.
        public var weightDecay: Double
        /// Whether the velocity begins with this gradient.
        public var isFirst: Bool
        /// Multiplies the gradient first: clipping.
        public var gradientScale: Double

        /// A step with these settings.
        public init(
            learningRate: Double, momentum: Double, weightDecay: Double, isFirst: Bool,
            gradientScale: Double
        ) {
            self.learningRate = learningRate
            self.momentum = momentum
            self.weightDecay = weightDecay
            self.isFirst = isFirst
            self.gradientScale = gradientScale
        }

        var kernelValue: ck_sgd {
            ck_sgd(
                learning_rate: learningRate, momentum: momentum, weight_decay: weightDecay,
                gradient_scale: gradientScale, first_step: isFirst ? 1 : 0)
        }
    }

    /// Moves this parameter by one step of SGD and updates its velocity, in place.
    ///
    /// - Precondition: All three have the same shape and type.
    public mutating func apply(_ step: SGDStep, gradient: Tensor, velocity: inout Tensor) {
        checkSameShape(gradient, "SGD")
        checkSameShape(velocity, "SGD")
        var settings = step.kernelValue
        let dw = gradient.contiguous()
        let (w, v) = (mutablePointer(), velocity.mutablePointer())
        let (size, kernels) = (dtype.byteCount, kernels)
        withUnsafePointer(to: &settings) { settings in
            parallel(over: elementCount, grain: elementwiseGrain) { range in
                let at = range.lowerBound * size
                kernels.pointee.sgd(settings, w + at, v + at, dw.pointer + at, range.count)
            }
        }
    }
}

private func power(_ base: Double, _ exponent: Int) -> Double { pow(base, Double(exponent)) }
