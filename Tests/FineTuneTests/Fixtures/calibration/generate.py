"""Makes temperatures and calibration errors.

    OMP_NUM_THREADS=1 python generate.py

Made with torch 2.13.0 and numpy on the CPU, one thread, in float64. Each case of `calibration.json`:
logits [rows, classes] and targets, the temperature that minimises `cross_entropy(logits / t)` by
L-BFGS on log t, and before and after it the expected calibration error over 15 intervals of equal
width, (m / 15, (m + 1) / 15], and the mean cross-entropy.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

FOLDER = Path(__file__).resolve().parent


def calibration_error(probabilities, targets, bins=15):
    confidence, answer = probabilities.max(1), probabilities.argmax(1)
    edges = np.linspace(0, 1, bins + 1)
    error = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            accuracy = (answer == targets)[inside].mean()
            error += inside.mean() * abs(accuracy - confidence[inside].mean())
    return float(error)


def best_temperature(logits, targets):
    log_temperature = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [log_temperature], lr=1, max_iter=500, tolerance_grad=1e-14, tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        loss = functional.cross_entropy(logits / log_temperature.exp(), targets)
        loss.backward()
        return loss

    optimizer.step(closure)
    return log_temperature.exp().item()


def measures(logits, targets):
    return {
        "error": calibration_error(logits.softmax(1).numpy(), targets.numpy()),
        "loss": functional.cross_entropy(logits, targets).item(),
    }


def case(generator, rows, classes, sharpness):
    """Targets drawn from the softmax of logits that are then made `sharpness` times too large."""
    logits = 1.5 * torch.randn(rows, classes, generator=generator).double()
    targets = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    logits = logits * sharpness
    temperature = best_temperature(logits, targets)
    return {
        "classes": classes, "logits": logits.flatten().tolist(), "targets": targets.tolist(),
        "temperature": temperature, "before": measures(logits, targets),
        "after": measures(logits / temperature, targets),
    }


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(6)
    cases = [
        case(generator, 120, 4, 3.0), case(generator, 80, 2, 0.2), case(generator, 100, 11, 1.0),
    ]
    (FOLDER / "calibration.json").write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    main()
