import CKernels

// Steps that move some rows of a table and leave the others as they are.
extension Tensor {
    /// Which rows of a table a step moves, and by which gradients.
    public struct RowStep: Sendable {
        /// The rows that move, each once.
        public let rows: [Int32]
        /// Shape `[n, width]`.
        public let gradient: Tensor
        /// For each of `rows` its row of `gradient`; -1 for a gradient of 0.
        public let places: [Int32]

        /// A step of these rows.
        public init(rows: [Int32], gradient: Tensor, places: [Int32]) {
            (self.rows, self.gradient, self.places) = (rows, gradient.contiguous(), places)
        }
    }

    /// One step of AdamW as ``apply(_:gradient:moment1:moment2:)``, for some rows.
    public mutating func apply(
        _ step: AdamWStep, to rows: RowStep, moment1: inout Tensor, moment2: inout Tensor
    ) {
        checkSameShape(moment1, "AdamW")
        checkSameShape(moment2, "AdamW")
        let (w, m, v) = (mutablePointer(), moment1.mutablePointer(), moment2.mutablePointer())
        let (settings, kernels) = (step.kernelValue, kernels)
        forEachRow(of: rows) { at, gradient, width in
            withUnsafePointer(to: settings) {
                kernels.pointee.adamw($0, w + at, m + at, v + at, gradient, width)
            }
        }
    }

    /// One step of SGD as ``apply(_:gradient:velocity:)``, for some rows.
    public mutating func apply(_ step: SGDStep, to rows: RowStep, velocity: inout Tensor) {
        checkSameShape(velocity, "SGD")
        let (w, v) = (mutablePointer(), velocity.mutablePointer())
        let (settings, kernels) = (step.kernelValue, kernels)
        forEachRow(of: rows) { at, gradient, width in
            withUnsafePointer(to: settings) {
                kernels.pointee.sgd($0, w + at, v + at, gradient, width)
            }
        }
    }

    /// Calls `body` with the byte at which each row begins, its gradient and the row's elements.
    private func forEachRow(
        of step: RowStep, _ body: (_ at: Int, UnsafeRawPointer, _ width: Int) -> Void
    ) {
        require(
            rank == 2 && step.gradient.rank == 2 && step.gradient.shape[1] == shape[1]
                && step.gradient.dtype == dtype && step.places.count == step.rows.count,
            "a step of \(step.rows.count) rows with gradients of \(step.gradient.dtype) "
                + "\(step.gradient.shape) does not fit \(dtype) \(shape)")
        checkRows(step.rows)
        step.gradient.checkRows(step.places.filter { $0 >= 0 })
        let width = shape[1]
        let none = Tensor(zeros: [width], dtype: dtype)
        parallel(over: step.rows.count, grain: 64) { range in
            for position in range {
                let place = Int(step.places[position])
                let gradient =
                    place < 0 ? none.pointer : step.gradient[rowAt: place]
                body(Int(step.rows[position]) * width * dtype.byteCount, gradient, width)
            }
        }
    }

    /// Where a row of a contiguous matrix begins.
    private subscript(rowAt row: Int) -> UnsafeRawPointer {
        pointer + row * shape[1] * dtype.byteCount
    }
}
