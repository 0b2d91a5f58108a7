"""Writes arrays with numpy.save and numpy.savez, and what they hold with the safetensors package.

    python generate.py

Made with numpy 2.4.6 and safetensors 0.8.0. `expected.safetensors` has the array of `NAME.npy` as
`NAME:`, and the array KEY of `NAME.npz` as `NAME:KEY`, in row-major order and little-endian. Arrays of
types that the test cannot hold are not in it.
"""

import pathlib

import numpy
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).resolve().parent
TYPES = ["u1", "i1", "u2", "i2", "f2", "u4", "i4", "f4", "u8", "i8", "f8"]
expected = {}


def pattern(code, count):
    bits = int(code[1:]) * 8
    words = numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
    return (words >> numpy.uint64(64 - bits)).astype(f"<u{bits // 8}").view("<" + code)


def plain(array):
    swapped = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return numpy.ascontiguousarray(swapped).reshape(array.shape)


def save(name, array, version=None):
    with open(FOLDER / f"{name}.npy", "wb") as file:
        numpy.lib.format.write_array(file, array, version=version, allow_pickle=False)
    if array.dtype.kind in "biuf" and array.dtype.itemsize <= 8:
        expected[f"{name}:"] = plain(array)


def save_all(name, arrays):
    numpy.savez(FOLDER / f"{name}.npz", **arrays)
    for key, array in arrays.items():
        expected[f"{name}:{key}"] = plain(array)


for code in TYPES:
    array = pattern(code, 24).reshape(2, 3, 4)
    save(f"type-{code}", array)
    save(f"fortran-{code}", numpy.asfortranarray(array))
    if not code.endswith("1"):
        # The bytes are swapped, not the numbers converted, which would change the bits of NaNs.
        save(f"big-{code}", array.byteswap().view(">" + code))
save("type-bool", (numpy.arange(24) % 3 == 0).reshape(2, 3, 4))
save("fortran-big", numpy.asfortranarray(pattern("f4", 6).reshape(2, 3).byteswap().view(">f4")))
for version in [(1, 0), (2, 0), (3, 0)]:
    save(f"version-{version[0]}", pattern("f4", 6).reshape(2, 3), version)
save("scalar", numpy.array(2.5))
save("vector", pattern("f4", 5))
save("empty", numpy.zeros((0, 7), "<f4"))
save("fortran-empty", numpy.asfortranarray(numpy.zeros((3, 0, 2), "<f4")))
save("rank", pattern("i2", 8).reshape([1] * 30 + [2, 2, 2] + [1] * 31))
save("unsupported-complex", numpy.zeros(3, "<c8"))
save("unsupported-text", numpy.array(["ä", "bcd"]))
save("unsupported-bytes", numpy.array([b"a", b"bcd"]))
save("unsupported-date", numpy.array(["2020-02-03"], "datetime64[D]"))
save("unsupported-long", numpy.zeros(2, "<f16"))
save_all("several", {
    "a": pattern("f4", 6).reshape(2, 3), "b": pattern("i8", 3), "c": numpy.array(7, "<i4"),
    "ä": numpy.asfortranarray(pattern("f8", 6).reshape(3, 2)), "empty": numpy.zeros((0,), "<f4"),
    "nested/name": numpy.array([True, False])})
save_all("unnamed", {"arr_0": pattern("f4", 2), "arr_1": pattern("f4", 3)})
numpy.savez(FOLDER / "none.npz")
save_file(expected, FOLDER / "expected.safetensors")
print(len(list(FOLDER.glob("*.np?"))), "files,", len(expected), "arrays")
