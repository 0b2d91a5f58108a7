"""Rows for single steps of EfficientNet-Lite0 on pictures of 224 by 224: time and peak memory."""

from processes import Server, alternate, log

WARM_UP = 2

# Name, the kind of step, bfloat16.
STEPS = [
    ("step", "train", False),
    ("step, bfloat16", "train", True),
    ("inference", "forward", False),
    ("inference, bfloat16", "forward", True),
]


def run(setting):
    batch, repeats = (8, 3) if setting.quick else (32, 7)
    for name, kind, bfloat16 in STEPS:
        work, *rest = name.split(", ")
        work = ", ".join([f"EfficientNet-Lite0 {work} {batch} x 224²", *rest])
        if bfloat16 and not setting.has_bfloat16:
            log(f"{work}: this CPU has no bfloat16 products")
        elif setting.wants(work, work + ", peak memory"):
            compare(setting, work, kind, bfloat16, batch, repeats)


def compare(setting, work, kind, bfloat16, batch, repeats):
    size = ("--model", setting.network, "--threads", setting.threads)
    ours = setting.ours("ImageStepBenchmark", *size)
    peer = setting.peer("image-step", *size)
    if bfloat16:
        ours, peer = ours + ["--precision", "bfloat16"], peer + ["--bf16"]
    with Server(ours) as ours, Server(peer) as peer:
        log(f"PyTorch: {peer.settings}")
        for server in (ours, peer):
            server.send(f"{kind} {batch} {WARM_UP + repeats}")
        alternate((ours, peer), WARM_UP)
        times = alternate((ours, peer), repeats)
        setting.table.add(work, times[0], times[1], "ms")
        setting.table.add(
            work + ", peak memory", ours.ask("peak") / 1e6, peer.ask("peak") / 1e6, "MB")
