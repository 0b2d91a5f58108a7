@testable import FineTune
import TestSupport
import Testing

@Suite struct PlanTableTests {
    @Test func aTableSaysWhatTrains() throws {
        let model = try TinyModel.classifier()
        let plan = Plan(
            name: "two steps",
            phases: [
                Plan.Phase(
                    name: "probe", stages: .none, length: .steps(1), headRate: 1e-3, stageRate: 0,
                    schedule: Schedule(.cosine)),
                Plan.Phase(
                    stages: .top(1), parameters: .biases,
                    length: .untilStalled(patience: 2, atMost: 9), headRate: 1e-4, stageRate: 5e-5,
                    weightDecay: 0.1, startingPointPenalty: .init()),
            ])
        let table = Trainer(model, plan: plan).planTable
        #expect(table == plan.description(for: model))
        let lines = table.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines.count == 17)
        #expect(lines[0] == "plan two steps: 2 phases")
        #expect(lines[2].hasPrefix("phase 1 (probe), 1 step, its own cosine schedule: 99 of "))
        #expect(lines[3] == "stage       trains  parameters      rate")
        #expect(lines[4].hasPrefix("embeddings      no"))
        #expect(lines[8] == "head           yes          99  1.00e-03")
        #expect(
            lines[10].hasPrefix(
                "phase 2, until 2 epochs bring nothing better, at most 9, weight decay 0.1, "
                    + "L2-SP with α 0.1 and β 0.01: "))
        #expect(lines[14].hasPrefix("layer 1 "))
        #expect(lines[14].hasSuffix("5.00e-05"))
        #expect(lines[13].hasPrefix("layer 0         no"))
    }

    @Test func anAdapterHasLinesOfItsOwn() throws {
        let model = try TinyModel.backbone().attaching(
            ClassificationHead(labels: TinyModel.labels), adapter: .lora(rank: 4))
        let table = Plan.adapter().description(for: model)
        #expect(table.contains("\nlayer 0              no       8,544\n"))
        #expect(table.contains("\nlayer 0 adapter     yes         512  5.00e-04\n"))
        #expect(table.contains("phase 1, 10 epochs: 1,123 of "))
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")])
    func numbersAreGrouped(_ number: Int, _ text: String) { #expect(number.grouped == text) }
}
