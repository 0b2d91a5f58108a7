"""Steps of EfficientNet-Lite0 with nine classes on batches of random pictures of 224 by 224.

    train            forward, backward, clipping, AdamW (fused)
    forward          a forward pass in evaluation mode, without gradients

Tensors are channels-last, which is twice as fast as PyTorch's default here. Requests and answers are
those of the steps of MiniLM (step.py), with lines `KIND BATCH COUNT`.
"""

import json
import sys
import time

from lite0 import pretrained
from measure import peak_memory_bytes, prepare, versions

CLASSES = 9


def stepper(torch, options, model, kind, batch):
    """A function that makes one step and returns its milliseconds."""
    model.train(kind == "train")
    trained = list(model.parameters())
    optimizer = torch.optim.AdamW(trained, lr=1e-5, weight_decay=0.01, fused=True)
    images = torch.randint(0, 256, (batch, 3, 224, 224)).float().sub(127).div(128)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.arange(batch) % CLASSES

    def outputs():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.bf16):
            return model(images)

    def step():
        start = time.perf_counter()
        if kind == "forward":
            with torch.no_grad():
                outputs()
        else:
            torch.nn.functional.cross_entropy(outputs().float(), labels).backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad()
        return (time.perf_counter() - start) * 1e3

    return step


def run(options):
    torch = prepare(options)
    torch.manual_seed(0)
    model = pretrained(options.model, CLASSES).to(memory_format=torch.channels_last)
    settings = {
        "task": "image-step",
        "threads": options.threads,
        "precision": "bfloat16 autocast" if options.bf16 else "float32",
        "versions": versions(),
    }
    print(json.dumps(settings), file=options.output, flush=True)
    step = None
    for line in sys.stdin:
        words = line.split()
        if words == ["step"]:
            answer = f"{step():.4f}"
        elif words == ["peak"]:
            answer = str(peak_memory_bytes())
        else:
            step = stepper(torch, options, model, words[0], int(words[1]))
            continue
        print(answer, file=options.output, flush=True)
