"""Reference results of dense linear algebra, from NumPy and SciPy in float64.

Every input is a multiple of 1/256, so that float32 holds it exactly and both precisions are tested
on the same matrix. Writes reference.json beside this file.
"""

import json
import pathlib

import numpy as np
import scipy.linalg

random = np.random.default_rng(20240611)


def matrix(rows, columns):
    return np.round(random.standard_normal((rows, columns)) * 256) / 256


def condition(a):
    values = np.linalg.svd(a, compute_uv=False)
    values = values[values > values[0] * 1e-10]
    return values[0] / values[-1]


def stored(a):
    a = np.asarray(a, dtype=np.float64)
    return {"shape": list(a.shape), "values": a.ravel().tolist()}


def case(name, a, **results):
    return {
        "name": name, "condition": condition(a), "matrix": stored(a),
        **{key: value if isinstance(value, int) else stored(value) for key, value in results.items()},
    }


def positive_definite(size):
    half = matrix(size, size)
    return np.round((half @ half.T / size + np.eye(size)) * 256) / 256


cholesky = []
for size in (1, 2, 5, 24):
    a, b = positive_definite(size), matrix(size, 3)
    cholesky.append(
        case(f"{size}", a, factor=np.linalg.cholesky(a), right=b,
             solution=scipy.linalg.cho_solve(scipy.linalg.cho_factor(a), b)))

solve = []
for size in (1, 2, 5, 24):
    a, b = matrix(size, size), matrix(size, 3)
    solve.append(case(f"{size}", a, right=b, solution=np.linalg.solve(a, b)))
# Without a pivot exchange this one divides by zero.
a, b = np.array([[0.0, 2.0], [3.0, 1.0]]), np.array([[4.0], [5.0]])
solve.append(case("zero pivot", a, right=b, solution=np.linalg.solve(a, b)))

least_squares = []
for name, a in {
    "tall": matrix(8, 3), "wide": matrix(3, 6), "square": matrix(5, 5),
    "tall, rank 2": matrix(7, 2) @ matrix(2, 4), "wide, rank 2": matrix(4, 2) @ matrix(2, 9),
    "square, rank 1": matrix(4, 1) @ matrix(1, 4), "zero": np.zeros((4, 3)),
    "repeated column": (lambda c: np.concatenate([c, c], axis=1))(matrix(6, 2)),
}.items():
    # Products of two such matrices need at most 24 bits: still exact in float32.
    assert np.array_equal(a, a.astype(np.float32))
    b = matrix(len(a), 2)
    solution, _, rank, _ = np.linalg.lstsq(a, b, rcond=1e-6)
    if name == "zero":
        least_squares.append({
            "name": name, "condition": 1.0, "matrix": stored(a), "right": stored(b),
            "solution": stored(solution), "rank": int(rank)})
    else:
        least_squares.append(case(name, a, right=b, solution=solution, rank=int(rank)))

decomposition = []
for rows, columns in ((1, 1), (6, 4), (4, 6), (5, 5), (1, 7), (7, 1), (24, 24)):
    a = matrix(rows, columns)
    u, s, v = np.linalg.svd(a, full_matrices=False)
    q, r = np.linalg.qr(a)
    decomposition.append(
        case(f"{rows}x{columns}", a, u=u, singularValues=s, vTransposed=v, q=q, r=r))

eigen = []
for size in (1, 2, 6, 24):
    a = matrix(size, size)
    a = (a + a.T) / 2
    values, vectors = np.linalg.eigh(a)
    eigen.append(case(f"{size}", a, values=values, vectors=vectors))

path = pathlib.Path(__file__).with_name("reference.json")
path.write_text(json.dumps({
    "cholesky": cholesky, "solve": solve, "leastSquares": least_squares,
    "decomposition": decomposition, "eigen": eigen,
}) + "\n")
