@testable import FineTune
import Foundation
import TestSupport

/// Training written down plainly, to compare phases with: gradients come from the model, but what
/// trains, its rate, its optimizer's memory and every sum of it are kept here, a number at a time.
/// Tables move whole, and parameters are told apart by their names.
final class ReferenceTraining {
    /// What a phase does, in the words of the test.
    struct Phase {
        var epochs: Int
        /// The rate of the parameter of this name; nil for a frozen one.
        var rate: (String) -> Double?
        var weightDecay: Double?
        /// The factor of step `step` of `steps` of the phase, in place of the run's.
        var schedule: ((_ step: Int, _ steps: Int) -> Double)?
        var alpha = 0.0
        var beta = 0.0
    }

    private struct Memory {
        var steps = 0
        var first, second: [Float]
    }

    let model: TextClassifier
    private let settings: TrainingSettings
    private let engine: TrainingRun<TextPreparation, ClassificationHead>
    private var memories: [String: Memory] = [:]
    private let start: [String: [Float]]
    private let head: Set<String>

    init(_ model: TextClassifier, settings: TrainingSettings, data: LabeledTexts) throws {
        (self.model, self.settings) = (model, settings)
        start = model.weights()
        head = Set(model.network.parameters.map(\.path))
        engine = try TrainingRun(
            model: model, plan: .full(epochs: 1), settings: settings, data: data, validation: nil)
    }

    func train(_ phases: [Phase]) throws {
        let sizes = engine.examples.items.map { model.preparation.size(of: $0) }
        let order = BatchOrder(sizes: sizes, limit: settings.batch, seed: settings.seed)
        var epochs: [[[[Int]]]] = []
        for epoch in 0..<phases.reduce(0, { $0 + $1.epochs }) {
            let batches = order.batches(epoch: epoch)
            epochs.append(
                stride(from: 0, to: batches.count, by: settings.accumulation).map {
                    Array(batches[$0..<min($0 + settings.accumulation, batches.count)])
                })
        }
        let total = epochs.joined().count
        var (epoch, done) = (0, 0)
        for phase in phases {
            let steps = epochs[epoch..<epoch + phase.epochs].flatMap { $0 }
            for (index, step) in steps.enumerated() {
                let factor =
                    phase.schedule?(index, steps.count)
                    ?? settings.schedule.factor(step: done, of: total)
                try take(step, phase, factor: factor)
                done += 1
            }
            epoch += phase.epochs
        }
    }

    private func take(_ step: [[Int]], _ phase: Phase, factor: Double) throws {
        for parameter in model.parameters {
            parameter.isTrainable = phase.rate(parameter.path) != nil
            parameter.clearGradient()
        }
        _ = try engine.computeGradients(of: step)
        for parameter in model.parameters {
            guard let rate = phase.rate(parameter.path), let gradient = parameter.gradient else {
                continue
            }
            move(
                parameter, by: gradient.elements(as: Float.self), rate: rate * factor, phase: phase)
        }
    }

    private func move(_ parameter: Parameter, by gradient: [Float], rate: Double, phase: Phase) {
        let name = parameter.path
        var gradient = gradient
        var weights = parameter.value.elements(as: Float.self)
        let decays = parameter.kind.decays
        for i in gradient.indices {
            if head.contains(name) {
                if phase.beta > 0, decays { gradient[i] += weights[i] * Float(phase.beta) }
            } else if phase.alpha > 0, let start = start[name] {
                gradient[i] += (weights[i] - start[i]) * Float(phase.alpha)
            }
        }
        let zeros = [Float](repeating: 0, count: gradient.count)
        var memory = memories[name] ?? Memory(first: zeros, second: zeros)
        memory.steps += 1
        switch settings.optimizer {
        case .adamW(let beta1, let beta2, let epsilon, let weightDecay):
            let shrink = Float(1 - rate * (decays ? phase.weightDecay ?? weightDecay : 0))
            let step = Float(rate / (1 - pow(beta1, Double(memory.steps))))
            let root = Float((1 - pow(beta2, Double(memory.steps))).squareRoot())
            for i in gradient.indices {
                let g = gradient[i]
                memory.first[i] = fused(memory.first[i], Float(beta1), g * Float(1 - beta1))
                memory.second[i] = fused(memory.second[i], Float(beta2), g * g * Float(1 - beta2))
                let denominator = memory.second[i].squareRoot() / root + Float(epsilon)
                weights[i] = fused(weights[i], shrink, -step * (memory.first[i] / denominator))
            }
        case .sgd(let momentum, let weightDecay):
            let shrink = Float(1 - rate * (decays ? phase.weightDecay ?? weightDecay : 0))
            for i in gradient.indices {
                memory.first[i] =
                    memory.steps == 1
                    ? gradient[i] : fused(memory.first[i], Float(momentum), gradient[i])
                weights[i] = fused(weights[i], shrink, -Float(rate) * memory.first[i])
            }
        }
        memories[name] = memory
        parameter.value = Tensor(weights, shape: parameter.shape)
    }

    private func fused(_ a: Float, _ b: Float, _ c: Float) -> Float {
        Tensor.cpuLevel == "baseline" ? a * b + c : c.addingProduct(a, b)
    }
}
