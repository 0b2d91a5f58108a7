import FineTune

/// The matrix products of one training step and nothing else: what the step would cost if all the
/// rest were free.
///
/// The products of attention, 3% of the operations at 128 tokens, are left out.
final class StepProducts {
    private let products: [(a: Tensor, b: Tensor, transposingA: Bool, transposingB: Bool)]
    private let layers: Int

    /// The products of a step.
    ///
    /// - Parameters:
    ///   - configuration: The sizes of the model.
    ///   - tokens: The tokens of a batch.
    ///   - forward: Only those of the forward pass.
    init(_ configuration: TransformerConfiguration, tokens: Int, forward: Bool) {
        let (width, inner) = (configuration.width, configuration.feedForwardWidth)
        layers = configuration.layers
        var products: [(a: Tensor, b: Tensor, transposingA: Bool, transposingB: Bool)] = []
        let maps = [(width, 3 * width), (width, width), (width, inner), (inner, width)]
        for (inputs, outputs) in maps {
            let x = Tensor(repeating: 0.5, shape: [tokens, inputs])
            let y = Tensor(repeating: 0.5, shape: [tokens, outputs])
            let weight = Tensor(repeating: 0.5, shape: [outputs, inputs])
            products.append((x, weight, false, true))
            if forward { continue }
            products.append((y, weight, false, false))
            products.append((y, x, true, false))
        }
        self.products = products
    }

    func run() {
        for _ in 0..<layers {
            for product in products {
                _ = Tensor.matmul(
                    product.a, product.b, transposingA: product.transposingA,
                    transposingB: product.transposingB)
            }
        }
    }
}
