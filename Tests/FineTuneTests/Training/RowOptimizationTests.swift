@testable import FineTune
import TestSupport
import Testing

/// A table of which each step reads a few rows moves bit for bit as if every row moved in every step.
@Suite struct RowOptimizationTests {
    static let optimizers: [Optimizer] = [
        .adamW(weightDecay: 0.1), .adamW(weightDecay: 0), .sgd(weightDecay: 0.1),
        .sgd(momentum: 0, weightDecay: 0.1),
    ]
    private let pass = Pass.training(seed: 0, step: 0)

    /// What the steps read; rows 17 to 19 never, some rows twice in a step.
    private static func rows(of step: Int) -> [Int32] {
        (0..<6).map { Int32((step * 5 + $0 * $0) % 17) }
    }

    /// A table that gets the gradients of its rows, and one that gets all.
    private func pair(_ dtype: Tensor.DType) -> (lazy: Parameter, dense: Parameter) {
        let start = Samples.normal([20, 7], seed: 1, dtype: dtype)
        let tables = ["lazy", "dense"].map {
            Parameter(path: $0, kind: .embedding, value: start.copied())
        }
        for table in tables { table.isTrainable = true }
        return (tables[0], tables[1])
    }

    private func accumulate(_ step: Int, _ tables: (lazy: Parameter, dense: Parameter)) {
        let rows = Self.rows(of: step)
        let gradient = Samples.normal(
            [rows.count, 7], seed: UInt64(step + 2), dtype: tables.dense.value.dtype)
        tables.lazy.rows(rows, in: pass).backward(seed: gradient)
        tables.dense.variable(in: pass).gatheringRows(rows).backward(seed: gradient)
    }

    @Test(arguments: optimizers, [Tensor.DType.float32, .float64])
    func rowsMoveAsAllRowsDo(_ optimizer: Optimizer, _ dtype: Tensor.DType) throws {
        let tables = pair(dtype)
        let state = OptimizerState(optimizer)
        for step in 0..<12 {
            accumulate(step, tables)
            // Two batches make one step.
            if step % 3 == 0 { accumulate(step + 1, tables) }
            let received = try #require(tables.lazy.gradient)
            #expect(sameBits(received, try #require(tables.dense.gradient)))
            for table in [tables.lazy, tables.dense] {
                state.update(table, learningRate: 0.1 / Double(step + 1), gradientScale: 0.5)
            }
            // What is read is up to date, whether or not the table is.
            let some: [Int32] = [19, 3, 3, Int32(step)]
            let read = tables.lazy.rows(some, in: .inference).value
            #expect(sameBits(read, tables.dense.value.gatheringRows(some)), "step \(step)")
            if step == 5 { #expect(sameBits(tables.lazy.value, tables.dense.value)) }
        }
        #expect(sameBits(tables.lazy.value, tables.dense.value))
        #expect(sameBits(tables.lazy.rows([18], in: pass).value[0], tables.dense.value[18]))
    }

    /// Weights that are put back begin without a debt.
    @Test func aNewValueHasNothingPostponed() {
        let tables = pair(.float32)
        let start = tables.lazy.value
        let state = OptimizerState(.adamW(weightDecay: 0.5))
        accumulate(0, tables)
        state.update(tables.lazy, learningRate: 0.1, gradientScale: 1)
        tables.lazy.value = start
        #expect(sameBits(tables.lazy.value, start))
        #expect(sameBits(tables.lazy.rows([19], in: pass).value[0], start[19]))
    }

    /// A weight that is used whole as well moves whole.
    @Test(arguments: optimizers)
    func aGradientOfTheWholeTableEndsLaziness(_ optimizer: Optimizer) {
        let tables = pair(.float64)
        let state = OptimizerState(optimizer)
        for step in 0..<6 {
            accumulate(step, tables)
            if step == 2 {
                for table in [tables.lazy, tables.dense] {
                    table.accumulate(Samples.normal([20, 7], seed: 50))
                }
            }
            for table in [tables.lazy, tables.dense] {
                state.update(table, learningRate: 0.1, gradientScale: 1)
            }
        }
        #expect(sameBits(tables.lazy.value, tables.dense.value))
    }
}
