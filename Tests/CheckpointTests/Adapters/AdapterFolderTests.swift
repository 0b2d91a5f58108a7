import Checkpoint
import Tensor
import Testing

/// An adapter's folder is opened whole or refused with what is missing.
@Suite struct AdapterFolderTests {
    private func withFolder(
        without name: String? = nil, _ body: (String) throws -> Void
    ) throws {
        try withTemporaryFolder { path in
            if name != "adapter_config.json" {
                try AtomicFile.write(
                    #"{"peft_type": "LORA", "r": 2, "target_modules": ["query"]}"#,
                    to: path + "/adapter_config.json")
            }
            if name != "adapter_model.safetensors" {
                try SafetensorsFile.write(
                    [(name: "a", tensor: Tensor([Float(1)]))],
                    to: path + "/adapter_model.safetensors")
            }
            try body(path)
        }
    }

    @Test func aWholeFolderOpens() throws {
        try withFolder { path in
            let opened = try AdapterFolder(path: path)
            #expect(opened.settings.rank == 2 && opened.tensors.names == ["a"])
        }
    }

    @Test(arguments: ["adapter_config.json", "adapter_model.safetensors"])
    func aMissingFileIsNamed(_ name: String) throws {
        try withFolder(without: name) { path in
            #expect(throws: AdapterFolderError.missingFile(path, name: name, found: [])) {
                try AdapterFolder(path: path)
            }
            try AtomicFile.write("", to: path + "/adapter_model.bin")
            let error = #expect(throws: AdapterFolderError.self) { try AdapterFolder(path: path) }
            #expect(error?.description.contains("it has adapter_model.bin") == true)
        }
    }

    @Test func aMissingFolderIsNamed() {
        #expect(throws: AdapterFolderError.missingFolder("/nowhere")) {
            try AdapterFolder(path: "/nowhere")
        }
    }

    @Test(arguments: ["adapter_config.json", "adapter_model.safetensors"])
    func aMalformedFileIsNamed(_ name: String) throws {
        try withFolder { path in
            try AtomicFile.write("{", to: path + "/" + name)
            let error = #expect(throws: AdapterFolderError.self) { try AdapterFolder(path: path) }
            #expect(error?.description.contains(name) == true)
        }
    }
}
