"""Runs this library and PyTorch in turn on the same work and prints one table.

Single steps alternate, ours then theirs, and medians are compared, so that what else the machine does
meets both alike. Whole jobs run one after the other on the same training and test files. The limit
is the time of the step's bare matrix products, measured between the steps.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

from measure import median

HERE = os.path.dirname(os.path.abspath(__file__))


class Server:
    """A process that answers each line `step` with the milliseconds of one step."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.settings = json.loads(self.process.stdout.readline())

    def ask(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare_steps(options, work, ours_flags, peer_flags, repeats):
    """Rows for the time and the peak memory of one kind of step."""
    size = ["--model", options.model, "--threads", str(options.threads), "--batch", "32",
            "--length", "128"]
    ours = Server([f"{options.programs}/StepBenchmark", *size, *ours_flags])
    limit = Server([f"{options.programs}/StepBenchmark", *size, *ours_flags, "--products"])
    peer = Server([sys.executable, f"{HERE}/peer.py", "minilm-step", *size, *peer_flags,
                   "--server"])
    for server in (ours, limit, peer):
        server.ask("step")
        server.ask("step")
    times = {ours: [], limit: [], peer: []}
    for _ in range(repeats):
        for server in (ours, peer, limit):
            times[server].append(server.ask("step"))
    result = [
        row(work, median(times[ours]), median(times[peer]), "ms", median(times[limit])),
        row(work + ", peak memory", ours.ask("peak") / 1e6, peer.ask("peak") / 1e6, "MB", None),
    ]
    for server in (ours, limit, peer):
        server.close()
    return result


def compare_jobs(options, seeds, epochs):
    """Rows for fine-tuning on TREC: seconds, accuracy and peak memory, means over the seeds."""
    sides = {"ours": [], "peer": []}
    with tempfile.TemporaryDirectory() as folder:
        train, test = f"{folder}/train.tsv", f"{folder}/test.tsv"
        for seed in seeds:
            subprocess.run(
                [f"{options.programs}/TaskBenchmark", "split", options.questions, "--train", train,
                 "--test", test, "--seed", str(seed)], check=True)
            arguments = ["--model", options.model, "--train", train, "--test", test, "--epochs",
                         str(epochs), "--seed", str(seed), "--threads", str(options.threads)]
            for side, command in (
                ("ours", [f"{options.programs}/TaskBenchmark", "train"]),
                ("peer", [sys.executable, f"{HERE}/peer.py", "trec"]),
            ):
                output = subprocess.run(
                    [*command, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout
                sides[side].append(json.loads(output.strip().splitlines()[-1]))
                print(f"seed {seed}, {side}: {sides[side][-1]}", file=sys.stderr)

    def mean(side, key):
        return sum(run[key] for run in sides[side]) / len(sides[side])

    work = f"TREC-6, {epochs} epochs, {len(seeds)} seeds"
    return [
        row(work, mean("ours", "trainSeconds"), mean("peer", "trainSeconds"), "s", None),
        row(work + ", accuracy", 100 * mean("ours", "accuracy"), 100 * mean("peer", "accuracy"),
            "%", None),
        row(work + ", peak memory", mean("ours", "peakMemoryBytes") / 1e6,
            mean("peer", "peakMemoryBytes") / 1e6, "MB", None),
    ]


def row(work, ours, peer, unit, limit):
    return {"work": work, "ours": ours, "peer": peer, "ratio": peer / ours, "unit": unit,
            "limit": limit}


def show(rows):
    print(f"{'work':<44}{'ours':>10}{'PyTorch':>10}{'ratio':>8}{'limit':>10}{'ours/limit':>12}")
    for r in rows:
        limit = f"{r['limit']:>10.1f}{r['ours'] / r['limit']:>12.2f}" if r["limit"] else ""
        print(f"{r['work']:<44}{r['ours']:>10.1f}{r['peer']:>10.1f}{r['ratio']:>8.2f}{limit}"
              f"  {r['unit']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", required=True, help="folder of the built benchmarks")
    parser.add_argument("--model", required=True)
    parser.add_argument("--questions", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", help="file for the rows")
    parser.add_argument("--seeds", type=int, default=3, help="runs of the whole job on each side")
    parser.add_argument("--quick", action="store_true", help="few repeats, one seed, one epoch")
    options = parser.parse_args()
    repeats = 3 if options.quick else 9
    rows = []
    rows += compare_steps(options, "MiniLM step 32 x 128", [], [], repeats)
    rows += compare_steps(
        options, "same, no dropout", ["--no-dropout"], ["--no-dropout"], repeats)
    rows += compare_steps(options, "same, frozen backbone", ["--frozen"], ["--frozen"], repeats)
    show(rows)
    rows += compare_jobs(
        options, range(1 if options.quick else options.seeds), 1 if options.quick else 3)
    show(rows)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=2)


if __name__ == "__main__":
    main()
