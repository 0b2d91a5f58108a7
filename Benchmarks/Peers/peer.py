"""What PyTorch and Transformers need for the jobs of this library.

    python peer.py minilm-step --model DIR [--threads 2] [--bf16] [--lora RANK]
                               [--attention auto|sdpa|eager] [--trial 'train 32 128']
    python peer.py image-step --model WEIGHTS.pth [--threads 2] [--bf16]
    python peer.py predict --model DIR --texts LINES.txt [--threads 2]
    python peer.py tokens --model DIR --texts LINES.txt --ids FILE [--threads 2]
    python peer.py trec --model DIR --train train.tsv --test test.tsv [--epochs 3] [--seed 0]
                        [--threads 2] [--bf16] [--plan full|head|top2] [--attention auto|sdpa|eager]
    python peer.py probe --model DIR --train train.tsv --test test.tsv [--seed 0] [--threads 2]

`trec` and `probe` print one line of JSON. The others are servers, so that they can take turns with other
programs: each prints a line of JSON when it is ready, then answers lines on standard input with
numbers; see its file. All else goes to standard error. Nothing is downloaded.
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
        sub.add_argument("--model", required=True, help="a folder in the Hugging Face layout, or a file of weights")
        sub.add_argument("--threads", type=int, default=2)
        return sub

    step = command("minilm-step")
    step.add_argument("--bf16", action="store_true")
    step.add_argument("--attention", choices=["auto", "sdpa", "eager"], default="auto")
    step.add_argument("--trial", default="train 32 128", help="the step that decides `auto`")
    step.add_argument("--lora", type=int, metavar="RANK", help="train adapters of this rank")

    command("image-step").add_argument("--bf16", action="store_true")

    trec = command("trec")
    trec.add_argument("--train", required=True, help="a TSV file with the columns text and label")
    trec.add_argument("--test", required=True)
    trec.add_argument("--epochs", type=int, default=3)
    trec.add_argument("--seed", type=int, default=0)
    trec.add_argument("--bf16", action="store_true")
    trec.add_argument("--plan", choices=["full", "head", "top2"], default="full")
    trec.add_argument("--attention", choices=["auto", "sdpa", "eager"], default="auto")
    trec.add_argument("--steps", type=int, default=-1, help="end after so many steps")

    probe = command("probe")
    probe.add_argument("--train", required=True, help="a TSV file with the columns text and label")
    probe.add_argument("--test", required=True)
    probe.add_argument("--seed", type=int, default=0, help="of the split, for the output")

    for name in ("predict", "tokens"):
        command(name).add_argument("--texts", required=True, help="a file of texts, one a line")
    commands.choices["tokens"].add_argument("--ids", required=True, help="the file for the ids")
    return top


def main():
    options = parser().parse_args()
    # Before torch is imported: they are read once.
    os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = str(options.threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

    # Libraries print as they like; standard output is for results.
    options.output, sys.stdout = sys.stdout, sys.stderr
    if options.command == "minilm-step":
        from step import run
    elif options.command == "image-step":
        from images import run
    elif options.command == "trec":
        from trec import run
    elif options.command == "probe":
        from probe import run
    elif options.command == "predict":
        from predict import run
    else:
        from tokens import run
    result = run(options)
    if result is not None:
        print(json.dumps(result), file=options.output, flush=True)


if __name__ == "__main__":
    main()
