"""The frozen model with a head by scikit-learn, as one would do it in Python.

Features are the means of the last layer's tokens; `LogisticRegression` with its defaults but for the
number of iterations.
"""

import time

from measure import peak_memory_bytes, prepare, read_tsv, versions

BATCH_SIZE, MAXIMUM_TOKENS = 64, 128


def features(torch, options, texts):
    """The mean of each text's tokens, computed in batches of similar length."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(options.model, local_files_only=True)
    model = AutoModel.from_pretrained(
        options.model, dtype=torch.float32, local_files_only=True).eval()
    rows = [None] * len(texts)
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    for start in range(0, len(order), BATCH_SIZE):
        indices = order[start : start + BATCH_SIZE]
        encoded = tokenizer(
            [texts[index] for index in indices], truncation=True, max_length=MAXIMUM_TOKENS,
            padding=True, return_tensors="pt")
        with torch.inference_mode():
            tokens = model(**encoded).last_hidden_state
        mask = encoded["attention_mask"][..., None]
        means = ((tokens * mask).sum(1) / mask.sum(1)).numpy()
        for index, row in zip(indices, means):
            rows[index] = row
    return rows


def run(options):
    torch = prepare(options)
    from sklearn.linear_model import LogisticRegression

    train, test = read_tsv(options.train), read_tsv(options.test)
    start, processor = time.perf_counter(), time.process_time()
    inputs = features(torch, options, [row["text"] for row in train])
    model = LogisticRegression(max_iter=2000).fit(inputs, [row["label"] for row in train])
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    accuracy = model.score(
        features(torch, options, [row["text"] for row in test]), [row["label"] for row in test])
    return {
        "recipe": "frozen + scikit-learn", "seed": options.seed, "threads": options.threads,
        "trainExamples": len(train), "testExamples": len(test), "accuracy": accuracy,
        "seconds": seconds, "processorSeconds": processor,
        "peakMemoryBytes": peak_memory_bytes(), "versions": versions(),
    }
