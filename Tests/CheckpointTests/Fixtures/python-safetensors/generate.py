"""Writes every element type that a Tensor holds with the safetensors package of Python.

Run with torch, numpy and safetensors installed: `python generate.py`.

`types.safetensors` has one tensor a type, named by it. The bits of its elements are the high bits of
(index + 1) * 0x9E3779B97F4A7C15 mod 2^64, which the test computes for itself; a truth value is
whether the index is a multiple of 3. `shapes.safetensors` has a scalar, an empty tensor and a tensor
of rank 5, and metadata. `unsupported.safetensors` has types that a Tensor cannot hold.
"""

import pathlib

import numpy
import torch
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).parent
COUNT = 24
SHAPE = (2, 3, 4)

TYPES = {
    "U8": (8, torch.uint8), "I8": (8, torch.int8),
    "U16": (16, torch.uint16), "I16": (16, torch.int16),
    "F16": (16, torch.float16), "BF16": (16, torch.bfloat16),
    "U32": (32, torch.uint32), "I32": (32, torch.int32), "F32": (32, torch.float32),
    "U64": (64, torch.uint64), "I64": (64, torch.int64), "F64": (64, torch.float64),
}


def pattern(bits):
    words = (numpy.arange(1, COUNT + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15))
    return (words >> numpy.uint64(64 - bits)).astype(f"uint{bits}").reshape(SHAPE)


tensors = {
    name: torch.from_numpy(pattern(bits)).view(dtype) for name, (bits, dtype) in TYPES.items()
}
tensors["BOOL"] = (torch.arange(COUNT) % 3 == 0).reshape(SHAPE)
save_file(tensors, FOLDER / "types.safetensors")

shapes = {
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 7),
    "deep": torch.arange(48, dtype=torch.float32).reshape(1, 2, 3, 2, 4),
    "naïve 😀": torch.tensor([1, 2, 3], dtype=torch.int16),
}
save_file(shapes, FOLDER / "shapes.safetensors", metadata={"format": "pt", "clé": "ä\n\"q\""})

unsupported = {
    "F8_E4M3": torch.zeros(2, dtype=torch.float8_e4m3fn),
    "F8_E5M2": torch.zeros(2, dtype=torch.float8_e5m2),
    "C64": torch.zeros(2, dtype=torch.complex64),
    "F32": torch.ones(2),
}
save_file(unsupported, FOLDER / "unsupported.safetensors")
