"""What PyTorch and Transformers need for the jobs of this library.

    python peer.py minilm-step --model DIR [--threads 2] [--batch 32] [--length 128] [--repeats 5]
                               [--no-dropout] [--bf16] [--frozen | --lora RANK]
                               [--attention auto|sdpa|eager] [--server]
    python peer.py trec --model DIR --train train.tsv --test test.tsv [--epochs 3] [--seed 0]
                        [--threads 2] [--bf16] [--plan full|head|top2]
    python peer.py predict --model DIR [--texts test.tsv] [--threads 2] [--repeats 5]
    python peer.py startup --model DIR [--threads 2] [--repeats 3]

Every subcommand prints one line of JSON on standard output, and all else on standard error.
Nothing is downloaded. `minilm-step --server` answers on standard input and output instead, so that
its steps can alternate with those of another program; see step.py.
"""

import argparse
import json
import os
import sys


def parser():
    top = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(dest="command", required=True)

    def command(name):
        sub = commands.add_parser(name)
        sub.add_argument("--model", required=True, help="a folder in the Hugging Face layout")
        sub.add_argument("--threads", type=int, default=2)
        return sub

    step = command("minilm-step")
    step.add_argument("--batch", type=int, default=32)
    step.add_argument("--length", type=int, default=128)
    step.add_argument("--repeats", type=int, default=5)
    step.add_argument("--no-dropout", action="store_true")
    step.add_argument("--bf16", action="store_true")
    step.add_argument("--attention", choices=["auto", "sdpa", "eager"], default="auto")
    step.add_argument("--server", action="store_true")
    trained = step.add_mutually_exclusive_group()
    trained.add_argument("--frozen", action="store_true", help="train the classifier only")
    trained.add_argument("--lora", type=int, metavar="RANK", help="train adapters of this rank")

    trec = command("trec")
    trec.add_argument("--train", required=True, help="a TSV file with the columns text and label")
    trec.add_argument("--test", required=True)
    trec.add_argument("--epochs", type=int, default=3)
    trec.add_argument("--seed", type=int, default=0)
    trec.add_argument("--bf16", action="store_true")
    trec.add_argument("--plan", choices=["full", "head", "top2"], default="full")

    predict = command("predict")
    predict.add_argument("--texts", help="a TSV file with the column text; else made-up questions")
    predict.add_argument("--repeats", type=int, default=5)

    startup = command("startup")
    startup.add_argument("--repeats", type=int, default=3)
    startup.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    return top


def main():
    options = parser().parse_args()
    # Before torch is imported: both are read once.
    os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = str(options.threads)
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

    # Libraries print as they like; standard output is for results.
    options.output, sys.stdout = sys.stdout, sys.stderr
    if options.command == "minilm-step":
        from step import run
    elif options.command == "trec":
        from trec import run
    elif options.command == "predict":
        from predict import run
    else:
        from startup import run
    result = run(options)
    if result is not None:
        print(json.dumps(result), file=options.output, flush=True)


if __name__ == "__main__":
    main()
