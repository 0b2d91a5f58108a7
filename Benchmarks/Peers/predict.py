"""Prediction, tokenizing included: one text, and many in batches of 64 sorted by length.

Both of PyTorch's implementations of attention are loaded and tried; the faster one of each kind
answers. The server prints its settings as one line of JSON, then answers each line `one` or `all`
with milliseconds, as this library's does.
"""

import json
import sys
import time

from measure import prepare, read_lines, versions

BATCH_SIZE, MAXIMUM_TOKENS = 64, 128


def load(options, torch, attention):
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(
        options.model, attn_implementation=attention, dtype=torch.float32, local_files_only=True,
    ).eval()


def predict(torch, model, tokenizer, batch):
    """The class of each text."""
    encoded = tokenizer(
        batch, truncation=True, max_length=MAXIMUM_TOKENS, padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        return model(**encoded).logits.argmax(-1).tolist()


def predict_sorted(torch, model, tokenizer, inputs):
    """The class of each text, computed in batches of similar length."""
    order = sorted(range(len(inputs)), key=lambda index: len(inputs[index]))
    classes = [0] * len(inputs)
    for start in range(0, len(order), BATCH_SIZE):
        indices = order[start : start + BATCH_SIZE]
        found = predict(torch, model, tokenizer, [inputs[index] for index in indices])
        for index, value in zip(indices, found):
            classes[index] = value
    return classes


def milliseconds(action):
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1e3


def run(options):
    torch = prepare(options)
    from transformers import AutoTokenizer

    inputs = read_lines(options.texts)
    tokenizer = AutoTokenizer.from_pretrained(options.model, local_files_only=True)
    models = {name: load(options, torch, name) for name in ("sdpa", "eager")}
    position = 0

    def answer(kind, model):
        nonlocal position
        if kind == "all":
            return milliseconds(lambda: predict_sorted(torch, model, tokenizer, inputs))
        position = (position + 1) % len(inputs)
        return milliseconds(lambda: predict(torch, model, tokenizer, [inputs[position]]))

    def faster(kind, trials):
        times = {name: min(answer(kind, model) for _ in range(trials))
                 for name, model in models.items()}
        return min(times, key=times.get)

    best = {"one": faster("one", 30), "all": faster("all", 2)}
    settings = {"task": "predict", "threads": options.threads, "attention": best,
                "versions": versions()}
    print(json.dumps(settings), file=options.output, flush=True)
    for line in sys.stdin:
        kind = line.strip()
        print(f"{answer(kind, models[best[kind]]):.4f}", file=options.output, flush=True)
