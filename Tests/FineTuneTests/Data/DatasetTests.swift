import FineTune
import Testing

@Suite struct DatasetTests {
    /// Classes of 1, 2, 3, 10 and 34 examples, mixed; every text is unique.
    private static let data: LabeledTexts = {
        let sizes = [("one", 1), ("two", 2), ("three", 3), ("ten", 10), ("many", 34)]
        var labels = sizes.flatMap { [String](repeating: $0.0, count: $0.1) }
        var generator = SplitMix64(seed: 1)
        generator.shuffle(&labels)
        return LabeledTexts(texts: labels.indices.map { "text \($0)" }, labels: labels)
    }()

    @Test func itIsACollection() {
        let data = Self.data
        #expect(data.count == 50)
        #expect(data.first == data.examples[0])
        #expect(data.selecting([3, 1]).inputs == ["text 3", "text 1"])
        #expect(LabeledTexts(data.dropFirst(48)).inputs == ["text 48", "text 49"])
    }

    @Test func labelsAreInTheOrderOfTheirBytes() {
        let data = LabeledTexts(
            texts: ["1", "2", "3", "4", "5", "6"],
            labels: ["b", "e\u{301}", "a", "é", "Z", "a"])
        #expect(
            data.labels.map { Array($0.utf8) }
                == ["Z", "a", "b", "e\u{301}", "é"].map { Array($0.utf8) })
        #expect(data.counts.map(\.count) == [1, 2, 1, 1, 1])
    }

    @Test func aLabelTwiceInOneExampleCountsOnce() {
        let data = MultiLabeledTexts(inputs: ["a", "b"], targets: [["x", "x"], ["x", "y"]])
        #expect(data.counts.map(\.count) == [2, 1])
    }

    @Test func theFirstOfEqualInputsStays() {
        let data = LabeledTexts(
            texts: ["a", "b", "a", "c", "a", "b"], labels: ["x", "y", "y", "x", "x", "y"])
        #expect(
            data.deduplicated() == LabeledTexts(texts: ["a", "b", "c"], labels: ["x", "y", "x"]))
        #expect(data.conflicts == [2])
        #expect(data.deduplicated().conflicts.isEmpty)
    }

    @Test(arguments: [0, 0.1, 0.2, 0.33, 0.5, 0.9, 1], [0, 7] as [UInt64])
    func aSplitIsAPartition(_ fraction: Double, _ seed: UInt64) {
        let data = Self.data
        for (train, heldOut) in [
            data.split(holdingOut: fraction, seed: seed),
            data.split(holdingOut: fraction, stratified: false, seed: seed),
            data.split(holdingOut: fraction, stratified: true, seed: seed),
        ] {
            let order = Dictionary(uniqueKeysWithValues: zip(data.inputs, data.indices))
            let trainOrder = train.inputs.compactMap { order[$0] }
            let heldOutOrder = heldOut.inputs.compactMap { order[$0] }
            #expect((trainOrder + heldOutOrder).sorted() == Array(data.indices))
            #expect(trainOrder == trainOrder.sorted() && heldOutOrder == heldOutOrder.sorted())
            // Every class keeps an example, so at most 45 of 50 can be held out.
            if fraction < 0.9 { #expect(heldOut.count == Int((50 * fraction).rounded())) }
            #expect(!train.isEmpty)
        }
    }

    @Test(arguments: [0.1, 0.2, 0.33, 0.5, 0.9, 1])
    func aStratifiedSplitTakesItsPartOfEveryClass(_ fraction: Double) {
        let data = Self.data
        let (train, heldOut) = data.split(holdingOut: fraction, stratified: true, seed: 3)
        #expect(train.labels == data.labels)
        let held = Dictionary(uniqueKeysWithValues: heldOut.counts.map { ($0.label, $0.count) })
        for (label, count) in data.counts {
            let share = min(Double(count) * fraction, Double(count - 1))
            #expect(abs(Double(held[label] ?? 0) - share) < 1, "\(label) of \(count)")
        }
    }

    @Test func everyClassKeepsAnExampleEvenUnstratified() {
        let (train, heldOut) = Self.data.split(holdingOut: 1, stratified: false, seed: 3)
        #expect(train.counts.map(\.count) == [1, 1, 1, 1, 1])
        #expect(heldOut.count == 45)
    }

    @Test func theSeedDecidesTheSplit() {
        let data = Self.data
        func held(_ seed: UInt64) -> [String] {
            data.split(holdingOut: 0.2, stratified: true, seed: seed).heldOut.inputs
        }
        #expect(held(7) == held(7))
        #expect(Set((0..<10).map { held($0) }).count == 10)
    }

    @Test func tinyDatasetsSplit() {
        let empty = LabeledTexts(texts: [], labels: [])
        #expect(empty.split(holdingOut: 0.5, stratified: true, seed: 0).heldOut.isEmpty)
        #expect(empty.split(holdingOut: 0.5, seed: 0).train.isEmpty)
        let one = LabeledTexts(texts: ["a"], labels: ["x"])
        #expect(one.split(holdingOut: 1, seed: 0).train.count == 1)
        #expect(one.split(holdingOut: 1, stratified: true, seed: 0).train.count == 1)
    }
}

@Suite struct SplitMix64Tests {
    /// The published C program's first outputs for the seed 1234567.
    @Test func itIsTheKnownGenerator() {
        var generator = SplitMix64(seed: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        #expect(expected.map { _ in generator.next() } == expected)
    }

    /// A split must not change with a version. From the same algorithm written in Python.
    @Test func shufflesNeverChange() {
        var generator = SplitMix64(seed: 7)
        var numbers = Array(0..<10)
        generator.shuffle(&numbers)
        #expect(numbers == [9, 5, 8, 6, 1, 2, 4, 7, 0, 3])
    }

    @Test func boundedNumbersAreUniform() {
        var generator = SplitMix64(seed: 9)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[generator.next(below: 7)] += 1 }
        // Chi-squared with 6 degrees of freedom exceeds 22.5 once in a thousand.
        let statistic = counts.map { Double(($0 - 10_000) * ($0 - 10_000)) / 10_000 }.reduce(0, +)
        #expect(statistic < 22.5)
    }

    /// Of 2⁶⁴ draws, 8/3 fall to each number below 3·2⁶¹. Without rejection, two numbers of three
    /// would get three draws and the third two.
    @Test func hugeBoundsAreUniform() {
        var generator = SplitMix64(seed: 10)
        var counts = [0, 0, 0]
        for _ in 0..<30_000 { counts[generator.next(below: 3 << 61) % 3] += 1 }
        #expect(counts.allSatisfy { (9_600...10_400).contains($0) }, "\(counts)")
    }

    @Test func streamsDiffer() {
        var firsts: Set<UInt64> = []
        for seed in 0..<20 as Range<UInt64> {
            for stream in 0..<20 as Range<UInt64> {
                var generator = SplitMix64(seed: seed, stream: stream)
                firsts.insert(generator.next())
            }
        }
        #expect(firsts.count == 400)
    }
}
