"""Rows for single steps of MiniLM: time, peak memory, and what a second thread gives."""

import json
import os
import shutil

from processes import Server, alternate, log

WARM_UP = 2

# Of the adapters on queries and values, on both sides.
RANK = 8

# Name, our kind of step, PyTorch's, that of the bare products, the model, bfloat16.
STEPS = [
    ("step", "train", "train", "products", "published", False),
    ("step, no dropout", "train", "train", "products", "without dropout", False),
    ("step, bfloat16", "train", "train", "products", "published", True),
    ("step, LoRA", "adapter", "train", "adapter-products", "published", False),
    ("step, frozen backbone", "frozen", "frozen", "forward-products", "published", False),
    ("forward, frozen backbone", "forward", "frozen-forward", "forward-products", "published",
     False),
    ("forward, evaluation mode", "forward", "forward", "forward-products", "published", False),
]


def model_folder(setting, variant):
    """The published model, or a copy of it whose configuration has no dropout."""
    if variant == "published":
        return setting.model
    folder = os.path.join(setting.folder, "without-dropout")
    if not os.path.exists(folder):
        shutil.copytree(setting.model, folder)
        path = os.path.join(folder, "config.json")
        with open(path, encoding="utf-8") as file:
            configuration = json.load(file)
        configuration["hidden_dropout_prob"] = configuration["attention_probs_dropout_prob"] = 0.0
        with open(path, "w", encoding="utf-8") as file:
            json.dump(configuration, file)
    return folder


def our_steps(setting, model, threads, bfloat16=False):
    command = setting.ours("StepBenchmark", "--model", model, "--threads", threads)
    return Server(command + (["--precision", "bfloat16"] if bfloat16 else []))


def peer_steps(setting, model, threads, bfloat16=False, attention=None, trial="train 32 128",
               adapters=False):
    attention = attention or ("sdpa" if setting.quick else "auto")
    command = setting.peer(
        "minilm-step", "--model", model, "--threads", threads, "--attention", attention,
        "--trial", trial)
    command += ["--bf16"] if bfloat16 else []
    command += ["--lora", str(RANK)] if adapters else []
    server = Server(command)
    log(f"PyTorch: {server.settings}")
    return server


def run(setting):
    batch, length = (8, 128) if setting.quick else (32, 128)
    repeats = 3 if setting.quick else 9
    for name, ours, peer, products, variant, bfloat16 in STEPS:
        kind, *rest = name.split(", ")
        work = ", ".join([f"MiniLM {kind} {batch} x {length}", *rest])
        if bfloat16 and not setting.has_bfloat16:
            log(f"{work}: this CPU has no bfloat16 products")
            continue
        if setting.wants(work, work + ", peak memory"):
            model = model_folder(setting, variant)
            compare(setting, work, model, (ours, peer, products), (batch, length), bfloat16,
                    repeats)
    work = f"MiniLM step {batch} x {length}, 1 to {setting.threads} threads"
    if setting.threads > 1 and setting.wants(work):
        compare_threads(setting, work, (batch, length), min(repeats, 5))


def begin(servers, kinds, size, repeats):
    """Asks for steps and makes those that warm up."""
    for server, kind in zip(servers, kinds):
        server.send(f"{kind} {size[0]} {size[1]} {WARM_UP + repeats}")
    alternate(servers, WARM_UP)


def compare(setting, work, model, kinds, size, bfloat16, repeats):
    threads = setting.threads
    trial = f"{kinds[1]} {size[0]} {size[1]}"
    with (
        our_steps(setting, model, threads, bfloat16) as ours,
        peer_steps(setting, model, threads, bfloat16, trial=trial,
                   adapters=kinds[0] == "adapter") as peer,
        our_steps(setting, model, threads) as products,
    ):
        servers = (ours, peer, products)
        begin(servers, kinds, size, repeats)
        times = alternate(servers, repeats)
        # A core multiplies twice as many numbers in bfloat16.
        limit = times[2] / 2 if bfloat16 else times[2]
        setting.table.add(work, times[0], times[1], "ms", limit)
        setting.table.add(
            work + ", peak memory", ours.ask("peak") / 1e6, peer.ask("peak") / 1e6, "MB")


def compare_threads(setting, work, size, repeats):
    """How many times faster a step is on all threads than on one; the limit is what the bare
    products gain."""
    counts = (1, setting.threads)
    servers = [our_steps(setting, setting.model, count) for count in counts]
    servers += [peer_steps(setting, setting.model, count, attention="sdpa") for count in counts]
    servers += [our_steps(setting, setting.model, count) for count in counts]
    begin(servers, ["train"] * 4 + ["products"] * 2, size, repeats)
    times = alternate(servers, repeats)
    for server in servers:
        server.close()
    ours, peer, products = (times[i] / times[i + 1] for i in (0, 2, 4))
    setting.table.add(work, ours, peer, "x", products)
