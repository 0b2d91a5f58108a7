import Autograd
import Tensor
import TestSupport

extension DifferentiableOperation {
    static let lowRank: [DifferentiableOperation] = [
        .init(
            "lowRankLinear(weight:Variable,bias:Variable?,update:LowRankUpdate,"
                + "dropout:DropoutMask?)",
            everySetting { shape, outputs, rank, hasBias, hasOrigin, dropout in
                let inputs = factorInputs(shape, outputs, rank)
                let origin = hasOrigin ? origin(shape, outputs, rank) : nil
                return Case(
                    name(shape, outputs, rank, hasBias, hasOrigin, dropout),
                    inputs.dropLast(hasBias ? 0 : 1)
                ) {
                    $0[0].lowRankLinear(
                        weight: $0[1], bias: hasBias ? $0[4] : nil,
                        update: LowRankUpdate(
                            down: $0[2], up: $0[3], scale: 0.7, origin: origin),
                        dropout: dropout)
                }
            }),
        .init(
            "magnitudeLinear(weight:Variable,bias:Variable?,update:LowRankUpdate,"
                + "magnitude:Variable,norms:Tensor?,dropout:DropoutMask?)",
            everySetting { shape, outputs, rank, hasBias, hasOrigin, dropout in
                let inputs = factorInputs(shape, outputs, rank)
                let origin = hasOrigin ? origin(shape, outputs, rank) : nil
                // Constants to the rule, so they must be constants for the difference quotients.
                let norms = Samples.uniform([outputs], in: 0.5..<2, seed: 47)
                let magnitude = Samples.uniform([outputs], in: 0.5..<2, seed: 48)
                return Case(
                    name(shape, outputs, rank, hasBias, hasOrigin, dropout),
                    inputs[..<4] + [magnitude] + (hasBias ? [inputs[4]] : [])
                ) {
                    $0[0].magnitudeLinear(
                        weight: $0[1], bias: hasBias ? $0[5] : nil,
                        update: LowRankUpdate(
                            down: $0[2], up: $0[3], scale: 0.7, origin: origin),
                        magnitude: $0[4], norms: norms, dropout: dropout)
                }
            }),
    ]

    /// With dropout the update goes by way of its rank: both ways, with and without everything else.
    private static func everySetting(
        _ make: (Tensor.Shape, Int, Int, Bool, Bool, DropoutMask?) -> Case
    ) -> [Case] {
        let shapes: [(Tensor.Shape, Int, Int)] = [
            ([3, 5], 2, 1), ([7], 4, 2), ([2, 20], 30, 3), ([2, 3, 4], 17, 4), ([66, 64], 65, 8),
        ]
        let mask = DropoutMask(rate: 0.4, seed: 5, layer: 6, step: 7)
        return shapes.flatMap { shape, outputs, rank in
            [(true, false, nil), (false, true, nil), (true, true, mask), (false, false, mask)]
                .map { make(shape, outputs, rank, $0.0, $0.1, $0.2) }
        }
    }

    private static func name(
        _ shape: Tensor.Shape, _ outputs: Int, _ rank: Int, _ hasBias: Bool, _ hasOrigin: Bool,
        _ dropout: DropoutMask?
    ) -> String {
        "\(shape) to \(outputs), rank \(rank), \(hasBias ? "bias" : "no bias"), "
            + "\(hasOrigin ? "origin" : "no origin"), dropout \(dropout?.rate ?? 0)"
    }

    /// x, W, A, B and the bias.
    private static func factorInputs(
        _ shape: Tensor.Shape, _ outputs: Int, _ rank: Int
    ) -> [Tensor] {
        let inputs = shape[shape.rank - 1]
        return [
            Samples.normal(shape, seed: 41),
            Samples.normal([outputs, inputs], seed: 42, deviation: 0.5),
            Samples.normal([rank, inputs], seed: 43, deviation: 0.5),
            Samples.normal([outputs, rank], seed: 44, deviation: 0.5),
            Samples.normal([outputs], seed: 45),
        ]
    }

    private static func origin(
        _ shape: Tensor.Shape, _ outputs: Int, _ rank: Int
    ) -> LowRankUpdate.Origin {
        LowRankUpdate.Origin(
            down: Samples.normal([rank, shape[shape.rank - 1]], seed: 51, deviation: 0.5),
            up: Samples.normal([outputs, rank], seed: 52, deviation: 0.5))
    }
}
