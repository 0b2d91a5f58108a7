import FineTune
import Foundation
import Testing

/// Reference implementations load what is saved here and compute the same logits.
///
/// Runs where `FINETUNE_TRANSFORMERS_CHECK` names a program that is called like
/// `Tests/Transformers/run.sh`, which needs Python.
@Suite(.enabled(if: check != nil, "FINETUNE_TRANSFORMERS_CHECK names no program"))
struct ReferenceImageTests {
    @Test(arguments: TinyImages.networks.filter(\.isLoadable))
    func loadsWithTheSameLogits(_ network: ImageNetwork) async throws {
        let model = try TinyImages.backbone(network).attaching(
            ClassificationHead(labels: TinyImages.labels))
        try await expectSameLogits(model)
    }

    /// Under Transformers' own names, which differ from those of the layers.
    @Test func aResNetOfTransformersLoads() async throws {
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
        try await expectSameLogits(
            PretrainedModel.image(contentsOf: folder.path).attaching(
                ClassificationHead(labels: TinyImages.labels)))
    }

    /// After a step, so that every number has moved.
    private func expectSameLogits(_ model: ImageClassifier) async throws {
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

        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "bash", try #require(check), folder.path + "/model",
            folder.path + "/tensors.safetensors",
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let line = String(decoding: output, as: UTF8.self)
        print(line, terminator: "")
        #expect(process.terminationStatus == 0, "\(line)")
    }
}

extension ImageNetwork {
    /// Whether Transformers or the script has it: torchvision and timm are not asked.
    fileprivate var isLoadable: Bool {
        switch self {
        case .efficientNetLite(let network): network.publisher == .original
        case .visionTransformer(let network): network.publisher == .huggingFace
        case .resNet, .mobileNet: false
        }
    }
}

private let check = ProcessInfo.processInfo.environment["FINETUNE_TRANSFORMERS_CHECK"]
