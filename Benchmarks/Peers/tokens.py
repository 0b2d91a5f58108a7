"""Tokenizing with the package `tokenizers`, on as many threads as it is given.

The server prints its settings as one line of JSON, then answers each line `step` with the
milliseconds of tokenizing all texts, and `ids` after having written their ids to a file. Of the
package's calls the one that keeps no offsets counts; it is the fastest.
"""

import json
import sys
import time

import numpy

from measure import read_lines


def run(options):
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(f"{options.model}/tokenizer.json")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    inputs = read_lines(options.texts)
    settings = {"task": "tokenize", "threads": options.threads,
                "versions": {"tokenizers": tokenizers.__version__}}
    print(json.dumps(settings), file=options.output, flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        encoded = tokenizer.encode_batch_fast(inputs)
        spent = time.perf_counter() - start
        if line.strip() == "ids":
            ids = [number for text in encoded for number in text.ids]
            numpy.array(ids, dtype=numpy.int32).tofile(options.ids)
        print(f"{spent * 1e3:.4f}", file=options.output, flush=True)
