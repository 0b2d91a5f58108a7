"""What NumPy broadcasts every pair of small shapes to. Writes reference.json beside this file."""

import itertools
import json
import pathlib

import numpy as np

shapes = [shape for rank in range(4) for shape in itertools.product((0, 1, 2), repeat=rank)]
shapes += [(3,), (3, 1), (1, 3), (2, 3), (4, 1, 3), (5, 1, 1, 2)]


def broadcast(a, b):
    try:
        return list(np.broadcast_shapes(a, b))
    except ValueError:
        return None


pairs = [{"a": a, "b": b, "result": broadcast(a, b)} for a in shapes for b in shapes]
path = pathlib.Path(__file__).with_name("reference.json")
path.write_text(json.dumps(pairs, separators=(",", ":")) + "\n")
