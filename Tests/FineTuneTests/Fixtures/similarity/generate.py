"""Makes losses of heads that compare vectors or levels, and their gradients.

    OMP_NUM_THREADS=1 python generate.py

Made with torch 2.13.0 and scikit-learn 1.9.1 on the CPU, one thread, in float64. `similarity.json`
holds cases of each kind, with `outputs` row after row, the mean `loss` and its `gradient`:

    cosine      `mse_loss(cosine_similarity(u, v), targets)`, rows u and v in turn
    negatives   `cross_entropy(scale * cos(a, c), arange)`, groups of `size` rows: a, its own c, and
                hard negatives, which follow all own ones
    triplet     mean of `relu(|a - p| - |a - n| + margin)`, rows a, p and n in turn
    ordinal     the CORAL loss, − Σ logsigmoid(o) [y > k] + (logsigmoid(o) − o) [y <= k], its mean over
                examples, for outputs [rows, levels − 1]; `kappa` is `cohen_kappa_score(weights=
                "quadratic")` of targets and random `predictions`, `error` their mean distance
"""

import json
from pathlib import Path

import torch
from sklearn.metrics import cohen_kappa_score
from torch.nn import functional

FOLDER = Path(__file__).resolve().parent
WIDTH = 5


def leaf(generator, *shape, scale=1.0):
    return (scale * torch.randn(*shape, generator=generator).double()).requires_grad_()


def case(outputs, loss, **rest):
    loss.backward()
    return {
        "rows": outputs.shape[0], "outputs": outputs.flatten().tolist(), "loss": loss.item(),
        "gradient": outputs.grad.flatten().tolist(), **rest,
    }


def cosine(generator, pairs, scale):
    outputs = leaf(generator, 2 * pairs, WIDTH, scale=scale)
    targets = 2 * torch.rand(pairs, generator=generator).double() - 1
    found = functional.cosine_similarity(outputs[0::2], outputs[1::2])
    return case(outputs, functional.mse_loss(found, targets), targets=targets.tolist())


def negatives(generator, groups, size, scale):
    outputs = leaf(generator, groups * size, WIDTH)
    unit = functional.normalize(outputs)
    anchors = unit[0::size]
    others = torch.cat([unit[text::size] for text in range(1, size)])
    loss = functional.cross_entropy(scale * anchors @ others.T, torch.arange(groups))
    return case(outputs, loss, size=size, scale=scale)


def triplet(generator, groups, margin):
    outputs = leaf(generator, 3 * groups, WIDTH)
    near = (outputs[0::3] - outputs[1::3]).norm(dim=1)
    far = (outputs[0::3] - outputs[2::3]).norm(dim=1)
    return case(outputs, torch.relu(near - far + margin).mean(), margin=margin)


def ordinal(generator, rows, levels, scale):
    outputs = leaf(generator, rows, levels - 1, scale=scale)
    targets = torch.randint(0, levels, (rows,), generator=generator)
    reached = (targets[:, None] > torch.arange(levels - 1)).double()
    logs = functional.logsigmoid(outputs)
    loss = -(logs * reached + (logs - outputs) * (1 - reached)).sum(1).mean()
    guesses = (targets + torch.randint(-1, 2, (rows,), generator=generator)).clamp(0, levels - 1)
    return case(
        outputs, loss, levels=levels, labels=targets.tolist(), predictions=guesses.tolist(),
        kappa=float(cohen_kappa_score(targets, guesses, weights="quadratic")),
        error=(targets - guesses).abs().double().mean().item(),
    )


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(9)
    result = {
        "cosine": [cosine(generator, 1, 1.0), cosine(generator, 7, 30.0)],
        "negatives": [
            negatives(generator, 1, 3, 20.0), negatives(generator, 6, 2, 20.0),
            negatives(generator, 5, 4, 3.0),
        ],
        "triplet": [triplet(generator, 1, 1.0), triplet(generator, 8, 0.3)],
        "ordinal": [ordinal(generator, 9, 5, 2.0), ordinal(generator, 6, 2, 200.0)],
    }
    (FOLDER / "similarity.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
