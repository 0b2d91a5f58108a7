public import Tensor

extension Variable {
    /// The element-wise sum; shapes broadcast.
    public static func + (a: Variable, b: Variable) -> Variable {
        let (aShape, bShape) = (a.shape, b.shape)
        let (aNeeds, bNeeds) = (a.needsGradient, b.needsGradient)
        return Variable(a.value + b.value, from: [a, b]) { dy in
            [aNeeds ? dy.summed(to: aShape) : nil, bNeeds ? dy.summed(to: bShape) : nil]
        }
    }

    /// The element-wise difference; shapes broadcast.
    public static func - (a: Variable, b: Variable) -> Variable {
        let (aShape, bShape) = (a.shape, b.shape)
        let (aNeeds, bNeeds) = (a.needsGradient, b.needsGradient)
        return Variable(a.value - b.value, from: [a, b]) { dy in
            [aNeeds ? dy.summed(to: aShape) : nil, bNeeds ? (-dy).summed(to: bShape) : nil]
        }
    }

    /// The element-wise product; shapes broadcast.
    public static func * (a: Variable, b: Variable) -> Variable {
        let (aShape, bShape) = (a.shape, b.shape)
        let savedA = b.needsGradient ? a.value : nil
        let savedB = a.needsGradient ? b.value : nil
        return Variable(a.value * b.value, from: [a, b]) { dy in
            [
                savedB.map { (dy * $0).summed(to: aShape) },
                savedA.map { (dy * $0).summed(to: bShape) },
            ]
        }
    }

    /// The element-wise quotient; shapes broadcast.
    public static func / (a: Variable, b: Variable) -> Variable {
        let (aShape, bShape, divisor) = (a.shape, b.shape, b.value)
        let quotient = a.value / b.value
        let savedQuotient = b.needsGradient ? quotient : nil
        let aNeeds = a.needsGradient
        return Variable(quotient, from: [a, b]) { dy in
            let part = dy / divisor
            return [
                aNeeds ? part.summed(to: aShape) : nil,
                savedQuotient.map { (-(part * $0)).summed(to: bShape) },
            ]
        }
    }

    /// Every element times a number.
    public static func * (a: Variable, factor: Double) -> Variable {
        Variable(a.value * factor, from: [a]) { [$0 * factor] }
    }

    /// Every element negated.
    public static prefix func - (a: Variable) -> Variable { a * -1 }

    /// `exp x`, element by element.
    public func exp() -> Variable {
        let result = value.exp()
        return Variable(result, from: [self]) { [$0 * result] }
    }

    /// The natural logarithm, element by element.
    public func log() -> Variable {
        let input = value
        return Variable(value.log(), from: [self]) { [$0 / input] }
    }

    /// The square root, element by element.
    public func squareRoot() -> Variable {
        let result = value.squareRoot()
        return Variable(result, from: [self]) { [$0 / (result * 2)] }
    }

    /// `x²`, element by element.
    public func squared() -> Variable {
        let input = value
        return Variable(value.squared(), from: [self]) { [$0 * input * 2] }
    }

    /// The activation of every element.
    public func activated(_ activation: Activation) -> Variable {
        let input = value
        return Variable(value.activated(activation), from: [self]) {
            [$0.activationGradient(activation, input: input)]
        }
    }

    /// The sum of all elements, shape `[]`.
    public func sum() -> Variable {
        let shape = shape
        let total = Tensor(repeating: value.sum(), shape: [], dtype: value.dtype)
        return Variable(total, from: [self]) { [$0.broadcast(to: shape)] }
    }

    /// The mean of all elements, shape `[]`.
    public func mean() -> Variable { sum() * (1 / Double(shape.elementCount)) }

    /// The sum along one dimension, which is dropped.
    public func sum(axis: Int) -> Variable {
        let shape = shape
        let kept = Tensor.Shape(shape.enumerated().map { $0.offset == axis ? 1 : $0.element })
        return Variable(value.sum(axis: axis), from: [self]) {
            [$0.reshaped(kept).broadcast(to: shape)]
        }
    }

    /// The mean along one dimension, which is dropped.
    public func mean(axis: Int) -> Variable { sum(axis: axis) * (1 / Double(shape[axis])) }
}
