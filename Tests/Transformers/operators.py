"""Lets torchvision be imported beside a build of PyTorch that its compiled part does not fit.

torchvision asks for the names of its operators for detection when it is imported, and PyPI's build of these
needs the libraries of the GPU build of PyTorch. Transformers and PEFT import torchvision where there is
one. No network that is checked here uses these operators.
"""

import importlib.util
import os

import torch

declared = []


def declare():
    """To be called before anything imports torchvision."""
    found = importlib.util.find_spec("torchvision")
    if found is None or declared:
        return
    try:
        torch.ops.load_library(os.path.join(os.path.dirname(found.origin), "_C.so"))
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        declared.append(library)
