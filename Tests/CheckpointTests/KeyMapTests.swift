import Checkpoint
import Tensor
import Testing

@Suite struct KeyMapTests {
    private static let pairs: [(source: String, target: String)] = [
        (
            "encoder.layer.{layer}.attention.self.query.{kind}",
            "layers.{layer}.attention.query.{kind}"
        ),
        ("embeddings.LayerNorm.gamma", "embeddings.normalization.weight"),
        ("stage{index}_conv.weight", "stages.{index}.convolution.weight"),
        ("bert.{rest...}.end", "prefix.{rest...}"),
        ("{a}.to.{b}", "{b}.from.{a}"),
    ]

    @Test(arguments: [
        (
            "encoder.layer.11.attention.self.query.bias", "layers.11.attention.query.bias"
        ),
        ("embeddings.LayerNorm.gamma", "embeddings.normalization.weight"),
        ("stage3_conv.weight", "stages.3.convolution.weight"),
        ("bert.x.end", "prefix.x"), ("bert.x.y..z.end", "prefix.x.y..z"),
        ("x.to.é", "é.from.x"),
    ])
    func translatesBothWays(_ source: String, _ target: String) throws {
        let map = try KeyMap(Self.pairs)
        #expect(try map.forward(source) == target)
        #expect(try map.backward(target) == source)
    }

    @Test(arguments: [
        "", "encoder", "encoder.layer.11.attention.self.query", "stage_conv.weight",
        "encoder.layer..attention.self.query.bias", "embeddings.LayerNorm.gamma.more",
        "encoder.layer.1.2.attention.self.query.bias", "bert.end", "bert..to",
    ])
    func refusesWhatNoPatternMatches(_ name: String) throws {
        let map = try KeyMap(Self.pairs)
        #expect(throws: KeyMapError.unmatched(name)) { try map.forward(name) }
    }

    @Test func theFirstMatchHasPrecedence() throws {
        let map = try KeyMap([("a.b", "special"), ("a.{x}", "other.{x}")])
        #expect(try map.forward("a.b") == "special" && map.forward("a.c") == "other.c")
        #expect(try map.backward("other.c") == "a.c")
        // It would lead back to `special`.
        #expect(
            throws: KeyMapError.ambiguous(
                "other.b", translation: "a.b", alternative: "special")
        ) { try map.backward("other.b") }
    }

    @Test func refusesToGiveTwoTensorsOneName() throws {
        let map = try KeyMap([("bert.{rest...}", "{rest...}"), ("{rest...}", "{rest...}")])
        #expect(try map.forward("bert.pooler.weight") == "pooler.weight")
        #expect(
            throws: KeyMapError.ambiguous(
                "pooler.weight", translation: "pooler.weight", alternative: "bert.pooler.weight")
        ) { try map.forward("pooler.weight") }
    }

    @Test(arguments: [
        ("a.{b", "a", KeyMapError.unbalancedBraces(pattern: "a.{b")),
        ("a.b}", "a", .unbalancedBraces(pattern: "a.b}")),
        ("a.{{b}}", "a", .unbalancedBraces(pattern: "a.{{b}}")),
        ("a.{}", "a", .unnamedPlaceholder(pattern: "a.{}")),
        ("a.{...}", "a", .unnamedPlaceholder(pattern: "a.{...}")),
        ("{a}.{a}", "{a}", .repeatedPlaceholder("{a}", pattern: "{a}.{a}")),
        ("{a...}.{a}", "{a}", .repeatedPlaceholder("{a}", pattern: "{a...}.{a}")),
        ("{a}{b}", "{a}.{b}", .crowdedComponent("{a}{b}", pattern: "{a}{b}")),
        ("x{a}-{b}", "{a}.{b}", .crowdedComponent("x{a}-{b}", pattern: "x{a}-{b}")),
        ("x{a...}", "{a...}", .misplacedRest("x{a...}", pattern: "x{a...}")),
        ("{a..}", "{a}", .misplacedRest("{a..}", pattern: "{a..}")),
        ("{a...}.{b...}", "{a...}", .misplacedRest("{b...}", pattern: "{a...}.{b...}")),
        ("{a}", "b", .unpairedPlaceholder("{a}", pattern: "{a}", other: "b")),
        ("a", "{b}", .unpairedPlaceholder("{b}", pattern: "{b}", other: "a")),
        ("{a...}", "{a}", .unpairedPlaceholder("{a...}", pattern: "{a...}", other: "{a}")),
    ])
    func refusesPatterns(_ source: String, _ target: String, _ error: KeyMapError) {
        #expect(throws: error) { try KeyMap([(source, target)]) }
        #expect(!error.description.isEmpty)
    }

    @Test func longNamesTakeOnePass() throws {
        let map = try KeyMap([("{rest...}.a.{x}.b", "{rest...}.{x}")])
        let long = String(repeating: "a.", count: 10_000)
        #expect(try map.forward(long + "a.1.b") == long.dropLast() + ".1")
        #expect(throws: KeyMapError.unmatched(long + "b.1.b")) { try map.forward(long + "b.1.b") }
    }

    @Test func renamesTheTensorsOfAFile() throws {
        try withTemporaryFolder { folder throws in
            let path = folder + "/model.safetensors"
            try SafetensorsFile.write(
                [("bert.x.weight", Tensor([Float(1), 2])), ("position_ids", Tensor(Int64(0)))],
                to: path)
            let renamed = try RenamedTensors(
                SafetensorsFile(path: path), by: KeyMap([("bert.{rest...}", "{rest...}")]))
            #expect(renamed.names == ["x.weight"] && renamed.unmatchedNames == ["position_ids"])
            #expect(try renamed.tensor(named: "x.weight")?.elements(as: Float.self) == [1, 2])
            #expect(
                renamed.shape(of: "x.weight") == [2] && renamed.dtype(of: "x.weight") == .float32)
            #expect(renamed.originalName(of: "x.weight") == "bert.x.weight")
            #expect(try renamed.tensor(named: "bert.x.weight") == nil && renamed.path == path)
        }
    }
}
