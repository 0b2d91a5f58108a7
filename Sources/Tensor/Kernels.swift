import CKernels

/// Elements that one tile of a memory-bound operation takes: 64 KiB of floats.
let elementwiseGrain = 1 << 14

extension Tensor {
    /// The kernels for this element type.
    var kernels: UnsafePointer<ck_kernels> {
        require(dtype.isComputable, "\(dtype) is for storage; convert it to compute")
        return ck_kernels_for(dtype.kernelType)
    }

    /// Where the storage of a freshly made, contiguous tensor begins, for the operation that
    /// fills it.
    var base: UnsafeMutableRawPointer { storage.base }

    /// The rows of the matrix that remains when all dimensions but the last are joined.
    var rowCount: Int { shape.last.map { $0 == 0 ? 0 : elementCount / $0 } ?? 1 }

    /// Stops with both shapes unless they and the types are equal.
    func checkSameShape(_ other: Tensor, _ operation: String) {
        require(
            shape == other.shape && dtype == other.dtype,
            "\(operation) needs equal shapes and types: \(dtype) \(shape), "
                + "\(other.dtype) \(other.shape)")
    }

    /// The CPU level that the kernels were chosen for: `baseline`, `avx2` or `avx512`. The
    /// environment variable `FINETUNE_CPU_LEVEL` lowers it.
    public static var cpuLevel: String { String(cString: ck_level()) }
}

/// How many rows of `width` elements make one tile of a memory-bound operation: a multiple of 64.
func rowGrain(width: Int) -> Int {
    max(64, elementwiseGrain / max(width, 1) / 64 * 64)
}
