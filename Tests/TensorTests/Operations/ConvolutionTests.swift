import Tensor
import TestSupport
import Testing

/// Convolutions against their definition, and what they do with memory.
@Suite struct ConvolutionTests {
    /// Sizes, outputs, window, groups: ordinary and depthwise, both kinds of padding.
    static let cases: [(shape: Tensor.Shape, outputs: Int, window: Tensor.Window, groups: Int)] = [
        ([2, 5, 6, 3], 4, .init(3, padding: 1), 1),
        ([1, 8, 7, 4], 6, .init(3, stride: 2, padding: .same), 2),
        ([2, 9, 10, 19], 19, .init(5, stride: 2, padding: .same), 19),
        ([1, 30, 30, 17], 17, .init(3, padding: .same), 17),
        ([1, 10, 9, 5], 7, .init(3, dilation: 2, padding: 2), 1),
        ([3, 4, 4, 33], 50, .init(1), 1),
    ]

    /// `y[n, i, j, o] = Σ x[n, i s − p + u d, j s − p + v d, c] w[o, c, u, v]`.
    private func definition(
        _ x: Tensor, _ weight: Tensor, _ window: Tensor.Window, groups: Int, shape: Tensor.Shape
    ) -> [Double] {
        let (values, weights) = (doubles(x), doubles(weight))
        let (inputs, outputs) = (weight.shape[1], weight.shape[0])
        let place = { (axis: Tensor.Window.Axis, length: Int, results: Int) in
            switch axis.padding {
            case .fixed(let before, _): before
            case .same:
                max(0, (results - 1) * axis.stride + (axis.size - 1) * axis.dilation + 1 - length)
                    / 2
            }
        }
        let top = place(window.vertical, x.shape[1], shape[1])
        let left = place(window.horizontal, x.shape[2], shape[2])
        var result: [Double] = []
        for image in 0..<shape[0] {
            for i in 0..<shape[1] {
                for j in 0..<shape[2] {
                    for output in 0..<outputs {
                        var sum = 0.0
                        let group = output / (outputs / groups)
                        for u in 0..<window.vertical.size {
                            let row =
                                i * window.vertical.stride - top + u * window.vertical.dilation
                            guard row >= 0, row < x.shape[1] else { continue }
                            for v in 0..<window.horizontal.size {
                                let column =
                                    j * window.horizontal.stride - left
                                    + v * window.horizontal.dilation
                                guard column >= 0, column < x.shape[2] else { continue }
                                let pixel = (image * x.shape[1] + row) * x.shape[2] + column
                                for channel in 0..<inputs {
                                    let tap =
                                        ((output * inputs + channel) * window.vertical.size + u)
                                        * window.horizontal.size + v
                                    sum +=
                                        values[pixel * x.shape[3] + group * inputs + channel]
                                        * weights[tap]
                                }
                            }
                        }
                        result.append(sum)
                    }
                }
            }
        }
        return result
    }

    @Test(arguments: computableTypes, cases)
    func agreesWithItsDefinition(
        _ dtype: Tensor.DType,
        _ sizes: (shape: Tensor.Shape, outputs: Int, window: Tensor.Window, groups: Int)
    ) {
        let x = Samples.normal(sizes.shape, seed: 1, dtype: dtype)
        let size = sizes.window.vertical.size
        let weight = Samples.normal(
            [sizes.outputs, sizes.shape[3] / sizes.groups, size, size], seed: 2, dtype: dtype)
        let y = x.convolved(weight: weight, window: sizes.window, groups: sizes.groups)
        let expected = definition(
            x, weight, sizes.window, groups: sizes.groups, shape: y.shape)
        // A sum of k products of numbers of size 1.
        let terms = Double(weight.elementCount / sizes.outputs)
        #expect(
            mismatch(
                y, expected,
                within: Tolerance(absolute: 16 * terms * Reference.roundoff(dtype))) == nil)
    }

    /// `⌈length / stride⌉` outputs, and the smaller half of the padding first.
    @Test func samePaddingIsTensorFlows() {
        let x = Tensor((0..<4).map(Float.init), shape: [1, 1, 4, 1])
        let weight = Tensor([Float(1), 10, 100], shape: [1, 1, 1, 3])
        let window = Tensor.Window(
            vertical: .init(size: 1), horizontal: .init(size: 3, stride: 2, padding: .same))
        // One place is lacking, and it is added behind: 0 1 2, 2 3 0.
        let y = x.convolved(weight: weight, window: window)
        #expect(y.elements(as: Float.self) == [210, 32])
    }

    /// What is done on the way is what would be done afterwards.
    @Test(arguments: [1, 24])
    func outputSettingsAreThoseOfSeparateOperations(_ groups: Int) {
        let x = Samples.normal([2, 9, 8, 24], seed: 1, dtype: .float32)
        let weight = Samples.normal([24, 24 / groups, 3, 3], seed: 2, dtype: .float32)
        let vectors = (3...6).map { Samples.normal([24], seed: $0, dtype: .float32) }
        let map = ChannelMap(mean: vectors[0], scale: vectors[1], shift: vectors[2])
        let window = Tensor.Window(3, padding: 1)
        let plain = x.convolved(weight: weight, window: window, groups: groups)
        let mapped = x.convolved(
            weight: weight, window: window, groups: groups,
            output: .init(map: map, activation: .hardSwish))
        #expect(sameBits(mapped, plain.mapped(map, activation: .hardSwish)))
        let biased = x.convolved(
            weight: weight, window: window, groups: groups,
            output: .init(bias: vectors[3], activation: .relu6))
        #expect(sameBits(biased, (plain + vectors[3]).activated(.relu6)))
    }

    /// A block of several tiles gives the bits of its convolutions one by one, on any number of threads.
    @Test(
        arguments: [
            ([2, 60, 61, 8], true, Tensor.Window(3, padding: .same)),
            ([1, 63, 60, 8], true, .init(5, stride: 2, padding: .same)),
            ([1, 64, 64, 12], true, .init(3, stride: 2, padding: 1)),
            ([1, 72, 64, 48], false, .init(3, padding: .same)),
            ([2, 9, 8, 8], true, .init(3, padding: .same)),
        ] as [(Tensor.Shape, Bool, Tensor.Window)], Tensor.Precision.allCases)
    func blocksAreTheirConvolutions(
        _ sizes: (shape: Tensor.Shape, expands: Bool, window: Tensor.Window),
        _ precision: Tensor.Precision
    ) {
        let width = 48
        let output = { (channels: Int, activation: Activation) in
            let vectors = (3...5).map { Samples.normal([channels], seed: $0, dtype: .float32) }
            return ConvolutionOutput(
                map: ChannelMap(mean: vectors[0], scale: vectors[1], shift: vectors[2]),
                activation: activation)
        }
        let part = { (shape: Tensor.Shape, seed: UInt64, activation: Activation) in
            BottleneckConvolutions.Part(
                weight: Samples.normal(shape, seed: seed, dtype: .float32),
                output: output(shape[0], activation))
        }
        let side = sizes.window.vertical.size
        let block = BottleneckConvolutions(
            expansion: sizes.expands ? part([width, sizes.shape[3], 1, 1], 6, .relu6) : nil,
            depthwise: part([width, 1, side, side], 7, .relu6), window: sizes.window,
            projection: part([20, width, 1, 1], 8, .identity))
        let x = Samples.normal(sizes.shape, seed: 1, dtype: .float32)
        precision.applied {
            let wide =
                block.expansion.map {
                    x.convolved(weight: $0.weight, window: .init(1), output: $0.output)
                } ?? x
            let expected = wide.convolved(
                weight: block.depthwise.weight, window: block.window, groups: width,
                output: block.depthwise.output
            ).convolved(
                weight: block.projection.weight, window: .init(1),
                output: block.projection.output)
            for threads in [1, 2, 5] {
                let found = Tensor.Threads.limited(to: threads) { x.convolved(by: block) }
                #expect(sameBits(found, expected), "\(threads) threads")
            }
        }
    }

    /// An image has the same features alone and in a batch.
    @Test(arguments: cases)
    func imagesDoNotSeeEachOther(
        _ sizes: (shape: Tensor.Shape, outputs: Int, window: Tensor.Window, groups: Int)
    ) {
        var shape = sizes.shape.sizes
        shape[0] = 5
        let x = Samples.normal(Tensor.Shape(shape), seed: 1, dtype: .float32)
        let size = sizes.window.vertical.size
        let weight = Samples.normal(
            [sizes.outputs, shape[3] / sizes.groups, size, size], seed: 2, dtype: .float32)
        let all = x.convolved(weight: weight, window: sizes.window, groups: sizes.groups)
        for image in 0..<5 {
            let range = image..<image + 1
            let alone = x.sliced(range).convolved(
                weight: weight, window: sizes.window, groups: sizes.groups)
            #expect(sameBits(alone, all.sliced(range)))
        }
    }
}
