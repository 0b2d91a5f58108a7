"""Checks that a reference implementation loads a folder of a network for images which the library saved,
and computes the same logits.

    python check_images.py FOLDER TENSORS.safetensors

FOLDER is given to Transformers' `AutoModelForImageClassification`, or, if its `config.json` names the
architecture `efficientnet-lite0`, its weights to the PyTorch module of Benchmarks/Peers/lite0.py.
TENSORS holds `images`, [count, height, width, 3] as they go into the network, and `logits`.

Fails (exit status 1) if a weight is missing, unexpected or of another shape, or if a logit differs by more
than 1e-3. Prints one line.
"""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import torch
from safetensors.torch import load_file

TOLERANCE = 1e-3


def load(folder):
    """The model and the complaints about the folder's weights."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        configuration = json.load(file)
    if configuration.get("architecture") == "efficientnet-lite0":
        here = os.path.dirname(os.path.abspath(__file__))
        sys.path.insert(0, os.path.join(here, "..", "..", "Benchmarks", "Peers"))
        from lite0 import Lite0

        model = Lite0(configuration["num_classes"])
        found = model.load_state_dict(
            load_file(os.path.join(folder, "model.safetensors")), strict=False)
        complaints = [f"missing: {name}" for name in found.missing_keys]
        return model.eval(), complaints + [f"unexpected: {name}" for name in found.unexpected_keys]
    from transformers import AutoModelForImageClassification

    model, info = AutoModelForImageClassification.from_pretrained(
        folder, local_files_only=True, dtype=torch.float32, output_loading_info=True)
    return model.eval(), [
        f"{kind}: {sorted(map(str, names))}" for kind, names in info.items() if names]


@torch.no_grad()
def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, path = sys.argv[1:]
    model, complaints = load(folder)
    tensors = load_file(path)
    output = model(tensors["images"].permute(0, 3, 1, 2).contiguous())
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
    print(f"{type(model).__name__}, {len(logits)} images, greatest difference of a logit "
          f"{difference:.2e}: {verdict}")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
