import CLAPACKE
import COpenBLAS

/// The LAPACK routines that this library calls, for one scalar type.
///
/// LAPACK reads matrices column by column. A row-major matrix read that way is its transpose, so
/// an operation asks for the transposed problem where that is as fast, and else hands over the
/// columns of a copy; the file of each says which.
struct LAPACK<Scalar: LAPACKScalar>: Sendable {
    typealias Output = UnsafeMutablePointer<Scalar>?
    typealias Input = UnsafePointer<Scalar>?
    typealias Size = Int32
    typealias Option = CChar
    typealias Status = Int32

    /// Cholesky factor: layout, triangle, n, a, leading dimension.
    let potrf: @Sendable (Int32, Option, Size, Output, Size) -> Status
    /// Solution by a Cholesky factor: layout, triangle, n, columns of b, a, its leading dimension,
    /// b, its leading dimension.
    let potrs: @Sendable (Int32, Option, Size, Size, Input, Size, Output, Size) -> Status
    /// Solution by LU factors, scaled and refined: layout, how to factor, transpose, n, columns of
    /// b, a and its leading dimension, factors and theirs, pivots, scaling, row and column scales,
    /// b and its leading dimension, x and its own, reciprocal condition number, forward and
    /// backward errors, pivot growth.
    let gesvx:
        @Sendable (
            Int32, Option, Option, Size, Size, Output, Size, Output, Size,
            UnsafeMutablePointer<Int32>?, UnsafeMutablePointer<CChar>?, Output, Output, Output,
            Size, Output, Size, Output, Output, Output, Output
        ) -> Status
    /// Least squares by QR or LQ: layout, transpose, m, n, columns of b, a and its leading
    /// dimension, b and its own.
    let gels: @Sendable (Int32, Option, Size, Size, Size, Output, Size, Output, Size) -> Status
    /// Least squares by SVD: layout, m, n, columns of b, a and its leading dimension, b and its
    /// own, singular values, tolerance, rank.
    let gelsd:
        @Sendable (
            Int32, Size, Size, Size, Output, Size, Output, Size, Output, Scalar,
            UnsafeMutablePointer<Int32>?
        ) -> Status
    /// Reciprocal condition number of a triangle: layout, norm, triangle, diagonal, n, a and its
    /// leading dimension, result.
    let trcon: @Sendable (Int32, Option, Option, Option, Size, Input, Size, Output) -> Status
    /// Eigenvalues and eigenvectors: layout, job, triangle, n, a and its leading dimension, values.
    let syevd: @Sendable (Int32, Option, Option, Size, Output, Size, Output) -> Status
    /// QR factors: layout, m, n, a and its leading dimension, reflectors' scales.
    let geqrf: @Sendable (Int32, Size, Size, Output, Size, Output) -> Status
    /// Columns of the Q of a QR: layout, m, n, reflectors, a and its leading dimension, scales.
    let orgqr: @Sendable (Int32, Size, Size, Size, Output, Size, Input) -> Status
    /// SVD by divide and conquer: layout, job, m, n, a and its leading dimension, singular values,
    /// u and its own, vᵀ and its own.
    let gesdd:
        @Sendable (
            Int32, Option, Size, Size, Output, Size, Output, Output, Size, Output, Size
        ) -> Status
    /// SVD by QR iteration: layout, jobs for u and vᵀ, then as ``gesdd``, superdiagonal.
    let gesvd:
        @Sendable (
            Int32, Option, Option, Size, Size, Output, Size, Output, Output, Size, Output, Size,
            Output
        ) -> Status
}

/// A type of number that LAPACK computes with: `Float` and `Double`.
protocol LAPACKScalar: TensorElement, BinaryFloatingPoint {
    static var routines: LAPACK<Self> { get }
}

extension LAPACKScalar {
    /// The routines, on one thread: OpenBLAS would add up in another order with each number of them.
    static var lapack: LAPACK<Self> {
        _ = SingleThreadedBLAS.isSet
        return routines
    }
}

extension Float: LAPACKScalar {
    static let routines = LAPACK<Float>(
        potrf: LAPACKE_spotrf, potrs: LAPACKE_spotrs, gesvx: LAPACKE_sgesvx, gels: LAPACKE_sgels,
        gelsd: LAPACKE_sgelsd, trcon: LAPACKE_strcon, syevd: LAPACKE_ssyevd,
        geqrf: LAPACKE_sgeqrf, orgqr: LAPACKE_sorgqr, gesdd: LAPACKE_sgesdd,
        gesvd: LAPACKE_sgesvd)
}

extension Double: LAPACKScalar {
    static let routines = LAPACK<Double>(
        potrf: LAPACKE_dpotrf, potrs: LAPACKE_dpotrs, gesvx: LAPACKE_dgesvx, gels: LAPACKE_dgels,
        gelsd: LAPACKE_dgelsd, trcon: LAPACKE_dtrcon, syevd: LAPACKE_dsyevd,
        geqrf: LAPACKE_dgeqrf, orgqr: LAPACKE_dorgqr, gesdd: LAPACKE_dgesdd,
        gesvd: LAPACKE_dgesvd)
}

let lapackColumnMajor = Int32(LAPACK_COL_MAJOR)

extension CChar {
    /// A one-letter option of a LAPACK routine.
    static func lapack(_ letter: Unicode.Scalar) -> CChar { CChar(UInt8(ascii: letter)) }
}

/// OpenBLAS's own threads would fight with ours, and change results with their number.
private enum SingleThreadedBLAS {
    static let isSet: Bool = {
        openblas_set_num_threads(1)
        return true
    }()
}
