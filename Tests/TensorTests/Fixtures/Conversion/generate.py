"""Every element type converted to every other, by exact arithmetic on fractions.

The rule: to an integer, fractions are cut off and values out of range become the nearest that fits,
NaN becomes 0; to bool, everything but 0 is true; to floating point, to nearest with ties to even.
Where NumPy or PyTorch convert with one rounding, their result must be the same, or this program
stops. Writes reference.json beside this file: the little-endian bytes of all inputs and results in
hexadecimal, under the names of the types. NaN results are compared as NaN, whatever their bits.
"""

import json
import math
import pathlib
from fractions import Fraction

import numpy as np
import torch

# Significant bits with the hidden one, smallest exponent, bytes of exponent and mantissa.
FLOATS = {
    "float16": (11, -14, 5, 10), "bfloat16": (8, -126, 8, 7),
    "float32": (24, -126, 8, 23), "float64": (53, -1022, 11, 52),
}
INTEGERS = {
    "uint8": (0, 2**8 - 1), "int8": (-2**7, 2**7 - 1), "uint16": (0, 2**16 - 1),
    "int16": (-2**15, 2**15 - 1), "uint32": (0, 2**32 - 1), "int32": (-2**31, 2**31 - 1),
    "uint64": (0, 2**64 - 1), "int64": (-2**63, 2**63 - 1),
}
SIZES = {
    "bool": 1, "uint8": 1, "int8": 1, "uint16": 2, "int16": 2, "float16": 2, "bfloat16": 2,
    "uint32": 4, "int32": 4, "float32": 4, "uint64": 8, "int64": 8, "float64": 8,
}
NUMPY = {name: np.dtype(name) for name in SIZES if name != "bfloat16"}


def decode(bits, dtype):
    """The value of these bits: a Fraction, or a float that is infinite, NaN or negative zero."""
    if dtype == "bool":
        return Fraction(bits != 0)
    if dtype in INTEGERS:
        low, high = INTEGERS[dtype]
        return Fraction(bits - (high - low + 1) if bits > high else bits)
    _, smallest, exponent_bits, mantissa_bits = FLOATS[dtype]
    sign = -1 if bits >> (exponent_bits + mantissa_bits) else 1
    exponent = (bits >> mantissa_bits) & ((1 << exponent_bits) - 1)
    mantissa = bits & ((1 << mantissa_bits) - 1)
    if exponent == (1 << exponent_bits) - 1:
        return math.nan if mantissa else sign * math.inf
    if exponent == 0 and mantissa == 0:
        return Fraction(0) if sign > 0 else -0.0
    if exponent:
        mantissa |= 1 << mantissa_bits
    return sign * mantissa * Fraction(2) ** (smallest - mantissa_bits + max(exponent - 1, 0))


def encode(value, dtype):
    """The bits of the value in another type."""
    special = isinstance(value, float)
    if dtype == "bool":
        return int(not (value == 0))
    if dtype in INTEGERS:
        low, high = INTEGERS[dtype]
        if special:
            whole = 0 if math.isnan(value) or value == 0 else high if value > 0 else low
        else:
            whole = min(max(math.trunc(value), low), high)
        return whole & (2 ** (8 * SIZES[dtype]) - 1)
    precision, smallest, exponent_bits, mantissa_bits = FLOATS[dtype]
    infinity = ((1 << exponent_bits) - 1) << mantissa_bits
    sign_bit = 1 << (exponent_bits + mantissa_bits)
    if special:
        if math.isnan(value):
            return infinity | 1 << (mantissa_bits - 1)
        magnitude = infinity if math.isinf(value) else 0
        return magnitude | (sign_bit if math.copysign(1, value) < 0 else 0)
    sign = sign_bit if value < 0 else 0
    value = abs(value)
    if value == 0:
        return 0
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    if Fraction(2) ** exponent > value:
        exponent -= 1
    unit = Fraction(2) ** (max(exponent, smallest) - mantissa_bits)
    count = round(value / unit)  # Python rounds a Fraction to the nearest, ties to even
    # Counted in units, bits of a float grow with its value, across every power of two.
    bits = count + (max(exponent, smallest) - smallest) * (1 << mantissa_bits)
    return sign | min(bits, infinity)


def inputs(dtype):
    """Bit patterns: the corners of the type itself, and values near the corners of the others."""
    size = 8 * SIZES[dtype]
    if dtype == "bool":
        # A file may hold any byte; everything but 0 is true.
        return [0, 1, 2, 128, 255]
    if dtype in INTEGERS:
        low, high = INTEGERS[dtype]
        values = {0, 1, 2, 3, 100, low, low + 1, high - 1, high}
        for power in range(6, 65):
            for near in (-1, 0, 1):
                values |= {2**power + near, -(2**power) + near}
        # Halfway between neighbours of float16, bfloat16, float32 and float64, and just beside,
        # where rounding twice goes wrong.
        for digits in (8, 11, 24, 53):
            for power in (digits, digits + 1, 40, 60, 62):
                if power >= digits:
                    half = 2 ** (power - digits)
                    for odd in (0, 1):
                        middle = 2**power + half * (1 + 2 * odd)
                        values |= {middle - 1, middle, middle + 1, -middle, -middle - 1}
        # Around the largest finite float16.
        values |= {65504, 65519, 65520, 65521}
        return sorted({v & (2**size - 1) for v in values if low <= v <= high})
    precision, smallest, exponent_bits, mantissa_bits = FLOATS[dtype]
    sign = 1 << (size - 1)
    infinity = ((1 << exponent_bits) - 1) << mantissa_bits
    one = encode(Fraction(1), dtype)
    smallest_normal = 1 << mantissa_bits
    patterns = {0, 1, 2, 3, smallest_normal - 1, smallest_normal, one, one + 1, one - 1, infinity,
                infinity - 1, infinity | 1, infinity | 1 << (mantissa_bits - 1)}
    values = [Fraction(7, 4), Fraction(1, 3), Fraction(5, 2), Fraction(999, 1000), Fraction(100)]
    for low, high in INTEGERS.values():
        values += [Fraction(high), Fraction(high) + 1, Fraction(high) + Fraction(1, 2)]
    for other in FLOATS:
        other_precision, other_smallest, _, other_mantissa = FLOATS[other]
        unit = Fraction(2) ** (other_smallest - other_mantissa)  # the smallest subnormal
        largest = decode((((1 << FLOATS[other][2]) - 1) << other_mantissa) - 1, other)
        step = largest - decode((((1 << FLOATS[other][2]) - 1) << other_mantissa) - 2, other)
        ulp = Fraction(2) ** (1 - other_precision)
        values += [unit / 2, unit, unit * 3 / 2, unit * 5 / 2, unit * 2, largest,
                   largest + step / 2, largest + step]
        for base in (Fraction(1), 1 + ulp, Fraction(2) ** other_smallest):
            middle = base + (ulp if base >= 1 else unit) / 2
            values += [base, middle]
    for value in values:
        bits = encode(value, dtype)
        patterns |= {bits, min(bits + 1, infinity), max(bits - 1, 0)}
    return sorted(patterns | {p | sign for p in patterns})


def check(source, target, patterns, results):
    """Compares with NumPy and PyTorch where they round once and define the result."""
    if target in INTEGERS and source in FLOATS:
        return
    if source in INTEGERS and (target in INTEGERS or target == "bfloat16"):
        return
    if source == "bool":
        patterns = [int(p != 0) for p in patterns]
    if "bfloat16" in (source, target):
        if (source, target) not in (("bfloat16", "float32"), ("float32", "bfloat16")):
            return
        carrier = {"bfloat16": np.int16, "float32": np.int32}
        x = torch.from_numpy(np.array(patterns, dtype=np.uint64).astype(carrier[source]))
        x = x.view(getattr(torch, source)).to(getattr(torch, target))
        found = x.view(torch.int16 if target == "bfloat16" else torch.int32).numpy()
    else:
        raw = b"".join(p.to_bytes(SIZES[source], "little") for p in patterns)
        with np.errstate(all="ignore"):
            found = np.frombuffer(raw, dtype=NUMPY[source]).astype(NUMPY[target])
    raw = found.tobytes()
    for index, expected in enumerate(results):
        bits = int.from_bytes(raw[index * SIZES[target]:(index + 1) * SIZES[target]], "little")
        both_nan = target in FLOATS and isinstance(decode(expected, target), float) and \
            math.isnan(decode(expected, target)) and math.isnan(decode(bits, target))
        assert bits == expected or both_nan, (source, target, hex(patterns[index]), hex(bits),
                                              hex(expected))


def hexadecimal(patterns, dtype):
    return b"".join(p.to_bytes(SIZES[dtype], "little") for p in patterns).hex()


reference = {}
for source in SIZES:
    patterns = inputs(source)
    values = [decode(p, source) for p in patterns]
    results = {}
    for target in SIZES:
        converted = patterns if target == source else [encode(v, target) for v in values]
        if target != source:
            check(source, target, patterns, converted)
        results[target] = hexadecimal(converted, target)
    reference[source] = results

path = pathlib.Path(__file__).with_name("reference.json")
path.write_text(json.dumps(reference, indent=0) + "\n")
