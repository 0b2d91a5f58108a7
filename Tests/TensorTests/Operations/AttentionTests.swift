import Tensor
import TestSupport
import Testing

@Suite struct AttentionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let lengths: [Int]
        let heads: Int
        let width: Int
        var testDescription: String { "\(lengths), \(heads) heads of \(width)" }
    }

    /// Lengths on both sides of the 64 rows of a block and of the lanes of a vector; widths that are
    /// and are not whole vectors; so many segments that heads share a tile.
    static let cases = [
        Case(lengths: [1], heads: 1, width: 1), Case(lengths: [1, 2, 3], heads: 2, width: 3),
        Case(lengths: [15, 16, 17], heads: 2, width: 8), Case(lengths: [64], heads: 1, width: 16),
        Case(lengths: [63, 65], heads: 2, width: 20), Case(lengths: [128, 1], heads: 1, width: 32),
        Case(lengths: [130, 5], heads: 3, width: 16), Case(lengths: [200], heads: 1, width: 3),
        Case(lengths: [Int](1...20), heads: 2, width: 5),
    ]

    private func inputs(_ testCase: Case, _ dtype: Tensor.DType) -> [Tensor] {
        let rows = testCase.lengths.reduce(0, +)
        return (1...3).map {
            Samples.normal([rows, testCase.heads * testCase.width], seed: $0, dtype: dtype)
        }
    }

    private func expected(
        _ testCase: Case, _ inputs: [Tensor], mask: DropoutMask? = nil
    ) -> (output: [Double], logSums: [Double]) {
        let segments = Segments(lengths: testCase.lengths)
        var (output, logSums): ([Double], [Double]) = ([], [])
        for segment in 0..<segments.count {
            let parts = inputs.map { doubles($0.sliced(segments[segment])) }
            let length = segments[segment].count
            let result = Reference.attention(
                query: parts[0], key: parts[1], value: parts[2], length: length,
                heads: testCase.heads, width: testCase.width
            ) { head, row, column in
                guard let mask else { return 1 }
                // A mask of its own for each head of each segment, drawn by blocks of 64 rows that
                // begin at row · length: see kernels/attention.h.
                let start = (segment * testCase.heads + head) << 40
                return Reference.multiplier(mask, at: start + row * length + column)
            }
            output += result.output
            logSums += result.logSums
        }
        return (output, logSums)
    }

    @Test(arguments: computableTypes, cases)
    func agreesWithItsDefinition(_ dtype: Tensor.DType, _ testCase: Case) {
        let inputs = inputs(testCase, dtype)
        let settings = Tensor.AttentionSettings(
            segments: Segments(lengths: testCase.lengths), heads: testCase.heads)
        let (output, logSums) = Tensor.attention(
            query: inputs[0], key: inputs[1], value: inputs[2], settings: settings)
        let wanted = expected(testCase, inputs)
        // Scores of at most about 6 from sums of up to 32 products, then means of numbers of size 1.
        let tolerance = Tolerance(absolute: 60 * Reference.roundoff(dtype))
        #expect(mismatch(output, wanted.output, within: tolerance) == nil)
        #expect(mismatch(logSums, wanted.logSums, within: tolerance) == nil)
        let strided = inputs.map(Samples.strided)
        let viewed = Tensor.attention(
            query: strided[0], key: strided[1], value: strided[2], settings: settings)
        #expect(sameBits(viewed.output, output))
    }

    @Test(arguments: computableTypes, cases)
    func dropsProbabilitiesByTheMask(_ dtype: Tensor.DType, _ testCase: Case) {
        let inputs = inputs(testCase, dtype)
        let mask = DropoutMask(rate: 0.4, seed: 0x1234_5678_9abc_def0, layer: 77, step: 3)
        let output = Tensor.attention(
            query: inputs[0], key: inputs[1], value: inputs[2],
            settings: .init(
                segments: Segments(lengths: testCase.lengths), heads: testCase.heads,
                dropout: mask)
        ).output
        let wanted = expected(testCase, inputs, mask: mask).output
        let tolerance = Tolerance(absolute: 120 * Reference.roundoff(dtype))
        #expect(mismatch(output, wanted, within: tolerance) == nil)
    }

    /// float64 passes finite differences; float32 has kernels of its own.
    @Test(arguments: cases, [0.0, 0.4])
    func gradientInFloat32(_ testCase: Case, _ rate: Double) {
        let inputs = inputs(testCase, .float32)
        let dy = Samples.normal(inputs[0].shape, seed: 4, dtype: .float32)
        let settings = Tensor.AttentionSettings(
            segments: Segments(lengths: testCase.lengths), heads: testCase.heads,
            dropout: rate > 0 ? DropoutMask(rate: rate, seed: 1, layer: 2, step: 3) : nil)
        let compute = { (dtype: Tensor.DType) in
            let (q, k, v) = (
                inputs[0].converted(to: dtype), inputs[1].converted(to: dtype),
                inputs[2].converted(to: dtype)
            )
            let logSums = Tensor.attention(query: q, key: k, value: v, settings: settings).logSums
            return dy.converted(to: dtype).attentionGradient(
                query: q, key: k, value: v, logSums: logSums, settings: settings)
        }
        let (result, wanted) = (compute(.float32), compute(.float64))
        // One token attends to itself alone: its scores have no gradient but rounding.
        #expect(normMismatch(result.query, wanted.query, relative: 2e-6, absolute: 1e-6) == nil)
        #expect(normMismatch(result.key, wanted.key, relative: 2e-6, absolute: 1e-6) == nil)
        #expect(normMismatch(result.value, wanted.value, relative: 2e-6, absolute: 1e-6) == nil)
    }

    /// Operands of 8 bits: outputs and gradients are off by a few thousandths of their size, and no
    /// more where rows, pairs of rows or vectors end early. float64 is exact beside it.
    @Test(
        .enabled(if: Tensor.Precision.bfloat16.isSupported, "the CPU has no bfloat16 products"),
        arguments: cases, [0.0, 0.4])
    func roundsOperandsToBfloat16(_ testCase: Case, _ rate: Double) {
        let inputs = inputs(testCase, .float32)
        let dy = Samples.normal(inputs[0].shape, seed: 4, dtype: .float32)
        let settings = Tensor.AttentionSettings(
            segments: Segments(lengths: testCase.lengths), heads: testCase.heads,
            dropout: rate > 0 ? DropoutMask(rate: rate, seed: 1, layer: 2, step: 3) : nil)
        let compute = { (dtype: Tensor.DType) in
            let (q, k, v) = (
                inputs[0].converted(to: dtype), inputs[1].converted(to: dtype),
                inputs[2].converted(to: dtype)
            )
            let (output, logSums) = Tensor.attention(
                query: q, key: k, value: v, settings: settings)
            let gradients = dy.converted(to: dtype).attentionGradient(
                query: q, key: k, value: v, logSums: logSums, settings: settings)
            return [output, logSums, gradients.query, gradients.key, gradients.value]
        }
        let rounded = Tensor.Precision.bfloat16.applied { compute(.float32) }
        let (exact, wanted) = (compute(.float32), compute(.float64))
        // Logarithms of sums, which no mask makes equal.
        #expect(!sameBits(rounded[1], exact[1]))
        // 2⁻⁹ for each operand. Gradients of scores cancel, the more the fewer tokens there are.
        for (found, expected) in zip(rounded, wanted) {
            #expect(normMismatch(found, expected, relative: 0.02, absolute: 0.02) == nil)
        }
    }

    /// The first rows of each segment, some or all of them, get what they get among all: the queries
    /// behind them are no concern of theirs. The gradients are those of an output whose other rows
    /// nobody reads.
    @Test(arguments: computableTypes, [0.0, 0.4])
    func firstRowsAlone(_ dtype: Tensor.DType, _ rate: Double) {
        for testCase in Self.cases {
            firstRowsAlone(testCase, dtype, rate, tolerance: 20 * Reference.roundoff(dtype))
        }
    }

    @Test(
        .enabled(if: Tensor.Precision.bfloat16.isSupported, "the CPU has no bfloat16 products"),
        arguments: cases, [0.0, 0.4])
    func firstRowsAloneInBfloat16(_ testCase: Case, _ rate: Double) {
        Tensor.Precision.bfloat16.applied {
            firstRowsAlone(testCase, .float32, rate, tolerance: 1e-5)
        }
    }

    private func firstRowsAlone(
        _ testCase: Case, _ dtype: Tensor.DType, _ rate: Double, tolerance: Double
    ) {
        let inputs = inputs(testCase, dtype)
        let all = Segments(lengths: testCase.lengths)
        let mask = rate > 0 ? DropoutMask(rate: rate, seed: 1, layer: 2, step: 3) : nil
        let settings = Tensor.AttentionSettings(
            segments: all, heads: testCase.heads, dropout: mask)
        let whole = Tensor.attention(
            query: inputs[0], key: inputs[1], value: inputs[2], settings: settings)
        for count in [1, 2, 70] {
            let wanted = Segments(lengths: testCase.lengths.map { min(count, $0) })
            let rows = (0..<all.count).flatMap { segment in
                all[segment].prefix(wanted[segment].count).map { Int32($0) }
            }
            let fewer = Tensor.AttentionSettings(
                segments: all, queries: wanted, heads: testCase.heads, dropout: mask)
            let query = inputs[0].gatheringRows(rows)
            let part = Tensor.attention(
                query: query, key: inputs[1], value: inputs[2], settings: fewer)
            let close = { (found: Tensor, expected: Tensor) in
                normMismatch(found, expected, relative: tolerance, absolute: tolerance) == nil
            }
            #expect(close(part.output, whole.output.gatheringRows(rows)))
            #expect(close(part.logSums, whole.logSums.gatheringRows(rows)))

            let dy = Samples.normal(query.shape, seed: 4, dtype: dtype)
            let found = dy.attentionGradient(
                query: query, key: inputs[1], value: inputs[2], logSums: part.logSums,
                settings: fewer)
            let places = Dictionary(uniqueKeysWithValues: zip(rows, 0...))
            let spread = (0..<all.rowCount).flatMap { row in
                places[Int32(row)].map { doubles(dy[$0]) }
                    ?? [Double](repeating: 0, count: query.shape[1])
            }
            let expected = Tensor(spread, shape: inputs[0].shape).converted(to: dtype)
                .attentionGradient(
                    query: inputs[0], key: inputs[1], value: inputs[2], logSums: whole.logSums,
                    settings: settings)
            #expect(close(found.query, expected.query.gatheringRows(rows)))
            #expect(close(found.key, expected.key))
            #expect(close(found.value, expected.value))
        }
    }

    /// The same bits alone and in a batch, and nothing of a neighbour's in them.
    @Test(.enabled(if: Tensor.Precision.bfloat16.isSupported, "the CPU has no bfloat16 products"))
    func segmentsDoNotSeeEachOtherInBfloat16() {
        let x = Samples.normal([46, 40], seed: 1, dtype: .float32)
        var elements = doubles(x)
        elements[20 * 40 + 3] = .nan
        let damaged = Tensor(elements, shape: [46, 40]).converted(to: .float32)
        let attend = { (x: Tensor, lengths: [Int]) in
            Tensor.Precision.bfloat16.applied {
                Tensor.attention(
                    query: x, key: x, value: x,
                    settings: .init(segments: Segments(lengths: lengths), heads: 2)
                ).output
            }
        }
        let (all, beside) = (attend(x, [17, 28, 1]), attend(damaged, [17, 28, 1]))
        for rows in [0..<17, 45..<46] {
            #expect(sameBits(all.sliced(rows), attend(x.sliced(rows), [rows.count])))
            #expect(sameBits(all.sliced(rows), beside.sliced(rows)))
        }
        #expect(sameBits(all.sliced(17..<45), attend(x.sliced(17..<45), [28])))
        #expect(!beside.sliced(17..<45).isFinite)
    }

    @Test(arguments: computableTypes)
    func gradientOfViews(_ dtype: Tensor.DType) {
        let testCase = Case(lengths: [5, 20], heads: 2, width: 5)
        let inputs = inputs(testCase, dtype)
        let dy = Samples.normal(inputs[0].shape, seed: 4, dtype: dtype)
        let settings = Tensor.AttentionSettings(segments: Segments(lengths: [5, 20]), heads: 2)
        let logSums = Tensor.attention(
            query: inputs[0], key: inputs[1], value: inputs[2], settings: settings
        ).logSums
        let gradients = [{ $0 }, Samples.strided].map { (view: (Tensor) -> Tensor) in
            view(dy).attentionGradient(
                query: view(inputs[0]), key: view(inputs[1]), value: view(inputs[2]),
                logSums: view(logSums), settings: settings)
        }
        #expect(sameBits(gradients[0].query, gradients[1].query))
        #expect(sameBits(gradients[0].key, gradients[1].key))
        #expect(sameBits(gradients[0].value, gradients[1].value))
    }

    /// The shapes that the kernels read past the end of, if nobody looked.
    @Test func gradientRefusesTensorsOfAnotherForwardPass() async {
        await #expect(processExitsWith: .failure) {
            let x = Samples.normal([20, 4])
            let settings = Tensor.AttentionSettings(segments: Segments(lengths: [20]), heads: 2)
            let shorter = Tensor(zeros: [5, 2], dtype: .float64)
            _ = x.attentionGradient(
                query: x, key: x, value: x, logSums: shorter, settings: settings)
        }
        await #expect(processExitsWith: .failure) {
            let x = Samples.normal([20, 4])
            let gamma = Samples.normal([4])
            let statistics = x[0].layerNormalized(gamma: gamma, beta: gamma, epsilon: 1).statistics
            _ = x.layerNormGradient(input: x, statistics: statistics, gamma: gamma)
        }
    }

    /// Tokens of other sequences change no bit.
    @Test(arguments: computableTypes)
    func segmentsDoNotSeeEachOther(_ dtype: Tensor.DType) {
        let testCase = Case(lengths: [5, 70, 3], heads: 2, width: 8)
        let inputs = inputs(testCase, dtype)
        let segments = Segments(lengths: testCase.lengths)
        let together = Tensor.attention(
            query: inputs[0], key: inputs[1], value: inputs[2],
            settings: .init(segments: segments, heads: 2)
        ).output
        for index in 0..<segments.count {
            let parts = inputs.map { $0.sliced(segments[index]) }
            let alone = Tensor.attention(
                query: parts[0], key: parts[1], value: parts[2],
                settings: .init(segments: Segments(lengths: [segments[index].count]), heads: 2)
            ).output
            #expect(sameBits(together.sliced(segments[index]), alone))
        }
    }

    /// Scores far beyond where an exponential overflows.
    @Test(arguments: computableTypes)
    func largeScores(_ dtype: Tensor.DType) {
        let testCase = Case(lengths: [40], heads: 1, width: 8)
        let inputs = inputs(testCase, dtype)
        let large = [inputs[0] * 100, inputs[1] * 100, inputs[2]]
        let (output, logSums) = Tensor.attention(
            query: large[0], key: large[1], value: large[2],
            settings: .init(segments: Segments(lengths: [40]), heads: 1))
        let wanted = expected(testCase, large)
        // Scores of 10⁴ are rounded to u · 10⁴, and so are the probabilities.
        let u = Reference.roundoff(dtype)
        #expect(mismatch(output, wanted.output, within: Tolerance(absolute: 3e5 * u)) == nil)
        #expect(mismatch(logSums, wanted.logSums, within: Tolerance(relative: 20 * u)) == nil)
    }

    @Test func notANumberStaysInItsSegment() {
        var elements = doubles(Samples.normal([10, 4]))
        elements[2 * 4 + 1] = .nan
        let x = Tensor(elements, shape: [10, 4]).converted(to: .float32)
        let output = Tensor.attention(
            query: x, key: x, value: x,
            settings: .init(segments: Segments(lengths: [4, 6]), heads: 1)
        ).output
        #expect(doubles(output.sliced(0..<4)).allSatisfy { $0.isNaN })
        #expect(output.sliced(4..<10).isFinite)
    }
}
