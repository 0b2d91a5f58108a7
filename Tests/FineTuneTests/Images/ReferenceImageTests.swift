import FineTune
import Foundation
import Testing

/// Transformers, timm, torchvision and a module of ours for PyTorch load what is saved here and compute
/// the same logits.
///
/// Runs where `FINETUNE_TRANSFORMERS_CHECK` names a program that is called like
/// `Tests/Transformers/run.sh`, which needs Python. It is called once for all, since Python takes
/// longer to begin than to check a folder.
@Suite(.enabled(if: ReferenceCheck.program != nil, "FINETUNE_TRANSFORMERS_CHECK names no program"))
struct ReferenceImageTests {
    @Test func whatIsSavedLoads() async throws {
        let head = ClassificationHead(labels: TinyImages.labels)
        var saved: [SavedFolder] = []
        for network in TinyImages.networks {
            saved.append(try await fineTuned(TinyImages.backbone(network).attaching(head)))
        }
        let folder = try resNetOfTransformers()
        saved.append(
            try await fineTuned(
                PretrainedModel.image(contentsOf: folder.path).attaching(head)))
        #expect(try ReferenceCheck.run(saved.flatMap(\.arguments)) == saved.count)
    }

    /// A folder with Transformers' own names, which differ from those of the layers.
    private func resNetOfTransformers() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let names = try ResNetNames.map(prefix: "resnet.")
        let source = ParameterSource(initializing: .float32, seed: 1)
        _ = try ResNet.resNet50.stages(from: source)
        try SafetensorsFile.write(
            source.parameters.map { (try names.backward($0.path), $0.value) },
            to: folder.path + "/model.safetensors")
        try folder.write(
            """
            {"model_type": "resnet", "depths": [3, 4, 6, 3], "layer_type": "bottleneck",
             "hidden_sizes": [256, 512, 1024, 2048], "embedding_size": 64, "hidden_act": "relu"}
            """, to: "config.json")
        try folder.write(
            """
            {"crop_pct": 0.875, "image_mean": [0.485, 0.456, 0.406], "resample": 3, "size": 32,
             "image_std": [0.229, 0.224, 0.225], "feature_extractor_type": "ConvNextFeatureExtractor"}
            """, to: "preprocessor_config.json")
        return folder
    }

    /// The model after a step, so that every number has moved, saved and loaded again.
    private func fineTuned(_ model: ImageClassifier) async throws -> SavedFolder {
        let data = TinyImages.examples(6)
        try await Trainer(
            model, plan: .full(epochs: 1, learningRate: 1e-3),
            settings: TrainingSettings(schedule: .constant, batch: .examples(6))
        ).fit(on: data)
        let folder = try TemporaryFolder()
        try model.save(to: folder.path + "/model")
        let restored = try ImageClassifier(contentsOf: folder.path + "/model")
        let logits = try restored.outputs(for: data.inputs)
        try SafetensorsFile.write(
            [
                ("images", model.preparation.specification.normalized(data.inputs)),
                ("logits", Tensor(logits.flatMap { $0 }, shape: [6, 3])),
            ], to: folder.path + "/tensors.safetensors")
        return SavedFolder(folder: folder)
    }
}

/// What the program is given for one model.
private struct SavedFolder {
    let folder: TemporaryFolder
    var arguments: [String] { [folder.path + "/model", folder.path + "/tensors.safetensors"] }
}
