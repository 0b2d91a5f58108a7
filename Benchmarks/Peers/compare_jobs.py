"""Rows for whole jobs: fine-tuning on TREC-6 beside the Trainer of Transformers.

Both read the same files; means over seeds. Our time includes tokenizing, theirs does not. The limit
of training the head alone is one forward pass over the training set.
"""

import os
import subprocess

from processes import log, result_of

# Name, plan, epochs, bfloat16, whether it runs with every seed or only with the first.
JOBS = [
    ("full", "full", 3, False, True),
    ("full, bfloat16", "full", 3, True, True),
    ("head only", "head", 10, False, False),
    ("top two layers", "top2", 10, False, False),
]
QUICK_EXAMPLES = 320


def run(setting):
    for name, plan, epochs, bfloat16, with_every_seed in JOBS:
        epochs = min(epochs, 2) if setting.quick else epochs
        seeds = range(setting.seeds if with_every_seed else 1)
        work = f"TREC-6 {name}, {epochs} epochs"
        if bfloat16 and not setting.has_bfloat16:
            log(f"{work}: this CPU has no bfloat16 products")
            continue
        if setting.wants(work, work + ", accuracy", work + ", peak memory"):
            compare(setting, work, plan, epochs, bfloat16, seeds)


def split(setting, seed):
    """The files of training and test examples for a seed."""
    train, test = (os.path.join(setting.folder, f"{name}.tsv") for name in ("train", "test"))
    limit = ["--limit", QUICK_EXAMPLES] if setting.quick else []
    subprocess.run(
        setting.ours("TaskBenchmark", "split", setting.questions, "--train", train, "--test", test,
                     "--seed", seed, *limit), check=True)
    return train, test


def compare(setting, work, plan, epochs, bfloat16, seeds):
    ours, peer = [], []
    attention = "sdpa" if setting.quick else "auto"
    for seed in seeds:
        train, test = split(setting, seed)
        arguments = [
            "--model", setting.model, "--train", train, "--test", test, "--epochs", epochs,
            "--seed", seed, "--threads", setting.threads, "--plan", plan,
        ]
        forward = ["--forward-pass"] if plan == "head" else []
        precision = ["--precision", "bfloat16"] if bfloat16 else []
        ours.append(result_of(
            setting.ours("TaskBenchmark", "train", *arguments, *forward, *precision)))
        log(f"{work}, seed {seed}, ours: {ours[-1]}")
        peer.append(result_of(
            setting.peer("trec", *arguments, "--attention", attention,
                         *(["--bf16"] if bfloat16 else []))))
        log(f"{work}, seed {seed}, PyTorch: {peer[-1]}")
        attention = peer[-1]["attention"]

    def mean(side, key):
        return sum(run[key] for run in side) / len(side)

    add = setting.table.add
    limit = mean(ours, "forwardSeconds") if plan == "head" else None
    add(work, mean(ours, "trainSeconds"), mean(peer, "trainSeconds"), "s", limit)
    add(work + ", accuracy", 100 * mean(ours, "accuracy"), 100 * mean(peer, "accuracy"), "%")
    add(work + ", peak memory", mean(ours, "peakMemoryBytes") / 1e6,
        mean(peer, "peakMemoryBytes") / 1e6, "MB")
