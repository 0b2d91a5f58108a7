import CKernels

extension Tensor {
    /// How exact the operands of matrix products are.
    ///
    /// Sums, weights, gradients and everything else stay in the type of the tensors.
    public enum Precision: String, Sendable, Hashable, CaseIterable {
        /// As the tensors are.
        case float32
        /// Operands of `float32` products are rounded to bfloat16, 8 bits of precision, and their
        /// products added in `float32`: up to twice as fast where the CPU has instructions for it
        /// (AVX512-BF16). Kalamkar et al. 2019, arXiv:1905.12322.
        case bfloat16

        @TaskLocal private static var chosen = Precision.float32

        /// The precision of the current task: what ``applied(_:)`` says around it, else
        /// ``float32``.
        public static var current: Precision { chosen }

        /// Whether this CPU computes in it.
        public var isSupported: Bool { self == .float32 || ck_products_for(CK_BF16) != nil }

        /// Runs `body` with matrix products of this precision; without the CPU's support, of
        /// ``float32``.
        public func applied<Result>(_ body: () throws -> Result) rethrows -> Result {
            try Self.$chosen.withValue(isSupported ? self : .float32, operation: body)
        }

        /// The kernels of products for operands of a type.
        func products(of dtype: DType) -> UnsafePointer<ck_products> {
            guard let kernels = ck_products_for(kernelType(of: dtype)) else {
                requirementFailure("no matrix product of \(dtype)")
            }
            return kernels
        }

        /// The kernels of attention, for queries, keys and values of a type.
        func attention(of dtype: DType) -> UnsafePointer<ck_attention_kernels> {
            require(dtype.isComputable, "\(dtype) is for storage; convert it to compute")
            guard let kernels = ck_attention_for(kernelType(of: dtype)) else {
                requirementFailure("no attention of \(dtype)")
            }
            return kernels
        }

        private func kernelType(of dtype: DType) -> ck_type {
            self == .bfloat16 && dtype == .float32 ? CK_BF16 : dtype.kernelType
        }
    }
}
