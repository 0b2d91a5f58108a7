"""What all measurements share: settings of torch, peak memory, versions, inputs."""

import csv
import json
import resource
import sys


def prepare(options):
    """Imports torch with the wanted number of threads."""
    import torch

    torch.set_num_threads(options.threads)
    return torch


def peak_memory_bytes():
    """The most memory that this process had resident.

    Linux's `ru_maxrss` is inherited from the parent process; `VmHWM` is this process's own.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except FileNotFoundError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def serve(options, settings, stepper):
    """Prints the settings as one line of JSON, then answers lines until the input ends: `KIND SIZE ...
    COUNT` asks for COUNT steps of what `stepper` makes for the kind and the sizes, each made at a line
    `step` and answered with its milliseconds; `peak` is answered with the peak memory in bytes."""
    print(json.dumps(settings), file=options.output, flush=True)
    step = None
    for line in sys.stdin:
        words = line.split()
        if words == ["step"]:
            answer = f"{step():.4f}"
        elif words == ["peak"]:
            answer = str(peak_memory_bytes())
        else:
            kind, *sizes, _ = words
            step = stepper(kind, *map(int, sizes))
            continue
        print(answer, file=options.output, flush=True)


def train(torch, trained, optimizer, loss):
    """What follows the forward pass of a training step."""
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad()


def versions():
    import tokenizers
    import torch
    import transformers

    return {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "python": sys.version.split()[0],
    }


def read_tsv(path):
    """The rows of a TSV file with a header, as dictionaries."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not rows or "text" not in rows[0]:
        sys.exit(f"{path}: expected a header with a column 'text', and at least one row")
    return rows


def read_lines(path):
    """The lines of a text file, without the empty ones."""
    with open(path, encoding="utf-8", newline="\n") as file:
        return [line for line in file.read().split("\n") if line]


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
