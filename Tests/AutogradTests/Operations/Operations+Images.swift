import Autograd
import Tensor
import TestSupport

extension DifferentiableOperation {
    static let images: [DifferentiableOperation] = [
        .init(
            "convolved(weight:Variable,bias:Variable?,window:Tensor.Window,groups:Int)",
            [
                convolution([1, 1, 1, 1], 1, .init(1)),
                convolution([2, 3, 4, 5], 7, .init(1)),
                convolution([2, 5, 5, 3], 4, .init(1, stride: 2)),
                convolution([1, 1, 1, 3], 2, .init(3, padding: 1)),
                convolution([2, 6, 7, 3], 5, .init(3, padding: 1)),
                convolution([1, 7, 6, 4], 3, .init(3, stride: 2, padding: 1), bias: true),
                convolution([1, 8, 7, 2], 3, .init(3, stride: 2, padding: .same)),
                convolution([1, 9, 9, 2], 2, .init(3, stride: 2, dilation: 2, padding: 2)),
                convolution([2, 7, 6, 6], 4, .init(3, padding: 1), groups: 2, bias: true),
                convolution([1, 5, 5, 3], 6, .init(3, padding: 1), groups: 3),
                convolution([1, 5, 6, 4], 2, uneven, bias: true),
                // Larger than what is done at once, with few and with many weights.
                convolution([1, 24, 24, 40], 3, .init(5, padding: 2)),
                convolution([2, 17, 17, 30], 260, .init(3, padding: 1)),
            ] + depthwise),
        .init(
            "channelsNormalized(gamma:Variable,beta:Variable,mean:Tensor,variance:Tensor,"
                + "epsilon:Double,activation:Activation)",
            normalizations { x, gamma, beta, activation in
                let channels = gamma.shape[0]
                return x.channelsNormalized(
                    gamma: gamma, beta: beta, mean: Samples.normal([channels], seed: 9),
                    variance: Samples.uniform([channels], in: 0.5..<2, seed: 10), epsilon: 1e-3,
                    activation: activation)
            }),
        .init(
            "batchNormalized(gamma:Variable,beta:Variable,mean:Tensor,variance:Tensor,"
                + "epsilon:Double,activation:Activation)",
            normalizations { x, gamma, beta, activation in
                // They move with x, which the differences see.
                let moments = x.value.channelMoments()
                return x.batchNormalized(
                    gamma: gamma, beta: beta, mean: moments.mean, variance: moments.variance,
                    epsilon: 1e-2, activation: activation)
            }),
        .init(
            "maximumPooled(_:Tensor.Window)",
            pooling([
                .init(2, stride: 2), .init(3, stride: 2, padding: 1), .init(3, padding: 1),
                .init(2, stride: 2, padding: .same), .init(1),
            ]) { $0.maximumPooled($1) }),
        .init(
            "averagePooled(_:Tensor.Window)",
            pooling([
                .init(2, stride: 2), .init(3, stride: 2, padding: 1), .init(3, padding: 1),
                .init(2, stride: 2, padding: .same), .init(1),
            ]) { $0.averagePooled($1) }),
        .init(
            "globallyAveraged()",
            shapes: [
                [[1, 1, 1, 1]], [[2, 3, 4, 5]], [[1, 7, 7, 20]], [[3, 1, 2, 8]], [[2, 5, 5, 17]],
            ]
        ) { $0[0].globallyAveraged() },
        .init(
            "convolvedAndNormalized(_:[NormalizedConvolution])",
            NormalizedConvolutionTests.small.map { chain in
                Case(chain.testDescription, chain.inputs(.float64)) { chain.fused($0) }
            }),
    ]

    /// Different along both axes, and with padding on one side.
    private static let uneven = Tensor.Window(
        vertical: .init(size: 3, stride: 2, padding: .fixed(before: 0, after: 1)),
        horizontal: .init(size: 2, dilation: 3, padding: .fixed(before: 2, after: 0)))

    /// Windows with a loop of their own and others, strides, padding wider than the window needs,
    /// images smaller than the window, channels beside the width of a vector.
    private static let depthwise: [Case] =
        [3, 5].flatMap { size in
            [1, 2].flatMap { stride in
                [
                    convolution(
                        [2, 11, 12, 9], 9, .init(size, stride: stride, padding: .same), groups: 9),
                    convolution(
                        [1, 2, 2, 3], 3, .init(size, stride: stride, padding: size / 2), groups: 3,
                        bias: true),
                ]
            }
        } + [
            convolution(
                [1, 9, 8, 17], 17, .init(3, stride: 2, dilation: 2, padding: 2), groups: 17),
            convolution([1, 6, 9, 8], 8, .init(3, padding: 4), groups: 8),
            convolution([1, 9, 9, 2], 2, .init(7, stride: 3, padding: 3), groups: 2),
            convolution([1, 5, 6, 16], 16, uneven, groups: 16),
        ]

    private static func convolution(
        _ shape: Tensor.Shape, _ outputs: Int, _ window: Tensor.Window, groups: Int = 1,
        bias: Bool = false
    ) -> Case {
        let weight: Tensor.Shape = [
            outputs, shape[3] / groups, window.vertical.size, window.horizontal.size,
        ]
        return Case(
            "\(shape) with \(weight), strides \(window.vertical.stride) and "
                + "\(window.horizontal.stride), \(groups) groups",
            [
                Samples.normal(shape, seed: 1), Samples.normal(weight, seed: 2, deviation: 0.3),
            ] + (bias ? [Samples.normal([outputs], seed: 3)] : [])
        ) {
            $0[0].convolved(
                weight: $0[1], bias: bias ? $0[2] : nil, window: window, groups: groups)
        }
    }

    private static func normalizations(
        _ function:
            @escaping @Sendable (
                _ x: Variable, _ gamma: Variable, _ beta: Variable, _ activation: Activation
            ) -> Variable
    ) -> [Case] {
        let shapes: [Tensor.Shape] = [
            [5, 1], [2, 3, 3, 4], [7, 8], [2, 5, 4, 19], [150, 6], [3, 40],
        ]
        return shapes.flatMap { shape in
            [Activation.identity, .relu6, .silu, .hardSwish].map { activation in
                let channels = shape[shape.rank - 1]
                return Case(
                    "\(shape) with \(activation)",
                    [
                        Samples.normal(shape, seed: 31), Samples.normal([channels], seed: 32),
                        Samples.normal([channels], seed: 33),
                    ]
                ) { function($0[0], $0[1], $0[2], activation) }
            }
        }
    }

    private static func pooling(
        _ windows: [Tensor.Window],
        _ function: @escaping @Sendable (Variable, Tensor.Window) -> Variable
    ) -> [Case] {
        let shapes: [Tensor.Shape] = [
            [1, 2, 2, 1], [2, 5, 6, 3], [1, 7, 7, 8], [1, 4, 5, 17], [2, 3, 3, 20],
        ]
        return shapes.flatMap { shape in
            windows.map { window in
                Case(
                    "\(shape) by \(window.vertical.size), stride \(window.vertical.stride)",
                    [Samples.normal(shape)]
                ) { function($0[0], window) }
            }
        }
    }
}
