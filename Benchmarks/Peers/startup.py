"""From the start of a process to its first prediction, in processes of their own."""

import json
import subprocess
import sys
import time

from measure import QUESTIONS, median, peak_memory_bytes, prepare, versions


def once(options):
    """The phases of this process; the interpreter's own start is not among them."""
    start = time.perf_counter()
    torch = prepare(options)
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    imported = time.perf_counter()
    tokenizer = AutoTokenizer.from_pretrained(options.model, local_files_only=True)
    model = AutoModelForSequenceClassification.from_pretrained(
        options.model, dtype=torch.float32, local_files_only=True
    ).eval()
    loaded = time.perf_counter()
    with torch.inference_mode():
        model(**tokenizer(QUESTIONS[0], return_tensors="pt")).logits.argmax(-1).item()
    predicted = time.perf_counter()
    return {
        "importSeconds": imported - start,
        "loadSeconds": loaded - imported,
        "firstPredictionSeconds": predicted - loaded,
        "peakMemoryBytes": peak_memory_bytes(),
        "versions": versions(),
    }


def run(options):
    if options.once:
        return once(options)
    command = [
        sys.executable, sys.argv[0], "startup", "--once", "--model", options.model,
        "--threads", str(options.threads),
    ]
    totals, phases = [], []
    for _ in range(options.repeats):
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            line = process.stdout.readline()
            totals.append(time.perf_counter() - start)
        if process.returncode != 0:
            sys.exit(f"startup: the measured process ended with status {process.returncode}")
        phases.append(json.loads(line))
    names = ("importSeconds", "loadSeconds", "firstPredictionSeconds")
    return {
        "task": "startup",
        "threads": options.threads,
        "seconds": [round(value, 3) for value in totals],
        "medianSeconds": round(median(totals), 3),
        **{name: round(median([phase[name] for phase in phases]), 3) for name in names},
        "peakMemoryBytes": max(phase["peakMemoryBytes"] for phase in phases),
        "versions": phases[0]["versions"],
    }
