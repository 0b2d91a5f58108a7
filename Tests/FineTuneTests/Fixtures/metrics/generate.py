"""Makes metrics.json: random predictions with the scores that scikit-learn and SciPy give them.

Needs numpy, scipy and scikit-learn. Where SciPy gives NaN (a constant sequence), the library
defines 0, and so does this file.
"""

import json
import pathlib
import warnings

import numpy as np
from scipy import stats
from sklearn import metrics as m

warnings.filterwarnings("ignore")
random = np.random.default_rng(20250101)


def averages(targets, predictions, **options):
    result = {}
    for name in ("micro", "macro", "weighted"):
        scores = m.precision_recall_fscore_support(
            targets, predictions, average=name, zero_division=0, **options
        )
        result[name] = [float(x) for x in scores[:3]]
    return result


def classification(name, targets, predictions, count):
    every = list(range(count))
    scores = m.precision_recall_fscore_support(
        targets, predictions, labels=every, zero_division=0
    )
    return {
        "name": name,
        "classes": count,
        "targets": [int(x) for x in targets],
        "predictions": [int(x) for x in predictions],
        "accuracy": float(m.accuracy_score(targets, predictions)),
        "matthews": float(m.matthews_corrcoef(targets, predictions)),
        "confusion": m.confusion_matrix(targets, predictions, labels=every).tolist(),
        "perClass": [[float(x) for x in row[:3]] for row in zip(*scores)],
        "support": [int(x) for x in scores[3]],
        **averages(targets, predictions),
    }


def classifications():
    for index in range(40):
        count = int(random.integers(2, 12))
        size = int(random.integers(1, 200))
        targets = random.integers(0, count, size)
        noise = random.integers(0, count, size)
        predictions = np.where(random.random(size) < random.random(), targets, noise)
        yield classification(f"random {index}", targets, predictions, count)
    some = random.integers(0, 3, 30)
    other = random.integers(0, 3, 30)
    yield classification("a class absent on both sides", some, other, 5)
    yield classification("a class never predicted", some, np.minimum(other, 1), 3)
    yield classification("a class never true", np.minimum(some, 1), other, 3)
    yield classification("constant predictions", some, np.zeros(30, int), 3)
    yield classification("constant targets", np.ones(30, int), other, 3)
    yield classification("one class", np.zeros(5, int), np.zeros(5, int), 1)
    yield classification("one class of two", np.zeros(5, int), np.zeros(5, int), 2)
    yield classification("perfect", some, some, 3)
    yield classification("always wrong", some, (some + 1) % 3, 3)
    yield classification("one example", [1], [0], 2)
    skewed = np.minimum(random.geometric(0.3, 400) - 1, 49)
    yield classification("fifty skewed classes", skewed, random.permutation(skewed), 50)


def multilabel(name, targets, predictions):
    count = targets.shape[1]
    if count == 1:
        # One column would be taken for a binary task, not for an indicator matrix.
        raise ValueError("use at least two labels")
    scores = m.precision_recall_fscore_support(
        targets, predictions, average=None, zero_division=0
    )
    return {
        "name": name,
        "targets": targets.astype(int).tolist(),
        "predictions": predictions.astype(int).tolist(),
        "subset": float(m.accuracy_score(targets, predictions)),
        "perClass": [[float(x) for x in row[:3]] for row in zip(*scores)],
        "support": [int(x) for x in scores[3]],
        **averages(targets, predictions),
    }


def multilabels():
    for index in range(20):
        shape = (int(random.integers(1, 60)), int(random.integers(2, 9)))
        targets = random.random(shape) < random.random()
        flips = random.random(shape) < random.random() * 0.5
        yield multilabel(f"random {index}", targets, targets ^ flips)
    targets = random.random((20, 4)) < 0.4
    absent = targets.copy()
    absent[:, 2] = False
    yield multilabel("a label never true", absent, targets)
    yield multilabel("a label never predicted", targets, absent)
    yield multilabel("a label absent on both sides", absent, absent)
    nothing = np.zeros((20, 4), bool)
    yield multilabel("nothing predicted", targets, nothing)
    yield multilabel("nothing at all", nothing, nothing)
    yield multilabel("everything predicted", targets, ~nothing)
    yield multilabel("perfect", targets, targets)


def defined(value):
    return 0.0 if np.isnan(value) else float(value)


def regression(name, targets, predictions):
    targets, predictions = np.asarray(targets, float), np.asarray(predictions, float)
    several = len(targets) > 1
    return {
        "name": name,
        "targets": targets.tolist(),
        "predictions": predictions.tolist(),
        "mse": float(m.mean_squared_error(targets, predictions)),
        "mae": float(m.mean_absolute_error(targets, predictions)),
        "r2": defined(m.r2_score(targets, predictions)) if several else None,
        "pearson": defined(stats.pearsonr(targets, predictions)[0]) if several else 0.0,
        "spearman": defined(stats.spearmanr(targets, predictions)[0]) if several else 0.0,
    }


def regressions():
    for index in range(20):
        size = int(random.integers(2, 100))
        targets = random.normal(0, 10 ** random.uniform(-3, 3), size)
        noise = random.normal(0, 1, size) * targets.std() * random.uniform(0, 3)
        yield regression(f"random {index}", targets, targets * random.uniform(-2, 2) + noise)
    for index in range(20):
        size = int(random.integers(2, 60))
        targets = random.integers(0, 6, size)
        yield regression(f"ties {index}", targets, random.integers(0, 4, size))
    x = random.normal(0, 1, 40)
    yield regression("a large offset", 1e6 + x, 1e6 + x + random.normal(0, 1, 40))
    yield regression("perfect", x, x)
    yield regression("reversed", x, -x)
    yield regression("monotone", x, np.exp(x))
    yield regression("constant predictions", x, np.full(40, 0.1))
    # Powers of two, whose mean is exact: of others, r2_score divides by the mean's rounding error.
    yield regression("constant targets", np.full(40, 0.5), x)
    yield regression("both constant and equal", np.full(7, 0.5), np.full(7, 0.5))
    yield regression("both constant and different", np.full(7, 0.5), np.full(7, 0.25))
    yield regression("one example", [1.5], [2])


cases = {
    "classification": list(classifications()),
    "multiLabel": list(multilabels()),
    "regression": list(regressions()),
}
path = pathlib.Path(__file__).with_name("metrics.json")
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
