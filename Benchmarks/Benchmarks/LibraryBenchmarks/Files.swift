import Benchmark
import FineTune
import Foundation

/// Reading and writing safetensors and JSON.
func files() {
    measure("files: open safetensors and map every tensor") {
        try Input.model() + "/model.safetensors"
    } _: { path in
        let file = try SafetensorsFile(path: path)
        for name in file.names { blackHole(try file.tensor(named: name)) }
    }
    measure("files: sum of every number of a safetensors file") {
        try Input.model() + "/model.safetensors"
    } _: { path in
        let file = try SafetensorsFile(path: path)
        for name in file.names {
            guard let tensor = try file.tensor(named: name), tensor.dtype == .float32 else {
                continue
            }
            blackHole(tensor.sum())
        }
    }
    measure("files: write 64 MB of safetensors, flushed to disk", seconds: 5) {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "finetune-benchmark-\(ProcessInfo.processInfo.processIdentifier).safetensors"
        ).path
        return (path: path, tensors: (0..<16).map { ("tensor\($0)", numbers([1024, 1024])) })
    } _: { path, tensors in
        try SafetensorsFile.write(tensors.map { (name: $0.0, tensor: $0.1) }, to: path)
        try AtomicFile.remove(path)
    }
    measure("files: parse tokenizer.json, 466 KB") {
        let file = try MappedFile(path: Input.model() + "/tokenizer.json")
        return withExtendedLifetime(file) { Array(file.bytes) }
    } _: { bytes in
        blackHole(try JSON(parsing: bytes))
    }
    measure("files: load MiniLM") {
        try Input.model()
    } _: { model in
        blackHole(try PretrainedModel.text(contentsOf: model))
    }
}
