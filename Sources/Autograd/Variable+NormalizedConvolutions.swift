public import Tensor

/// A convolution, batch normalisation with the statistics of the batch, and an activation.
public struct NormalizedConvolution {
    /// Shape `[outputs, channels / groups, window height, window width]`.
    public var weight: Variable
    /// The scale of the normalisation, shape `[outputs]`.
    public var gamma: Variable
    /// Its shift, shape `[outputs]`.
    public var beta: Variable
    /// Where the window lies.
    public var window: Tensor.Window
    /// The channels of each group see only those of the same group.
    public var groups: Int
    /// Added to the variance.
    public var epsilon: Double
    /// Applied last.
    public var activation: Activation

    /// A link of these parts.
    public init(
        weight: Variable, gamma: Variable, beta: Variable, window: Tensor.Window, groups: Int,
        epsilon: Double, activation: Activation
    ) {
        (self.weight, self.gamma, self.beta) = (weight, gamma, beta)
        (self.window, self.groups) = (window, groups)
        (self.epsilon, self.activation) = (epsilon, activation)
    }
}

extension Variable {
    /// Convolutions one after the other, each with batch normalisation (Ioffe and Szegedy 2015,
    /// arXiv:1502.03167, algorithm 1) and an activation.
    ///
    /// One entry on the tape, which keeps the images that went in and what each convolution gave. What
    /// is normalised between two of them is computed where it is used, forwards and backwards, and only
    /// the last one's is written to memory.
    ///
    /// - Parameter links: The convolutions, at least one.
    /// - Returns: Shape `[count, height, width, outputs]`, and for each link the mean and the
    ///   population's variance that it normalised with, taken over so many rows.
    public func convolvedAndNormalized(
        _ links: [NormalizedConvolution]
    ) -> (output: Variable, statistics: [(mean: Tensor, variance: Tensor, rows: Int)]) {
        require(!links.isEmpty, "there is no convolution")
        // What goes into each link, and at last what comes out.
        var images = [NormalizedImages(value)]
        var statistics: [(mean: Tensor, variance: Tensor, rows: Int)] = []
        var reciprocals: [Tensor] = []
        for (index, link) in links.enumerated() {
            let (output, mean, variance) = images[index].convolved(
                weight: link.weight.value, window: link.window, groups: link.groups)
            let reciprocal = (variance + link.epsilon).squareRoot().reciprocal()
            let map = ChannelMap(
                mean: mean, scale: link.gamma.value * reciprocal, shift: link.beta.value)
            images.append(NormalizedImages(output, map: map, activation: link.activation))
            statistics.append((mean, variance, output.elementCount / mean.elementCount))
            reciprocals.append(reciprocal)
        }
        let inputs = [self] + links.flatMap { [$0.weight, $0.gamma, $0.beta] }
        let needs = inputs.map(\.needsGradient)
        let rule = ChainRule(
            images: images, links: links.map(ChainRule.Link.init), reciprocals: reciprocals,
            needs: needs)
        let output = Variable(images[links.count].applied, from: inputs) { rule.gradients(of: $0) }
        return (output, statistics)
    }
}

/// The backward pass of a chain of convolutions.
private struct ChainRule {
    /// What the gradients of one convolution need to know.
    struct Link {
        let weight: Tensor
        let window: Tensor.Window
        let groups: Int

        init(_ link: NormalizedConvolution) {
            (weight, window, groups) = (link.weight.value, link.window, link.groups)
        }
    }

    let images: [NormalizedImages]
    let links: [Link]
    let reciprocals: [Tensor]
    let needs: [Bool]

    func gradients(of received: Tensor) -> [Tensor?] {
        var gradients = [Tensor?](repeating: nil, count: needs.count)
        guard let last = images.last, let map = last.map else { return gradients }
        var dy = received
        var sums = dy.mapGradientSums(map, input: last.raw, activation: last.activation)
        for (index, link) in links.enumerated().reversed() {
            let (images, place) = (self.images[index + 1], 1 + 3 * index)
            guard let map = images.map else { break }
            let reciprocal = reciprocals[index]
            if needs[place + 1] { gradients[place + 1] = sums.scale * reciprocal }
            if needs[place + 2] { gradients[place + 2] = sums.shift }
            // Below the first link only its input may need a gradient.
            let needsInput = needs[..<place].contains(true)
            guard needsInput || needs[place] else { break }
            // The mean and variance move with x.
            let rows = Double(dy.elementCount) / Double(map.mean.elementCount)
            let slope = map.scale * reciprocal * reciprocal * sums.scale * (-1 / rows)
            let offset = map.scale * sums.shift * (-1 / rows)
            let result = self.images[index].convolutionGradients(
                NormalizationGradient(dy, of: images, slope: slope, offset: offset),
                weight: link.weight, window: link.window, groups: link.groups,
                needs: (input: needsInput, weight: needs[place]))
            gradients[place] = result.weight
            guard let input = result.input else { break }
            guard index > 0, let below = result.inputSums else {
                gradients[0] = input
                break
            }
            (dy, sums) = (input, below)
        }
        return gradients
    }
}
