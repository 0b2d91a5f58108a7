"""Runs this library and PyTorch in turn on the same work and prints one table.

Single steps alternate, ours then theirs, and medians are compared, so that what else the machine does
meets both alike. Whole jobs run one after the other on the same files. Every row is printed, and
saved, as soon as it is measured.

`ratio` says how many times better ours is. `limit` is the time that the step's matrix products alone
would take in OpenBLAS, measured between the steps (half of it in bfloat16), or else what the row's
file says.
"""

import argparse
import os
import re
import sys
import tempfile

import compare_curve
import compare_images
import compare_jobs
import compare_predictions
import compare_steps
import compare_tokens
from processes import Server, log
from table import Table


class Setting:
    """What is compared, where it is, and where the rows go."""

    def __init__(self, options, folder):
        self.programs = options.programs
        self.model = options.model
        self.network = options.network
        self.questions = options.questions
        self.threads = options.threads
        self.quick = options.quick
        self.seeds = 1 if options.quick else options.seeds
        self.only = re.compile(options.only or "")
        self.folder = folder
        self.has_bfloat16 = self.describe_ours()
        self.table = Table(options.json)

    def describe_ours(self):
        """Prints what our side runs on, and returns whether this CPU has bfloat16 products."""
        with Server(self.ours("StepBenchmark", "--model", self.model)) as server:
            log(f"ours: {server.settings}")
            return "bfloat16" in server.settings["precisions"].split()

    def wants(self, *works):
        """Whether any of these rows was asked for."""
        return any(self.only.search(work) for work in works)

    def ours(self, program, *arguments):
        return [f"{self.programs}/{program}", *map(str, arguments)]

    def peer(self, command, *arguments):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")
        return [sys.executable, script, command, *map(str, arguments)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", required=True, help="folder of the built benchmarks")
    parser.add_argument("--model", required=True)
    parser.add_argument("--network", required=True, help="EfficientNet-Lite0's file of weights")
    parser.add_argument("--questions", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", help="file for the rows")
    parser.add_argument("--only", metavar="REGEX", help="measure only rows whose name has this")
    parser.add_argument(
        "--seeds", type=int, default=3, help="runs of the TREC jobs that train everything")
    parser.add_argument(
        "--quick", action="store_true", help="small batches, little data, few repeats: a test run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(options, folder)
        for comparison in (compare_steps, compare_images, compare_predictions, compare_tokens,
                           compare_jobs, compare_curve):
            comparison.run(setting)


if __name__ == "__main__":
    main()
