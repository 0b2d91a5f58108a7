"""Makes what PyTorch's optimizers and clipping, and Transformers' schedules compute.

    OMP_NUM_THREADS=1 python generate.py

Made with torch 2.13.0, transformers 5.23.0 on the CPU, one thread. Everything is computed in float64
from numbers that float32 holds exactly, and written to `optimization.json`:

    optimizers   runs of one parameter of 37 or 5 numbers with six given gradients; `weights` after every
                 step. The rate of a step is `rates[step]`. `adamw` is `torch.optim.AdamW`; `sgd` is
                 `torch.optim.SGD` with momentum and without its own (coupled) decay, after the
                 parameter was multiplied by 1 - rate * weightDecay
    clipping     gradients of several parameters, and what `clip_grad_norm_` makes of them
    schedules    the factors of `get_*_schedule_with_warmup` for every step of a run
"""

import json
from pathlib import Path

import torch
from transformers import (
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

FOLDER = Path(__file__).resolve().parent
RATES = [0.0, 0.05, 0.1, 0.1, 0.02, 0.001]
SIZE = 37


def numbers(generator, *shape):
    return torch.randn(*shape, generator=generator).double()


def optimizer_run(kind, generator, settings, size=SIZE):
    parameter = torch.nn.Parameter(numbers(generator, size))
    gradients = numbers(generator, len(RATES), size)
    gradients[:, 3] = 0  # a number that never gets a gradient only decays
    gradients[:, 4] *= 1e-6
    start = parameter.tolist()
    if kind == "adamw":
        optimizer = torch.optim.AdamW(
            [parameter], betas=(settings["beta1"], settings["beta2"]), eps=settings["epsilon"],
            weight_decay=settings["weightDecay"],
        )
    else:
        optimizer = torch.optim.SGD([parameter], momentum=settings["momentum"])
    weights = []
    for rate, gradient in zip(RATES, gradients):
        optimizer.param_groups[0]["lr"] = rate
        if kind == "sgd":
            with torch.no_grad():
                parameter.mul_(1 - rate * settings["weightDecay"])
        parameter.grad = gradient.clone()
        optimizer.step()
        weights.append(parameter.tolist())
    return {
        "kind": kind, **settings, "start": start, "rates": RATES,
        "gradients": gradients.tolist(), "weights": weights,
    }


def grid(generator):
    """Every combination of some settings, each on five numbers."""
    decays = (0.0, 0.01, 0.25)
    return [
        optimizer_run(
            "adamw", generator,
            {"beta1": beta1, "beta2": beta2, "epsilon": epsilon, "weightDecay": decay}, size=5)
        for beta1, beta2 in ((0.9, 0.999), (0.8, 0.95), (0.0, 0.99))
        for epsilon in (1e-8, 1e-3)
        for decay in decays
    ] + [
        optimizer_run("sgd", generator, {"momentum": momentum, "weightDecay": decay}, size=5)
        for momentum in (0.0, 0.5, 0.99)
        for decay in decays
    ]


def clipping(generator, scale, limit):
    parameters = [torch.nn.Parameter(torch.zeros(n).double()) for n in (3, 1, 8)]
    for parameter in parameters:
        parameter.grad = scale * numbers(generator, *parameter.shape)
    before = [parameter.grad.tolist() for parameter in parameters]
    length = torch.nn.utils.clip_grad_norm_(parameters, limit).item()
    return {
        "limit": limit, "length": length, "gradients": before,
        "clipped": [parameter.grad.tolist() for parameter in parameters],
    }


def schedule(kind, warmup, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = {
        "constant": lambda: get_constant_schedule_with_warmup(optimizer, warmup),
        "linear": lambda: get_linear_schedule_with_warmup(optimizer, warmup, steps),
        "cosine": lambda: get_cosine_schedule_with_warmup(optimizer, warmup, steps),
    }[kind]()
    factors = []
    for _ in range(steps):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return {"kind": kind, "warmup": warmup, "steps": steps, "factors": factors}


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(11)
    adamw = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weightDecay": 0.01}
    result = {
        "optimizers": [
            optimizer_run("adamw", generator, adamw),
            optimizer_run("adamw", generator, {**adamw, "weightDecay": 0.0}),
            optimizer_run(
                "adamw", generator,
                {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3, "weightDecay": 0.5},
            ),
            optimizer_run("sgd", generator, {"momentum": 0.0, "weightDecay": 0.0}),
            optimizer_run("sgd", generator, {"momentum": 0.9, "weightDecay": 0.0}),
            optimizer_run("sgd", generator, {"momentum": 0.9, "weightDecay": 0.1}),
        ],
        "clipping": [
            clipping(generator, scale, limit)
            for scale, limit in ((1.0, 1.0), (1.0, 100.0), (1e-4, 1.0), (1e3, 0.5), (0.0, 1.0))
        ],
        "schedules": [
            schedule(kind, warmup, steps)
            for kind in ("constant", "linear", "cosine")
            for warmup, steps in (
                (0, 10), (3, 10), (1, 7), (10, 10), (0, 1), (1, 1), (5, 20), (0, 50), (25, 50), (2, 3)
            )
        ],
    }
    result["optimizers"] += grid(generator)
    (FOLDER / "optimization.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
