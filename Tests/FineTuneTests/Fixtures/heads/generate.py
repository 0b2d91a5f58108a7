"""Makes what PyTorch's losses give for the heads.

    OMP_NUM_THREADS=1 python generate.py

Made with torch 2.13.0 on the CPU, one thread, in float64. `heads.json` holds cases of each kind:

    classification  `cross_entropy` of logits [rows, classes], with class weights and label smoothing
    multiLabel      `binary_cross_entropy_with_logits` of logits [rows, labels]
    regression      `mse_loss` of outputs [rows]

each with the mean `loss` as Transformers takes it, and its `gradient` with respect to the logits.
"""

import json
from pathlib import Path

import torch
from torch.nn import functional

FOLDER = Path(__file__).resolve().parent


def case(logits, loss, **inputs):
    loss.backward()
    return {
        **inputs, "logits": logits.tolist(), "loss": loss.item(), "gradient": logits.grad.tolist(),
    }


def logits_of(generator, *shape, scale=2.0):
    values = scale * torch.randn(*shape, generator=generator).double()
    return values.requires_grad_()


def classification(generator, rows, weights, smoothing, scale=2.0):
    classes = 4
    logits = logits_of(generator, rows, classes, scale=scale)
    targets = torch.randint(0, classes, (rows,), generator=generator)
    targets[0] = 1
    loss = functional.cross_entropy(
        logits, targets, weight=weights and torch.tensor(weights).double(),
        label_smoothing=smoothing,
    )
    return case(
        logits, loss, targets=targets.tolist(), weights=weights, smoothing=smoothing,
    )


def multi_label(generator, rows, labels, scale):
    logits = logits_of(generator, rows, labels, scale=scale)
    targets = (torch.rand(rows, labels, generator=generator) < 0.4).double()
    loss = functional.binary_cross_entropy_with_logits(logits, targets)
    return case(logits, loss, targets=targets.int().tolist())


def regression(generator, rows):
    outputs = logits_of(generator, rows)
    targets = torch.randn(rows, generator=generator).double()
    return case(outputs, functional.mse_loss(outputs, targets), targets=targets.tolist())


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(12)
    weights = [0.5, 2.0, 0.0, 1.25]
    result = {
        "classification": [
            classification(generator, 1, None, 0.0),
            classification(generator, 9, None, 0.0),
            classification(generator, 9, weights, 0.0),
            classification(generator, 9, None, 0.1),
            classification(generator, 9, weights, 0.2),
            classification(generator, 5, weights, 0.1, scale=300.0),
        ],
        "multiLabel": [
            multi_label(generator, 1, 1, 2.0),
            multi_label(generator, 7, 3, 2.0),
            multi_label(generator, 7, 3, 500.0),
        ],
        "regression": [regression(generator, 1), regression(generator, 8)],
    }
    (FOLDER / "heads.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
