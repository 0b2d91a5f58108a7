"""Makes what seqeval counts.

    PYTHONPATH=seqeval-1.2.2 OMP_NUM_THREADS=1 python generate.py

Made with seqeval 1.2.2 (its source package, unpacked) and numpy. `spans.json` holds cases of true and
predicted BIO tags of several texts, random ones with every kind of irregular sequence and the examples
of seqeval's documentation, each with

    spans       of every predicted text [label, first word, last word], by `get_entities`
    accuracy    `accuracy_score`
    micro, macro, weighted   [precision, recall, F1], the average over all spans, over kinds, and
                over kinds by their number of true spans
    kinds       for each kind of span [precision, recall, F1, true spans]
"""

import json
import warnings
from pathlib import Path

import numpy as np
from seqeval.metrics import accuracy_score
from seqeval.metrics.sequence_labeling import get_entities, precision_recall_fscore_support

FOLDER = Path(__file__).resolve().parent
KINDS = ["LOC", "MISC", "ORG-X", "PER"]
TAGS = ["O"] + [f"{part}-{kind}" for kind in KINDS for part in "BI"]


def random_texts(generator, count):
    """True tags in runs, and predictions that repeat most of them."""
    true, predicted = [], []
    for _ in range(count):
        length = int(generator.integers(1, 15))
        tags = []
        while len(tags) < length:
            tags += [str(generator.choice(TAGS))] * int(generator.integers(1, 4))
        tags = tags[:length]
        keep = generator.random(length) < 0.75
        true.append(tags)
        predicted.append([
            tag if kept else str(generator.choice(TAGS)) for tag, kept in zip(tags, keep)
        ])
    return true, predicted


def case(true, predicted):
    def scores(average):
        values = precision_recall_fscore_support(
            true, predicted, average=average, zero_division=0)
        return [float(value) for value in values[:3]]

    names = sorted({entity[0] for entity in get_entities(true) + get_entities(predicted)})
    each = precision_recall_fscore_support(true, predicted, average=None, zero_division=0)
    return {
        "true": true, "predicted": predicted,
        "spans": [[list(entity) for entity in get_entities(tags)] for tags in predicted],
        "accuracy": float(accuracy_score(true, predicted)),
        "micro": scores("micro"), "macro": scores("macro"), "weighted": scores("weighted"),
        "kinds": {
            name: [float(values[index]) for values in each] for index, name in enumerate(names)
        },
    }


DOCUMENTED = [
    (
        [["O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]],
        [["O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]],
    ),
    ([["B-NP", "I-NP", "O"]], [["I-NP", "I-NP", "O"]]),
]


def main():
    warnings.simplefilter("ignore")
    generator = np.random.default_rng(3)
    cases = [case(*texts) for texts in DOCUMENTED]
    cases += [case(*random_texts(generator, count)) for count in (1, 3, 40, 40)]
    (FOLDER / "spans.json").write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    main()
