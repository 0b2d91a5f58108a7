import CKernels

extension Tensor {
    /// A window that moves over the height and width of images.
    public struct Window: Sendable, Hashable {
        /// What stands around an image, along one axis.
        public enum Padding: Sendable, Hashable {
            /// So many places before the first and after the last.
            case fixed(before: Int, after: Int)
            /// As many as give `⌈length / stride⌉` outputs, the larger half after the last: what
            /// TensorFlow calls SAME.
            case same
        }

        /// How the window lies along one axis.
        public struct Axis: Sendable, Hashable {
            /// The number of taps.
            public var size: Int
            /// The distance from one output's window to the next.
            public var stride: Int
            /// The distance from one tap to the next.
            public var dilation: Int
            /// What stands around the image.
            public var padding: Padding

            /// A window along one axis.
            ///
            /// - Precondition: Sizes, strides and dilations are positive, padding is not negative.
            public init(
                size: Int, stride: Int = 1, dilation: Int = 1,
                padding: Padding = .fixed(before: 0, after: 0)
            ) {
                require(
                    size > 0 && stride > 0 && dilation > 0,
                    "no window has \(size) taps, stride \(stride) and dilation \(dilation)")
                if case .fixed(let before, let after) = padding {
                    require(before >= 0 && after >= 0, "padding of \(before) and \(after)")
                }
                (self.size, self.stride, self.dilation, self.padding) =
                    (size, stride, dilation, padding)
            }

            /// The padding before the first place and the number of outputs.
            func placement(length: Int) -> (before: Int, outputs: Int) {
                let reach = (size - 1) * dilation + 1
                switch padding {
                case .fixed(let before, let after):
                    let room = length + before + after - reach
                    return (before, room < 0 ? 0 : room / stride + 1)
                case .same:
                    let outputs = (length + stride - 1) / stride
                    return (Swift.max(0, (outputs - 1) * stride + reach - length) / 2, outputs)
                }
            }

            var isOnePlace: Bool {
                if case .fixed(let before, let after) = padding, before != 0 || after != 0 {
                    return false
                }
                return size == 1 && stride == 1
            }
        }

        /// Along the height.
        public var vertical: Axis
        /// Along the width.
        public var horizontal: Axis

        /// A window with these axes.
        public init(vertical: Axis, horizontal: Axis) {
            (self.vertical, self.horizontal) = (vertical, horizontal)
        }

        /// A square window.
        public init(
            _ size: Int, stride: Int = 1, dilation: Int = 1,
            padding: Padding = .fixed(before: 0, after: 0)
        ) {
            let axis = Axis(size: size, stride: stride, dilation: dilation, padding: padding)
            self.init(vertical: axis, horizontal: axis)
        }

        /// A square window with the same padding on all sides, as PyTorch has it.
        public init(_ size: Int, stride: Int = 1, dilation: Int = 1, padding: Int) {
            self.init(
                size, stride: stride, dilation: dilation,
                padding: .fixed(before: padding, after: padding))
        }

        /// Whether each output sees the one pixel at its own place.
        var isOnePixel: Bool { vertical.isOnePlace && horizontal.isOnePlace }

        /// The number of taps.
        var taps: Int { vertical.size * horizontal.size }

        /// The window on images of a shape `[count, height, width, channels]`.
        func placed(on shape: Shape, channels: Int) -> ck_window {
            let (top, rows) = vertical.placement(length: shape[1])
            let (left, columns) = horizontal.placement(length: shape[2])
            return ck_window(
                height: shape[1], width: shape[2], channels: channels, out_height: rows,
                out_width: columns, kernel_height: vertical.size,
                kernel_width: horizontal.size, stride_y: vertical.stride,
                stride_x: horizontal.stride, dilation_y: vertical.dilation,
                dilation_x: horizontal.dilation, top: top, left: left)
        }
    }
}

extension ck_window {
    /// Outputs of one image.
    var outputs: Int { out_height * out_width }

    /// What the gradient of a convolution with stride 1 moves over: outputs and inputs exchanged.
    var transposed: ck_window {
        ck_window(
            height: out_height, width: out_width, channels: channels, out_height: height,
            out_width: width, kernel_height: kernel_height, kernel_width: kernel_width,
            stride_y: 1, stride_x: 1, dilation_y: dilation_y, dilation_x: dilation_x,
            top: (kernel_height - 1) * dilation_y - top,
            left: (kernel_width - 1) * dilation_x - left)
    }
}
