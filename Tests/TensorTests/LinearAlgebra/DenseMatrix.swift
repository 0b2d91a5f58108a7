import Foundation
import Tensor

/// A matrix in float64 with textbook loops: what the results of LAPACK are checked by.
struct DenseMatrix {
    let rows: Int
    let columns: Int
    var values: [Double]

    init(rows: Int, columns: Int, _ element: (Int, Int) -> Double) {
        self.rows = rows
        self.columns = columns
        values = (0..<rows).flatMap { row in (0..<columns).map { element(row, $0) } }
    }

    /// A matrix, or a vector as one column.
    init(_ tensor: Tensor) {
        rows = tensor.shape[0]
        columns = tensor.rank == 1 ? 1 : tensor.shape[1]
        values = tensor.converted(to: .float64).elements()
    }

    static func identity(_ size: Int) -> DenseMatrix {
        DenseMatrix(rows: size, columns: size) { $0 == $1 ? 1 : 0 }
    }

    static func diagonal(_ tensor: Tensor) -> DenseMatrix {
        let values = tensor.converted(to: .float64).elements(as: Double.self)
        return DenseMatrix(rows: values.count, columns: values.count) { $0 == $1 ? values[$0] : 0 }
    }

    /// Elements between −1 and 1 that a seed fixes.
    static func random(_ rows: Int, _ columns: Int, seed: UInt64) -> DenseMatrix {
        var state = seed &* 0x9e37_79b9_7f4a_7c15
        return DenseMatrix(rows: rows, columns: columns) { _, _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(Int64(bitPattern: state) >> 40) / Double(1 << 23)
        }
    }

    subscript(row: Int, column: Int) -> Double { values[row * columns + column] }

    var transposed: DenseMatrix {
        DenseMatrix(rows: columns, columns: rows) { self[$1, $0] }
    }

    /// The root of the sum of squares.
    var norm: Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    static func * (a: DenseMatrix, b: DenseMatrix) -> DenseMatrix {
        var product = DenseMatrix(rows: a.rows, columns: b.columns) { _, _ in 0 }
        for row in 0..<a.rows {
            for inner in 0..<a.columns {
                let factor = a.values[row * a.columns + inner]
                for column in 0..<b.columns {
                    product.values[row * b.columns + column] +=
                        factor * b.values[inner * b.columns + column]
                }
            }
        }
        return product
    }

    static func - (a: DenseMatrix, b: DenseMatrix) -> DenseMatrix {
        DenseMatrix(rows: a.rows, columns: a.columns) { a[$0, $1] - b[$0, $1] }
    }

    static func + (a: DenseMatrix, b: DenseMatrix) -> DenseMatrix {
        DenseMatrix(rows: a.rows, columns: a.columns) { a[$0, $1] + b[$0, $1] }
    }

    /// As a tensor of `dtype` whose elements lie in memory as `layout` says.
    func tensor(_ dtype: Tensor.DType, _ layout: Layout = .contiguous) -> Tensor {
        switch layout {
        case .contiguous:
            return Tensor(values, shape: [rows, columns]).converted(to: dtype)
        case .transposed:
            return transposed.tensor(dtype).transposed()
        case .sliced:
            let larger = DenseMatrix(rows: rows + 2, columns: columns + 3) { row, column in
                (1...rows).contains(row) && (2..<(columns + 2)).contains(column)
                    ? self[row - 1, column - 2] : .nan
            }
            return larger.tensor(dtype).sliced(1..<(rows + 1)).sliced(2..<(columns + 2), axis: 1)
        }
    }
}

/// How a matrix lies in memory.
enum Layout: CaseIterable {
    case contiguous
    /// Neighbours in a column are neighbours in memory.
    case transposed
    /// A part of a larger matrix, whose other elements are NaN.
    case sliced
}

extension Tensor.DType {
    /// The distance from 1 to the next number.
    var precision: Double {
        self == .float32 ? Double(Float.ulpOfOne) : Double.ulpOfOne
    }
}

/// Matrices and results in the form that the generators write.
struct StoredTensor: Decodable {
    let shape: [Int]
    let values: [Double]

    func tensor(_ dtype: Tensor.DType) -> Tensor {
        Tensor(values, shape: Tensor.Shape(shape)).converted(to: dtype)
    }

    var dense: DenseMatrix { DenseMatrix(tensor(.float64)) }
}

/// The results of NumPy and SciPy; see Fixtures/LinearAlgebra/generate.py.
struct LinearAlgebraReference: Decodable {
    struct Cholesky: Decodable {
        let name: String, condition: Double
        let matrix: StoredTensor, factor: StoredTensor, right: StoredTensor, solution: StoredTensor
    }
    struct Solve: Decodable {
        let name: String, condition: Double
        let matrix: StoredTensor, right: StoredTensor, solution: StoredTensor
    }
    struct LeastSquares: Decodable {
        let name: String, condition: Double, rank: Int
        let matrix: StoredTensor, right: StoredTensor, solution: StoredTensor
    }
    struct Decomposition: Decodable {
        let name: String, condition: Double
        let matrix: StoredTensor, u: StoredTensor, singularValues: StoredTensor
        let vTransposed: StoredTensor, q: StoredTensor, r: StoredTensor
    }
    struct Eigen: Decodable {
        let name: String, condition: Double
        let matrix: StoredTensor, values: StoredTensor, vectors: StoredTensor
    }

    let cholesky: [Cholesky]
    let solve: [Solve]
    let leastSquares: [LeastSquares]
    let decomposition: [Decomposition]
    let eigen: [Eigen]

    static let shared: LinearAlgebraReference? = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = folder.appending(path: "Fixtures/LinearAlgebra/reference.json")
        return (try? Data(contentsOf: file)).flatMap {
            try? JSONDecoder().decode(LinearAlgebraReference.self, from: $0)
        }
    }()
}
