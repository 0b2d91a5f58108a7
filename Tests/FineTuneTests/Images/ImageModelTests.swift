import FineTune
import Foundation
import TestSupport
import Testing

/// The same lines as for texts, on pictures.
@Suite struct ImageModelTests {
    @Test(arguments: TinyImages.networks)
    func whatIsSavedComesBack(_ network: ImageNetwork) async throws {
        let data = TinyImages.examples(12)
        let model = try TinyImages.backbone(network).attaching(
            ClassificationHead(labels: TinyImages.labels))
        let settings = TrainingSettings(schedule: .constant, batch: .examples(6))
        try await Trainer(model, plan: .full(epochs: 1, learningRate: 1e-3), settings: settings)
            .fit(on: data)
        let folder = try TemporaryFolder()
        try model.save(to: folder.path + "/model")
        let restored = try ImageClassifier(contentsOf: folder.path + "/model")
        #expect(try restored.outputs(for: data.inputs) == model.outputs(for: data.inputs))
        #expect(restored.preparation.specification == model.preparation.specification)

        // As a backbone, and from the weights alone.
        let features = try model.embed(data.inputs[0])
        let backbone = try PretrainedModel.image(contentsOf: folder.path + "/model")
        #expect(try backbone.embed(data.inputs[0]) == features)
        let bare = try PretrainedModel.image(
            contentsOf: folder.path + "/model/model.safetensors", network: network,
            specification: model.preparation.specification)
        #expect(try bare.embed(data.inputs[0]).count == features.count)
        if case .visionTransformer = network {
            // Whose heads are as wide as the publishers' are.
        } else {
            #expect(try bare.embed(data.inputs[0]) == features)
        }
    }

    @Test(arguments: [ImageNetwork.mobileNetV3Small, TinyImages.networks[4]])
    func learns(_ network: ImageNetwork) async throws {
        let (train, test) = (TinyImages.examples(48), TinyImages.examples(24, seed: 2))
        let backbone = try TinyImages.backbone(network)
        let model = try backbone.attaching(ClassificationHead(labels: TinyImages.labels))
        let report = try await Trainer(
            model, plan: .headOnly(epochs: 8, learningRate: 0.02),
            settings: TrainingSettings(schedule: .constant, batch: .examples(12))
        ).fit(on: train, validating: test)
        #expect(report.reusedFeatures > 0)
        #expect(try model.evaluate(on: test).accuracy > 0.8)
        #expect(
            try backbone.embed(test.inputs[0]).map { $0.bitPattern }
                == model.embed(test.inputs[0]).map { $0.bitPattern })
        let solved = try backbone.attaching(ClassificationHead(labels: TinyImages.labels))
        _ = try await solved.solveHead(on: train, with: .ridge(), validating: test)
        #expect(try solved.evaluate(on: test).accuracy > 0.8)
    }

    /// Half of what was learned, of the statistics of normalisations too.
    @Test(arguments: [ImageNetwork.mobileNetV3Small, TinyImages.networks[4]])
    func interpolates(_ network: ImageNetwork) async throws {
        let data = TinyImages.examples(24)
        let backbone = try TinyImages.backbone(network)
        let model = try backbone.attaching(ClassificationHead(labels: TinyImages.labels))
        try await Trainer(
            model, plan: .full(epochs: 1, learningRate: 1e-3),
            settings: TrainingSettings(batch: .examples(8))
        ).fit(on: data)
        let outputs = try [0, 0.5, 1].map {
            try model.interpolated(with: backbone, $0).outputs(for: data.inputs)
        }
        #expect(try outputs[2] == model.outputs(for: data.inputs))
        #expect(outputs[1] != outputs[0] && outputs[1] != outputs[2])
        #expect(outputs[1].joined().allSatisfy { $0.isFinite })
    }

    /// With its own features for each picture, also alone.
    @Test(arguments: TinyImages.networks)
    func aPictureHasTheSameFeaturesInAnyBatch(_ network: ImageNetwork) throws {
        let backbone = try TinyImages.backbone(network)
        let pictures = TinyImages.examples(5).inputs
        let together = try backbone.embed(pictures)
        #expect(try pictures.map { try backbone.embed($0) } == together)
    }

    @Test func adaptersSitOnVisionTransformers() async throws {
        let data = TinyImages.examples(12)
        let backbone = try TinyImages.backbone(TinyImages.networks[4])
        let model = try backbone.attaching(
            ClassificationHead(labels: TinyImages.labels),
            adapter: .lora(rank: 2, layers: [.query, .value]))
        try await Trainer(
            model, plan: .adapter(epochs: 1, learningRate: 1e-2),
            settings: TrainingSettings(batch: .examples(6))
        ).fit(on: data)
        let folder = try TemporaryFolder()
        try model.saveAdapter(to: folder.path)
        let restored = try ImageClassifier(adapter: folder.path, on: backbone)
        #expect(try restored.outputs(for: data.inputs) == model.outputs(for: data.inputs))
    }

    /// Whose names the weights have is taken from the file, but not what was asked for.
    @Test(arguments: [EfficientNetLite.Publisher.original, .timm])
    func keepsTheMomentum(_ publisher: EfficientNetLite.Publisher) throws {
        let network = EfficientNetLite(.lite0, publisher: publisher)
        let model = try TinyImages.backbone(.efficientNetLite(network)).attaching(
            ClassificationHead(labels: TinyImages.labels))
        let folder = try TemporaryFolder()
        try model.save(to: folder.path)
        let tensors = try SafetensorsFile(path: folder.path + "/model.safetensors")
        for momentum in [nil, 0.3] {
            let wanted = EfficientNetLite(.lite0, momentum: momentum)
            let found = try ImageArchitecture(.efficientNetLite(wanted), tensors: tensors).network
            let expected = EfficientNetLite(.lite0, publisher: publisher, momentum: momentum)
            #expect(found == .efficientNetLite(expected))
            #expect(expected.momentum == momentum ?? (publisher == .timm ? 0.1 : 0.01))
        }
    }

    /// A rate of 1 would leave nothing.
    @Test(arguments: [1, 1.5, -0.1, Double.nan])
    func refusesImpossibleDropout(_ rate: Double) throws {
        let network = ImageNetwork.mobileNetV3Small
        let folder = try TemporaryFolder()
        try TinyImages.backbone(network).attaching(
            ClassificationHead(labels: TinyImages.labels)
        ).save(to: folder.path)
        #expect(throws: ModelError.self) {
            try PretrainedModel.image(initializing: network, seed: 1, dropoutRate: rate)
        }
        #expect(throws: ModelError.self) {
            try PretrainedModel.image(contentsOf: folder.path, dropoutRate: rate)
        }
        #expect(throws: ModelError.self) {
            try PretrainedModel.image(
                contentsOf: folder.path + "/model.safetensors", network: network,
                dropoutRate: rate)
        }
        try folder.configure(["model_args": ["drop_rate": 0.25]])
        let architecture = try ImageArchitecture(PretrainedFolder(path: folder.path))
        #expect(architecture.headDropout(for: .pooler) == 0.25)
    }

    /// A tensor without elements may have a shape of any sizes.
    @Test(
        arguments: [
            ([0, 1, 1 << 56, 1], [1, 1_099_511_627_777, 0], [0, 0]),
            ([0, 3, 8, 8], [1, 17, 0], [256, 0]), ([64, 0, 1 << 25, 0], [1, 17, 0], [256, 0]),
            ([64, 0, 8, 0], [1, 17, 0], [0, 64]), ([64, 0, 8, 0], [1, 1 << 57, 0], [256, 0]),
            ([64, 0, 8, 0], [1, 0, 0], [256, 0]), ([64, 0, 4096, 0], [1, 17, 0], [256, 0]),
        ] as [([Int], [Int], [Int])])
    func refusesShapesOfNoTransformer(
        _ patches: [Int], _ positions: [Int], _ inner: [Int]
    ) throws {
        let path = try TemporaryFolder().path + "/a.safetensors"
        try SafetensorsFile.write(
            [
                ("patch_embed.proj.weight", Tensor(zeros: Tensor.Shape(patches))),
                ("pos_embed", Tensor(zeros: Tensor.Shape(positions))),
                ("blocks.0.mlp.fc1.weight", Tensor(zeros: Tensor.Shape(inner))),
            ], to: path)
        let error = #expect(throws: PretrainedFolderError.self) {
            try PretrainedModel.image(contentsOf: path, network: .viT)
        }
        #expect(error?.description.hasPrefix("the weights in '\(path)'") == true)
    }

    /// timm's distilled DeiT has two, whose mean is the answer.
    @Test func refusesTwoHeads() throws {
        let network = ImageNetwork.visionTransformer(
            TinyImages.transformer(.timm, isDistilled: true))
        let model = try TinyImages.backbone(network).attaching(
            ClassificationHead(labels: TinyImages.labels))
        let folder = try TemporaryFolder()
        try model.save(to: folder.path)
        let path = folder.path + "/model.safetensors"
        let saved = try SafetensorsFile(path: path)
        let tensors = try saved.names.map { name in
            (name, try #require(try saved.tensor(named: name)))
        }
        #expect(saved.shape(of: "head_dist.weight") == [3, 64])
        try SafetensorsFile.write(
            tensors.map { name, value in (name, name == "head_dist.weight" ? value + 1 : value) },
            to: path)
        let error = #expect(throws: ModelError.self) {
            try ImageClassifier(contentsOf: folder.path)
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains("two heads"))
        _ = try PretrainedModel.image(contentsOf: folder.path)
    }

    @Test func refusesWhatDoesNotFit() throws {
        let backbone = try TinyImages.backbone(.mobileNetV3Small)
        let small = RGBImage(height: 1, width: 2, pixels: [1, 2, 3, 4, 5, 6])
        #expect(
            throws: ModelError.imageSize(
                height: 1, width: 2, expectedHeight: 32, expectedWidth: 32)
        ) { try backbone.embed(small) }
        #expect(throws: ModelError.imagePooling(.mean)) {
            try backbone.attaching(
                ClassificationHead(labels: TinyImages.labels), pooling: .mean)
        }
        let folder = try TemporaryFolder()
        try SafetensorsFile.write([("a", Tensor([Float(1)]))], to: folder.path + "/a.safetensors")
        #expect(throws: ParameterError.self) {
            try PretrainedModel.image(
                contentsOf: folder.path + "/a.safetensors", network: .resNet18)
        }
        for network in [ImageNetwork.viT, .deiT] {
            #expect(throws: PretrainedFolderError.self) {
                try PretrainedModel.image(
                    contentsOf: folder.path + "/a.safetensors", network: network)
            }
        }
        #expect(throws: PretrainedFolderError.self) {
            try PretrainedModel.image(contentsOf: folder.path + "/b.pth", network: .resNet18)
        }
    }
}
