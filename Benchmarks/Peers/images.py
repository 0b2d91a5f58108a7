"""Steps of EfficientNet-Lite0 with nine classes on batches of random pictures of 224 by 224.

    train            forward, backward, clipping, AdamW (fused)
    forward          a forward pass in evaluation mode, without gradients

Tensors are channels-last, which is twice as fast as PyTorch's default here. Serves the lines that
`measure.serve` tells, with the size `BATCH`.
"""

import time
from functools import partial

from lite0 import pretrained
from measure import prepare, serve, train, versions

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
            loss = torch.nn.functional.cross_entropy(outputs().float(), labels)
            train(torch, trained, optimizer, loss)
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
    serve(options, settings, partial(stepper, torch, options, model))
