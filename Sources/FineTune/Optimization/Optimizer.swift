/// How gradients move parameters.
public enum Optimizer: Sendable, Hashable {
    /// AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101).
    ///
    /// - Parameters:
    ///   - beta1: The decay of the first moment; 0.9 (Kingma and Ba 2015, arXiv:1412.6980).
    ///   - beta2: The decay of the second moment; 0.999 (same).
    ///   - epsilon: Added to the denominator; 1e-8 (same).
    ///   - weightDecay: Times the rate; 0.01 (BERT, arXiv:1810.04805, appendix A.2).
    case adamW(
        beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0.01)

    /// Stochastic gradient descent with momentum and decoupled decay (arXiv:1711.05101,
    /// algorithm 1).
    ///
    /// - Parameters:
    ///   - momentum: How much of the velocity stays; 0.9 (Sutskever et al., ICML 2013).
    ///   - weightDecay: Times the rate; none by default.
    case sgd(momentum: Double = 0.9, weightDecay: Double = 0)
}

/// What gradients are multiplied with so that their joint length is at most `limit` (Pascanu et al.
/// 2013, arXiv:1211.5063, section 3.2). As in PyTorch, 1e-6 is added against a division by 0.
func clippingScale(length: Double, limit: Double?) -> Double {
    limit.map { min(1, $0 / (length + 1e-6)) } ?? 1
}
