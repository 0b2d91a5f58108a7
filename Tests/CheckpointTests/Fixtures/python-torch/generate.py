"""Writes files with torch.save, and what they hold with the safetensors package.

    OMP_NUM_THREADS=1 python generate.py

Made with torch 2.13.0 and safetensors 0.8.0. Each `NAME.pt` is a case. `expected.safetensors` has the
tensor PATH of the case NAME as `NAME:PATH`, contiguous; a path joins the keys of dictionaries and the
positions in lists with dots. A tensor of a type that the test cannot hold is not in it. Names that
begin with `legacy-` have the layout of before PyTorch 1.6, all others are ZIP archives.

`sharded/` has a model in two files with an index, `bert/pytorch_model.bin` the weights of
`LayersTests/Fixtures/families/bert`.
"""

import collections
import io
import json
import pathlib
import struct
import zipfile

import numpy
import torch
from safetensors.torch import load_file, save_file

FOLDER = pathlib.Path(__file__).resolve().parent
BERT = FOLDER.parents[2] / "LayersTests/Fixtures/families/bert/model.safetensors"
HELD = {
    torch.float64: 64, torch.float32: 32, torch.float16: 16, torch.bfloat16: 16, torch.int64: 64,
    torch.int32: 32, torch.int16: 16, torch.int8: 8, torch.uint8: 8, torch.bool: 8,
    torch.uint16: 16, torch.uint32: 32, torch.uint64: 64,
}
expected = {}


def pattern(dtype, count):
    """Elements whose bits are those of a multiplicative sequence, NaNs among them."""
    if dtype == torch.bool:
        return torch.arange(count) % 3 == 0
    bits = HELD[dtype]
    words = numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
    return torch.from_numpy((words >> numpy.uint64(64 - bits)).astype(f"uint{bits}")).view(dtype)


def record(case, value, path=""):
    if isinstance(value, torch.Tensor):
        if value.dtype in HELD:
            expected[f"{case}:{path}"] = value.detach().clone().contiguous()
        return
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        items = enumerate(value)
    else:
        return
    for key, item in items:
        record(case, item, f"{path}.{key}" if path else str(key))


def save(case, value, **options):
    options.setdefault("_use_new_zipfile_serialization", not case.startswith("legacy-"))
    torch.save(value, FOLDER / f"{case}.pt", **options)
    record(case, value)


def rewritten(case, value, change, **options):
    """A file whose records are those of torch.save, changed and written anew."""
    buffer = io.BytesIO()
    torch.save(value, buffer)
    records = {}
    with zipfile.ZipFile(buffer) as archive:
        for name in archive.namelist():
            records[name.split("/", 1)[1]] = archive.read(name)
    change(records)
    with zipfile.ZipFile(FOLDER / f"{case}.pt", "w", zipfile.ZIP_STORED) as archive:
        for name, content in records.items():
            with archive.open(zipfile.ZipInfo(f"archive/{name}"), "w", **options) as stream:
                stream.write(content)
    record(case, value)


def types():
    for dtype in HELD:
        name = str(dtype).removeprefix("torch.")
        save(f"type-{name}", {"weight": pattern(dtype, 24).reshape(2, 3, 4)})
        if dtype not in (torch.uint16, torch.uint32, torch.uint64):
            save(f"legacy-type-{name}", {"weight": pattern(dtype, 24).reshape(2, 3, 4)})
    save("legacy-type-uint16", {"weight": pattern(torch.uint16, 6)})
    save("type-unsupported", {
        "kept": torch.ones(2), "complex32": torch.zeros(2, dtype=torch.complex32),
        "complex64": torch.zeros(2, dtype=torch.complex64),
        "complex128": torch.zeros(2, dtype=torch.complex128),
        "float8_e4m3fn": torch.zeros(2, dtype=torch.float8_e4m3fn),
        "float8_e5m2": torch.zeros(2, dtype=torch.float8_e5m2),
    })


def views(prefix):
    def base(dtype=torch.float32):
        return pattern(dtype, 48).reshape(2, 3, 8)

    save(f"{prefix}view-slice", {"a": base()[1], "b": base()[:, 1:2]})
    save(f"{prefix}view-transposed", base()[0].t())
    save(f"{prefix}view-permuted", {"a": base().permute(2, 0, 1)})
    save(f"{prefix}view-step", {"a": base()[:, :, 1::3]})
    save(f"{prefix}view-expanded", {"a": base()[:, :1].expand(2, 4, 8)})
    save(f"{prefix}view-diagonal", {"a": torch.diagonal(base()[0])})
    save(f"{prefix}view-windows", {"a": base().reshape(-1).unfold(0, 7, 3)})
    save(f"{prefix}view-channels-last", {
        "a": pattern(torch.float32, 120).reshape(2, 3, 4, 5).contiguous(
            memory_format=torch.channels_last)})
    save(f"{prefix}view-scalar", {"a": base()[1, 2, 3], "b": torch.tensor(2.5)})
    save(f"{prefix}view-empty", {
        "a": torch.zeros(0, 7), "b": base()[2:], "c": torch.zeros(3, 0)[2:]})
    save(f"{prefix}view-bool", {"a": base(torch.bool)[:, :, ::2]})
    save(f"{prefix}view-bfloat16", {"a": base(torch.bfloat16).permute(1, 2, 0)})
    save(f"{prefix}view-int64", {"a": base(torch.int64)[:, 0, 2:5]})
    save(f"{prefix}view-one", {"a": torch.as_strided(base()[0], (1, 3), (1 << 40, 2))})


def sharing(prefix):
    whole = pattern(torch.float32, 20)
    save(f"{prefix}shared-storage", {"whole": whole, "part": whole[4:12].reshape(2, 4)})
    save(f"{prefix}shared-overlap", {"a": whole[:12], "b": whole[8:]})
    weight = torch.nn.Parameter(pattern(torch.float32, 12).reshape(4, 3))
    save(f"{prefix}shared-tied", {"embed.weight": weight, "head.weight": weight})
    save(f"{prefix}shared-order", {"z": torch.ones(2), "a": torch.zeros(2), "m": torch.ones(3)})


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(5, 4)
        self.body = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4))
        self.head = torch.nn.Linear(4, 5, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids):
        return self.head(self.body(self.embed(ids)))


def scripts(prefix):
    torch.manual_seed(0)
    model = Model()

    def trained(optimizer):
        for _ in range(2):
            optimizer.zero_grad()
            model(torch.arange(5)).square().sum().backward()
            optimizer.step()
        return optimizer.state_dict()

    save(f"{prefix}model", model.state_dict())
    save(f"{prefix}model-nested", {
        "epoch": 3, "arch": "tiny", "state_dict": model.state_dict(), "best": 0.5})
    sgd = trained(torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True))
    save(f"{prefix}optimizer-sgd", sgd)
    adam = trained(torch.optim.AdamW(model.parameters(), lr=1e-3, amsgrad=True))
    save(f"{prefix}optimizer-adamw", adam)
    save(f"{prefix}model-and-optimizer", {
        "model_state_dict": model.state_dict(), "optimizer_state_dict": adam})
    save(f"{prefix}parameters", list(model.parameters()))


def others():
    save("root-tensor", pattern(torch.float32, 6).reshape(2, 3))
    save("root-list", [torch.ones(2), (torch.zeros(1), {"a": torch.ones(1)})])
    save("root-empty", {})
    save("names", {
        "": torch.ones(1), "../x": torch.ones(2), "a b\n": torch.ones(3), "\u00e9": torch.ones(4),
        "e\u0301": torch.ones(5), "😀": torch.ones(6), 7: torch.ones(7), -1: torch.ones(8)})
    nested = torch.ones(1)
    for _ in range(60):
        nested = {"d": nested}
    save("deep", nested)
    save("rank", {"a": pattern(torch.int16, 8).reshape([1] * 30 + [2, 2, 2] + [1] * 31)})
    save("many", {f"layer.{i}.weight": torch.full((1,), float(i)) for i in range(300)})
    values = {
        "none": None, "true": True, "false": False, "zero": 0, "byte": 255, "short": 65535,
        "negative": -7, "int": 2**31 - 1, "long": 2**40, "longest": -2**63, "wide": 2**63,
        "float": -1.5, "text": "ä😀", "list": [1, [2]], "tuple": (1, 2, 3, 4), "pair": (1, "x"),
        "size": torch.Size([2, 3]), "dtype": torch.bfloat16, "cpu": torch.device("cpu"),
        "cuda": torch.device("cuda", 1), "ordered": collections.OrderedDict(a=1), 5: "integer key",
    }
    save("values", values)
    save("legacy-values", values)
    content = {"a": pattern(torch.float32, 6), "b": [1, torch.Size([4])], "c": torch.float16}
    for protocol in (3, 4, 5):
        save(f"protocol-{protocol}", content | {"d": {1}} if protocol > 3 else content,
             pickle_protocol=protocol)
        save(f"legacy-protocol-{protocol}", content, pickle_protocol=protocol)
    torch.serialization.set_crc32_options(False)
    save("no-checksums", {"a": torch.ones(3)})
    torch.serialization.set_crc32_options(True)


def archives():
    content = {
        "a": pattern(torch.float32, 6), "b": pattern(torch.int64, 3), "c": pattern(torch.bool, 5),
        "d": pattern(torch.bfloat16, 4).reshape(2, 2).t(), "e": pattern(torch.float64, 2)}

    def swap(records):
        records["byteorder"] = b"big"
        for number, tensor in enumerate(content.values()):
            name = f"data/{number}"
            code = {1: "B", 2: "H", 4: "I", 8: "Q"}[tensor.element_size()]
            count = len(records[name]) // tensor.element_size()
            numbers = struct.unpack(f"<{count}{code}", records[name])
            records[name] = struct.pack(f">{count}{code}", *numbers)

    rewritten("archive-big-endian", content, swap)
    rewritten("archive-packed", content, lambda records: None)
    rewritten("archive-zip64", content, lambda records: None, force_zip64=True)
    rewritten("archive-old", content, lambda records: [
        records.pop(name) for name in list(records) if name.startswith(".") or name == "byteorder"])
    rewritten("archive-reversed", content, lambda records: [
        records.update({name: records.pop(name)}) for name in sorted(records, reverse=True)])


def sharded():
    folder = FOLDER / "sharded"
    folder.mkdir(exist_ok=True)
    tied = pattern(torch.float32, 6).reshape(2, 3)
    shards = [{"a": tied, "z": tied}, {"b": pattern(torch.int64, 4), "c": torch.ones(2, 2).t()}]
    weight_map = {}
    for number, shard in enumerate(shards, 1):
        name = f"pytorch_model-{number:05}-of-00002.bin"
        torch.save(shard, folder / name)
        weight_map |= {key: name for key in shard}
        record("sharded", shard)
    index = {"metadata": {"total_size": 24 + 32 + 16}, "weight_map": weight_map}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2))


def bert():
    folder = FOLDER / "bert"
    folder.mkdir(exist_ok=True)
    torch.save(load_file(BERT), folder / "pytorch_model.bin")


types()
for prefix in ("", "legacy-"):
    views(prefix)
    sharing(prefix)
    scripts(prefix)
others()
archives()
sharded()
bert()
save_file(expected, FOLDER / "expected.safetensors")
print(len(list(FOLDER.glob("*.pt"))), "cases,", len(expected), "tensors")
