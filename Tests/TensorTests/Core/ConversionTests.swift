import Tensor
import Testing

@Suite struct ConversionTests {
    static let reference: [String: [String: String]]? = try? fixture("Conversion/reference.json")

    /// Bit patterns at the corners of every type, converted by exact arithmetic on fractions: see
    /// Fixtures/Conversion/generate.py.
    @Test(arguments: Tensor.DType.allCases, Tensor.DType.allCases)
    func everyPairMatchesExactArithmetic(source: Tensor.DType, target: Tensor.DType) throws {
        let row = try #require(Self.reference?[source.rawValue])
        let input = bytes(try #require(row[source.rawValue]))
        let expected = bytes(try #require(row[target.rawValue]))
        let count = input.count / source.byteCount
        let tensor = input.withUnsafeBytes { Tensor(copying: $0, shape: [count], dtype: source) }
        let result = tensor.converted(to: target).withUnsafeBytes { [UInt8]($0) }
        #expect(result.count == expected.count)
        var different: [String] = []
        for index in 0..<count {
            let (found, wanted) = (
                bits(result, index, target), bits(expected, index, target)
            )
            if found == wanted || isNaN(found, target) && isNaN(wanted, target) { continue }
            let from = String(bits(input, index, source), radix: 16)
            different.append(
                "\(from): \(String(found, radix: 16)), not \(String(wanted, radix: 16))")
        }
        #expect(different.isEmpty)
    }

    @Test(arguments: Tensor.DType.allCases)
    func viewsAreConvertedInTheirOwnOrder(dtype: Tensor.DType) {
        let reference = ReferenceArray(shape: [3, 4]) { $0[0] == $0[1] ? 0 : 1 }
        let view = reference.tensor(dtype).transposed().sliced(1..<4)
        let expected = reference.permuted([1, 0]).sliced(1..<4, axis: 0)
        for target in Tensor.DType.allCases {
            #expect(ReferenceArray(view.converted(to: target)) == expected)
        }
    }

    /// Longer than the converter's inner block, and no multiple of it.
    @Test func longTensorsAreConvertedWhole() {
        let values = (0..<100_003).map { Int32($0 % 2000) }
        let halves = Tensor(values).converted(to: .float16)
        #expect(halves.converted(to: .int32).elements() == values)
        let wide = Tensor(values).converted(to: .int64)
        #expect(wide.elements() == values.map(Int64.init))
    }

    @Test func theSameTypeIsTheSameStorage() {
        let tensor = Tensor([Float(1), 2])
        #expect(
            tensor.converted(to: .float32).withUnsafeBytes { $0.baseAddress }
                == tensor.withUnsafeBytes { $0.baseAddress })
    }

    /// A file may store true as any byte but 0, and a Swift `Bool` must be 0 or 1.
    @Test func anyByteButZeroIsTrue() {
        let bytes: [UInt8] = [0, 1, 2, 128, 255]
        let tensor = bytes.withUnsafeBytes { Tensor(copying: $0, shape: [5], dtype: .bool) }
        let values = tensor.elements(as: Bool.self)
        #expect(values == [false, true, true, true, true])
        #expect(values.map { $0 ? 1 : 0 } == [0, 1, 1, 1, 1])
        #expect(values.withUnsafeBytes { [UInt8]($0) } == [0, 1, 1, 1, 1])
    }

    @Test func elementsKeepTheirTypes() {
        #expect(Tensor([true, false]).elements() == [true, false])
        #expect(Tensor([UInt8(255)]).elements() == [UInt8(255)])
        #expect(Tensor([Int8(-128)]).elements() == [Int8(-128)])
        #expect(Tensor([UInt16.max]).elements() == [UInt16.max])
        #expect(Tensor([Int16.min]).elements() == [Int16.min])
        #expect(Tensor([UInt32.max]).elements() == [UInt32.max])
        #expect(Tensor([Int32.min]).elements() == [Int32.min])
        #expect(Tensor([UInt64.max]).elements() == [UInt64.max])
        #expect(Tensor([Int64.min]).elements() == [Int64.min])
        #expect(Tensor([Float.pi]).elements() == [Float.pi])
        #expect(Tensor([Double.pi]).elements() == [Double.pi])
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.utf8.map { UInt8($0 > 57 ? $0 - 87 : $0 - 48) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private func bits(_ bytes: [UInt8], _ index: Int, _ dtype: Tensor.DType) -> UInt64 {
        let size = dtype.byteCount
        return (0..<size).reduce(0) { $0 | UInt64(bytes[index * size + $1]) << UInt64(8 * $1) }
    }

    private func isNaN(_ bits: UInt64, _ dtype: Tensor.DType) -> Bool {
        switch dtype {
        case .float16: bits & 0x7fff > 0x7c00
        case .bfloat16: bits & 0x7fff > 0x7f80
        case .float32: bits & 0x7fff_ffff > 0x7f80_0000
        case .float64: bits & 0x7fff_ffff_ffff_ffff > 0x7ff0_0000_0000_0000
        default: false
        }
    }
}
