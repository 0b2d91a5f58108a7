"""Prediction: the latency of one text, and 1,000 texts in batches of 64 sorted by length.

Tokenizing is part of the time. Both of PyTorch's implementations of attention are measured; the
faster one counts.
"""

import time

from measure import QUESTIONS, median, peak_memory_bytes, prepare, read_tsv, versions

TEXTS, BATCH_SIZE, MAXIMUM_TOKENS = 1000, 64, 128


def texts(options):
    found = [row["text"] for row in read_tsv(options.texts)] if options.texts else QUESTIONS
    return (found * (TEXTS // len(found) + 1))[:TEXTS]


def load(options, torch, attention):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(
        options.model, attn_implementation=attention, dtype=torch.float32, local_files_only=True,
    )
    return model.eval(), AutoTokenizer.from_pretrained(options.model, local_files_only=True)


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


def seconds(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(options, torch, attention, inputs):
    model, tokenizer = load(options, torch, attention)
    for text in inputs[:BATCH_SIZE]:
        predict(torch, model, tokenizer, [text])
    single = [seconds(lambda: predict(torch, model, tokenizer, [text])) for text in inputs[:100]]
    many = [
        seconds(lambda: predict_sorted(torch, model, tokenizer, inputs))
        for _ in range(options.repeats)
    ]
    return {
        "oneTextMilliseconds": round(median(single) * 1e3, 3),
        "thousandTextsSeconds": round(median(many), 4),
    }


def run(options):
    torch = prepare(options)
    inputs = texts(options)
    tried = {name: measure(options, torch, name, inputs) for name in ("sdpa", "eager")}
    best = {key: min(result[key] for result in tried.values()) for key in tried["sdpa"]}
    return {
        "task": "predict",
        "threads": options.threads,
        "texts": options.texts or "made-up questions",
        **best,
        "tried": tried,
        "peakMemoryBytes": peak_memory_bytes(),
        "versions": versions(),
    }
