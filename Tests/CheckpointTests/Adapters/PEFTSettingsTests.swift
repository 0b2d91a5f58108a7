import Checkpoint
import Layers
import Testing

/// PEFT's `adapter_config.json`: what is read, what changes nothing, and what is refused.
@Suite struct PEFTSettingsTests {
    private func settings(
        _ changes: JSON.Object, method: String = "LORA"
    ) throws(AdapterFolderError) -> PEFTSettings {
        var object: JSON.Object = [
            "peft_type": JSON(method), "target_modules": ["query", "value"],
            "modules_to_save": ["classifier", "score"],
        ]
        if method == "LORA" { object["r"] = 4 }
        for (key, value) in changes { object[key] = value }
        return try PEFTSettings(.object(object), path: "adapter_config.json")
    }

    @Test func methodsAreToldApart() throws {
        #expect(try settings([:]).method == .lora)
        #expect(try settings(["use_rslora": true]).method == .rsLoRA)
        #expect(try settings(["use_dora": true]).method == .doRA)
        #expect(try settings(["init_lora_weights": "pissa"]).method == .piSSA)
        #expect(try settings(["init_lora_weights": "gaussian"]).method == .lora)
        #expect(
            try settings(["feedforward_modules": ["output.dense"]], method: "IA3")
                .feedForwardModules == ["output.dense"])
    }

    /// Whatever the method is called here, its scale is PEFT's.
    @Test func scalesArePEFTs() throws {
        func scale(_ changes: JSON.Object) throws -> Double {
            try settings(changes).adapter(on: []).scale
        }
        #expect(try scale([:]) == 2)
        #expect(try scale(["lora_alpha": 16]) == 4)
        #expect(try scale(["lora_alpha": 16, "use_rslora": true]) == 8)
        #expect(try scale(["lora_alpha": 16, "use_rslora": true, "use_dora": true]) == 8)
        #expect(
            try scale(["lora_alpha": 16, "use_rslora": true, "init_lora_weights": "pissa"]) == 8)
        #expect(try scale(["lora_alpha": 2.5]) == 0.625)
    }

    @Test func targetsAreNamesOrTheTensorsSayThem() throws {
        #expect(try settings([:]).targets == .names(["query", "value"]))
        #expect(try settings(["target_modules": "all-linear"]).targets == .allLinear)
        #expect(try settings(["target_modules": ".*query"]).targets == .byTensors)
        #expect(try settings(["layers_to_transform": [0]]).targets == .byTensors)
        #expect(try settings(["exclude_modules": ["key"]]).targets == .byTensors)
        #expect(try settings(["exclude_modules": nil]).targets == .names(["query", "value"]))
    }

    @Test func namesMatchAtDots() {
        let name = "bert.encoder.layer.0.attention.output.dense"
        #expect(PEFTSettings.matches(name, ["dense"]))
        #expect(PEFTSettings.matches(name, ["key", "output.dense"]))
        #expect(PEFTSettings.matches(name, [name]))
        #expect(!PEFTSettings.matches(name, ["put.dense", "attention.output", ""]))
        #expect(!PEFTSettings.matches("dense", ["output.dense"]))
    }

    @Test(
        arguments: [
            "bias": #""all""#, "lora_bias": "true", "fan_in_fan_out": "true",
            "rank_pattern": #"{"query": 2}"#, "alpha_pattern": #"{"query": 2}"#,
            "trainable_token_indices": "[1]", "use_qalora": "true",
            "layer_replication": "[[0, 1]]", "target_parameters": #"["w"]"#,
            "a_setting_of_the_future": "3", "init_lora_weights": #""pissa_niter_4""#,
            "r": "1.5", "lora_alpha": #""8""#, "lora_dropout": "1", "modules_to_save": "3",
            "target_modules": "[1]",
        ])
    func whatIsNotComputedIsRefused(_ key: String, _ value: String) throws {
        let json = try JSON(parsing: value)
        let error = #expect(throws: AdapterFolderError.self) { try settings([key: json]) }
        #expect(error?.description.contains("as '\(key)'") == true)
    }

    @Test func whatIsMissingIsRefused() {
        for (key, value) in [("r", JSON.null), ("r", 0), ("target_modules", [])] {
            let error = #expect(throws: AdapterFolderError.self) { try settings([key: value]) }
            #expect(error?.description.contains("as '\(key)'") == true)
        }
    }

    @Test func neutralSettingsAreAccepted() throws {
        let plain = try settings([:])
        #expect(
            try settings([
                "bias": "none", "lora_bias": false, "rank_pattern": [:], "kasa_config": nil,
                "a_setting_of_the_future": false, "another": [],
            ]) == plain)
    }

    @Test func otherMethodsAreRefused() {
        #expect(
            throws: AdapterFolderError.unsupportedMethod(
                "adapter_config.json", found: "'ADALORA'")
        ) {
            try settings([:], method: "ADALORA")
        }
    }

    @Test(arguments: [
        Adapter.lora(rank: 3, alpha: 7, dropoutRate: 0.125), .rsLoRA(rank: 9, alpha: 2.5),
        .doRA(), .ia3(),
    ])
    func whatIsWrittenIsRead(_ adapter: Adapter) throws {
        let written = PEFTSettings(
            adapter, task: .tokenClassification, targets: ["a.query", "b"],
            feedForwardModules: adapter.method == .ia3 ? ["b"] : [],
            savedModules: ["classifier"], baseName: "name")
        let read = try PEFTSettings(written.json, path: "adapter_config.json")
        #expect(read == written)
        #expect(read.adapter(on: adapter.layers) == adapter)
    }
}
