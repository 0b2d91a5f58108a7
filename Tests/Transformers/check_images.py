"""Checks that reference implementations load folders of networks for images which the library saved, and
compute the same logits.

    python check_images.py FOLDER TENSORS.safetensors [FOLDER TENSORS.safetensors ...]

A FOLDER whose `config.json` has a `model_type` is given to Transformers'
`AutoModelForImageClassification`. Otherwise it names an architecture: the weights of
`efficientnet-lite0` are given to the PyTorch module of Benchmarks/Peers/lite0.py, those of a network of
torchvision to that, and any other folder to timm. TENSORS holds `images`, [count, height, width, 3] as
they go into the network, and `logits`.

Fails (exit status 1) if a weight is missing, unexpected or of another shape, or if a logit differs by more
than 1e-4. Prints a line for each folder.
"""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import operators

operators.declare()

import torch
from safetensors.torch import load_file

TOLERANCE = 1e-4


def load(folder):
    """The model and the complaints about the folder's weights."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        configuration = json.load(file)
    if "model_type" in configuration:
        from transformers import AutoModelForImageClassification

        model, info = AutoModelForImageClassification.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, output_loading_info=True)
        return model, [f"{kind}: {sorted(map(str, names))}" for kind, names in info.items() if names]

    architecture, classes = configuration["architecture"], configuration["num_classes"]
    if architecture == "efficientnet-lite0":
        here = os.path.dirname(os.path.abspath(__file__))
        sys.path.insert(0, os.path.join(here, "..", "..", "Benchmarks", "Peers"))
        from lite0 import Lite0

        model = Lite0(classes)
    elif hasattr(torchvision_models(), architecture):
        model = getattr(torchvision_models(), architecture)(num_classes=classes)
    else:
        import timm

        # Strict, and by what the folder's config.json says alone.
        return timm.create_model(f"local-dir:{folder}", pretrained=True), []
    found = model.load_state_dict(
        load_file(os.path.join(folder, "model.safetensors")), strict=False)
    return model, [f"missing: {name}" for name in found.missing_keys] + [
        f"unexpected: {name}" for name in found.unexpected_keys]


def torchvision_models():
    from torchvision import models

    return models


@torch.no_grad()
def check(folder, path):
    """Prints a line, and returns whether all is well."""
    model, complaints = load(folder)
    tensors = load_file(path)
    output = model.eval()(tensors["images"].permute(0, 3, 1, 2).contiguous())
    logits = getattr(output, "logits", output)
    difference = float("nan")
    if logits.shape != tensors["logits"].shape:
        complaints.append(
            f"logits are {list(logits.shape)}, expected {list(tensors['logits'].shape)}")
    else:
        difference = (logits - tensors["logits"]).abs().max().item()
        if not difference <= TOLERANCE:
            complaints.append(f"a logit differs by {difference:.2e}, more than {TOLERANCE:.0e}")
    verdict = "FAILED: " + "; ".join(complaints) if complaints else "ok"
    kind = type(model)
    print(f"{kind.__module__.split('.')[0]} {kind.__name__}, {len(logits)} images, greatest difference "
          f"of a logit {difference:.2e}: {verdict}", flush=True)
    return not complaints


def main():
    arguments = sys.argv[1:]
    if not arguments or len(arguments) % 2:
        sys.exit(__doc__)
    # All are checked, also after one that failed.
    results = [check(*pair) for pair in zip(arguments[::2], arguments[1::2])]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
