"""Makes what scikit-learn gives for heads that are computed in closed form.

    OMP_NUM_THREADS=1 python generate.py

Made with scikit-learn 1.9.1 and numpy on one thread, in float64. Every estimator sees features that
`StandardScaler` standardised; `weight` [outputs, width] and `bias` [outputs] are for the features as
they are. Two classes, for which scikit-learn has one output f, are written as its convention for
outputs says: −f and f for ridge regression, and for the others their difference alone.

`data` holds the features and targets that the cases name; `cases` one dictionary each:

    ridge           `RidgeClassifier(alpha)`, for numbers `Ridge(alpha)`
    leaveOneOut     for each alpha the mean squared error of leaving out each example in turn, by
                    fitting `Ridge` as often as there are examples
    logistic        `LogisticRegression(C = 1 / penalty)`
    discriminant    `LinearDiscriminantAnalysis(solver="lsqr", shrinkage)`
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.preprocessing import StandardScaler

FOLDER = Path(__file__).resolve().parent


def dataset(generator, rows, width, classes):
    """Overlapping classes; features of different sizes, correlated, and one that is constant."""
    labels = np.concatenate([np.arange(classes), generator.integers(0, classes, rows - classes)])
    centers = generator.normal(size=(classes, width))
    mix = np.eye(width) + 0.4 * generator.normal(size=(width, width))
    features = (centers[labels] + 1.5 * generator.normal(size=(rows, width))) @ mix
    features = features * np.logspace(-1, 1.5, width) + generator.normal(size=width)
    features[:, width // 2] = 2.5
    numbers = features @ generator.normal(size=width) + generator.normal(size=rows)
    return features, labels, numbers


def unscaled(weight, bias, scaler):
    """The same map for features as they are."""
    weight = np.atleast_2d(weight) / scaler.scale_
    bias = np.atleast_1d(bias) - weight @ scaler.mean_
    return {"weight": weight.ravel().tolist(), "bias": bias.tolist()}


def ridge(x, labels, scaler, alpha, weights):
    weights = None if weights is None else dict(enumerate(weights))
    model = RidgeClassifier(alpha=alpha, class_weight=weights, solver="svd").fit(x, labels)
    weight, bias = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    if len(weight) == 1:
        weight, bias = np.concatenate([-weight, weight]), np.concatenate([-bias, bias])
    return unscaled(weight, bias, scaler)


def logistic(x, labels, scaler, penalty, weights):
    weights = None if weights is None else dict(enumerate(weights))
    model = LogisticRegression(
        C=1 / penalty, class_weight=weights, solver="newton-cg", tol=1e-12, max_iter=10000,
    ).fit(x, labels)
    return unscaled(model.coef_, model.intercept_, scaler)


def discriminant(x, labels, scaler, shrinkage, weights):
    priors = np.bincount(labels).astype(float)
    priors = priors if weights is None else priors * weights
    model = LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage=shrinkage, priors=priors / priors.sum()
    ).fit(x, labels)
    return unscaled(model.coef_, model.intercept_, scaler)


def leave_one_out(x, targets, alpha, weights):
    """The weighted mean squared error over examples and outputs."""
    targets = targets.reshape(len(x), -1)
    errors = []
    for row in range(len(x)):
        kept = np.arange(len(x)) != row
        model = Ridge(alpha=alpha, solver="svd").fit(
            x[kept], targets[kept], sample_weight=weights[kept])
        errors.append(weights[row] * np.mean((model.predict(x[[row]]) - targets[row]) ** 2))
    return float(np.sum(errors) / weights.sum())


def main():
    generator = np.random.default_rng(4)
    shapes = {"tall": (40, 7, 3), "binary": (30, 5, 2), "wide": (14, 20, 3)}
    data, cases = {}, []
    for name, (rows, width, classes) in shapes.items():
        features, labels, numbers = dataset(generator, rows, width, classes)
        data[name] = {
            "rows": rows, "classes": classes, "features": features.ravel().tolist(),
            "labels": labels.tolist(), "numbers": numbers.tolist(),
        }
        scaler = StandardScaler().fit(features)
        x = scaler.transform(features)
        signs = np.where(labels[:, None] == np.arange(classes), 1.0, -1.0)
        for weights in (None, [0.5, 2.0, 1.25][:classes]):
            common = {"data": name, "classWeights": weights}
            rows_weights = np.ones(rows) if weights is None else np.take(weights, labels)
            for penalty in (0.01, 3.0, 500.0):
                cases.append({
                    "kind": "ridge", "penalty": penalty, **common,
                    **ridge(x, labels, scaler, penalty, weights),
                })
            for penalty in (0.05, 2.0):
                cases.append({
                    "kind": "logistic", "penalty": penalty, **common,
                    **logistic(x, labels, scaler, penalty, weights),
                })
            alphas = [100.0, 10.0, 1.0, 0.1, 0.01]
            cases.append({
                "kind": "leaveOneOut", "penalties": alphas, **common,
                "losses": [leave_one_out(x, signs, alpha, rows_weights) for alpha in alphas],
            })
            for shrinkage in (None, 0.3, "auto"):
                if name == "wide" and shrinkage is None:
                    continue
                cases.append({
                    "kind": "discriminant", **common,
                    "shrinkage": 0.0 if shrinkage is None else shrinkage,
                    **discriminant(x, labels, scaler, shrinkage, weights),
                })
        model = Ridge(alpha=1.5, solver="svd").fit(x, numbers)
        cases.append({
            "kind": "regression", "data": name, "penalty": 1.5,
            **unscaled(model.coef_, model.intercept_, scaler),
        })
    print(sklearn.__version__, len(cases), "cases")
    (FOLDER / "closed-form.json").write_text(json.dumps({"data": data, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
