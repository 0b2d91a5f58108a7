@testable import FineTune
import Foundation
import TestSupport
import Testing

/// The real EfficientNet-Lite0 gives what PyTorch gives: see `Fixtures/efficientnet/generate.py`.
@Suite struct EfficientNetParityTests {
    private static func weights() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        let path =
            (cache ?? NSHomeDirectory() + "/.cache")
            + "/swift-finetune/efficientnet-lite0/efficientnet-lite0-57934424.pth"
        try #require(
            FileManager.default.fileExists(atPath: path),
            "there is no \(path); Tests/run.sh fetches it")
        return path
    }

    private static func expected() throws -> SafetensorsFile {
        try SafetensorsFile(path: fixturePath("efficientnet/expected.safetensors"))
    }

    /// The fixture's pictures.
    private static func picture(_ index: Int, side: Int) -> RGBImage {
        var pixels: [UInt8] = []
        pixels.reserveCapacity(side * side * 3)
        for y in 0..<side {
            for x in 0..<side {
                let blocks = (y / (8 + 4 * index) + x / (16 + index)) % 3 * 60
                for channel in 0..<3 {
                    let ramp = (x * (index + 1) + y * (7 - index % 5) + channel * 85) % 256
                    pixels.append(UInt8(x * y % (5 + index) < 2 ? blocks : ramp))
                }
            }
        }
        return RGBImage(height: side, width: side, pixels: pixels)
    }

    /// The network with its publisher's thousand classes.
    private static func classifier() throws -> ImageClassifier {
        let path = try weights()
        let model = try PretrainedModel.image(contentsOf: path, network: .efficientNetLite0)
            .attaching(ClassificationHead(labels: (0..<1000).map { "\($0)" }))
        let file = try PyTorchFile(path: path)
        model.network.linear.weight.value = try #require(try file.tensor(named: "_fc.weight"))
        model.network.linear.bias?.value = try #require(try file.tensor(named: "_fc.bias"))
        return model
    }

    private func expectSame(_ found: [[Float]], _ expected: [Double], within limit: Double) {
        let wanted = stride(from: 0, to: expected.count, by: 1000).map {
            expected[$0..<$0 + 1000].map(Float.init)
        }
        #expect(wanted.count == found.count)
        var largest: Float = 0
        for (row, other) in zip(found, wanted) {
            largest = max(largest, zip(row, other).reduce(0) { max($0, abs($1.0 - $1.1)) })
            let top = { (row: [Float]) in
                Array(row.indices.sorted { row[$0] > row[$1] }.prefix(5))
            }
            #expect(top(row) == top(other))
        }
        print("greatest difference of a logit: \(largest)")
        #expect(Double(largest) <= limit)
    }

    @Test func classifiesAsPyTorchDoes() throws {
        let pictures = (0..<4).map { Self.picture($0, side: 224) }
        let found = try Self.classifier().outputs(for: pictures)
        expectSame(found, try Self.expected().doubles("logits"), within: 1e-3)
    }

    /// Of the file that `generate.py WEIGHTS PICTURES OUTPUT` writes.
    @Test(.enabled(if: picturesFile != nil, "FINETUNE_PICTURES names no file"))
    func classifiesRealPicturesAsPyTorchDoes() throws {
        let file = try SafetensorsFile(path: #require(picturesFile))
        let pixels = try file.required("pictures")
        let pictures = (0..<pixels.shape[0]).map {
            RGBImage(
                height: 224, width: 224, pixels: pixels[$0].elements(as: UInt8.self))
        }
        expectSame(
            try Self.classifier().outputs(for: pictures), try file.doubles("logits"),
            within: 1e-3)
    }

    /// Twenty steps of everything, with the statistics of the batches.
    @Test func trainsAsPyTorchDoes() async throws {
        let labels = ["0", "1", "2"]
        let model = try PretrainedModel.image(
            contentsOf: Self.weights(), network: .efficientNetLite0,
            specification: ImageSpecification(
                height: 96, width: 96, mean: [Double](repeating: 127.0 / 255, count: 3),
                standardDeviation: [Double](repeating: 128.0 / 255, count: 3)), dropoutRate: 0
        ).attaching(ClassificationHead(labels: labels))
        let start = (0..<3 * 1280).map { index in
            let (output, input) = (index / 1280, index % 1280)
            return Float(Double((output * 7919 + input * 104_729) % 1000 - 500) / 50_000)
        }
        model.network.linear.weight.value = Tensor(start, shape: [3, 1280])
        model.network.linear.bias?.value = Tensor(zeros: [3], dtype: .float32)
        let pictures = (0..<8).map { Self.picture($0, side: 96) }
        let trainer = Trainer(
            model, plan: .full(epochs: 20, learningRate: 2e-4),
            settings: TrainingSettings(
                optimizer: .sgd(), schedule: .constant, batch: .examples(8),
                gradientClipping: nil))
        var losses: [Double] = []
        trainer.listen { if case .step(let step) = $0 { losses.append(step.loss) } }
        try await trainer.fit(
            on: Dataset(inputs: pictures, targets: (0..<8).map { labels[$0 % 3] }))

        let expected = try Self.expected()
        let wanted = try expected.doubles("losses")
        #expect(losses.count == 20)
        for (loss, other) in zip(losses, wanted) { #expect(abs(loss - other) <= 1e-3 * other) }
        let values = Dictionary(
            uniqueKeysWithValues: model.parameters.map { ($0.path, $0.value) })
        for name in ["_bn0", "_blocks.3._bn1", "_bn1"] {
            for (kind, suffix) in [("mean", "running_mean"), ("variance", "running_var")] {
                let found = try #require(values["\(name).\(suffix)"])
                let problem = normMismatch(
                    found.converted(to: .float64),
                    try expected.required("\(kind).\(name)").converted(to: .float64),
                    relative: 1e-3)
                #expect(problem == nil, "\(name) \(kind)")
            }
        }
        let outputs = try model.outputs(for: pictures).flatMap { $0 }
        let difference = zip(outputs, try expected.doubles("eval")).reduce(0.0) {
            max($0, abs(Double($1.0) - $1.1))
        }
        print("greatest difference of a logit after training: \(difference)")
        #expect(difference < 0.005)
    }
}

private let picturesFile = ProcessInfo.processInfo.environment["FINETUNE_PICTURES"]
