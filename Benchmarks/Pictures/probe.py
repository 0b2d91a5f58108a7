"""The frozen network with a head by scikit-learn, as one would do it in Python, on the folds of
`PictureBenchmark folds --list`.

    python probe.py --network FILE.pth --list FILE.tsv [--groups NAME]

The list has a line for each picture: its fold, its class and its path. `LogisticRegression` has its
defaults but for the number of iterations, and gets features as they are. Prints a line of JSON for each
fold.
"""

import argparse
import json
import os
import sys
import time

import numpy as np
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Peers"))
from lite0 import pretrained
from measure import peak_memory_bytes

SIDE, RESIZED = 224, 256


def pixels(path):
    """The middle of the picture on white, channels last."""
    with Image.open(path) as file:
        picture = file.convert("RGBA")
    page = Image.new("RGBA", picture.size, "white")
    page.alpha_composite(picture)
    width, height = page.size
    shorter = min(width, height)
    width, height = RESIZED * width // shorter, RESIZED * height // shorter
    left, top = round((width - SIDE) / 2), round((height - SIDE) / 2)
    resized = page.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized.crop((left, top, left + SIDE, top + SIDE)))


@torch.inference_mode()
def features(network, paths, batch=32):
    network._fc = torch.nn.Identity()
    network = network.to(memory_format=torch.channels_last)
    rows = []
    for start in range(0, len(paths), batch):
        images = np.stack([pixels(path) for path in paths[start : start + batch]])
        images = torch.from_numpy(images).permute(0, 3, 1, 2).float().sub(127).div(128)
        rows.append(network(images).numpy())
    return np.concatenate(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", required=True, help="EfficientNet-Lite0's file of weights")
    parser.add_argument("--list", required=True, help="lines of fold, class and path")
    parser.add_argument("--groups", default="author", help="what the folds keep together")
    options = parser.parse_args()
    recipe = "PyTorch + scikit-learn"
    if options.groups != "author":
        recipe += f", groups: {options.groups}"
    Image.MAX_IMAGE_PIXELS = None
    with open(options.list, encoding="utf-8") as file:
        folds, labels, paths = zip(*(line.rstrip("\n").split("\t") for line in file))
    folds, labels = np.array([int(fold) for fold in folds]), np.array(labels)
    start = time.process_time()
    inputs = features(pretrained(options.network), paths)
    feature_seconds = time.process_time() - start
    for fold in sorted(set(folds)):
        start = time.process_time()
        train, test = folds != fold, folds == fold
        model = LogisticRegression(max_iter=5000).fit(inputs[train], labels[train])
        answers = model.predict(inputs[test])
        print(
            json.dumps(
                {
                    "recipe": recipe, "fold": int(fold),
                    "trainExamples": int(train.sum()), "testExamples": int(test.sum()),
                    "accuracy": float((answers == labels[test]).mean()),
                    "macroF1": float(f1_score(labels[test], answers, average="macro")),
                    "processorSeconds": time.process_time() - start + feature_seconds,
                    "peakMemoryBytes": peak_memory_bytes(),
                },
                separators=(",", ":")), flush=True)


if __name__ == "__main__":
    main()
