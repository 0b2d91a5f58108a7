"""Writes BertCharacterData.swift and BytePairCharacterData.swift in Sources/FineTune/Tokenizer.

Every Unicode scalar is put through the normalizers and the pre-tokenizer of the `tokenizers`
package, and what happens to it is recorded. So the tables hold the package's own idea of
punctuation, control characters, nonspacing marks and letter case (its Unicode tables are of
several versions), and no other.

    python generate_character_data.py      (needs tokenizers 0.23)
"""

import os
import unicodedata

import tokenizers
from tokenizers.normalizers import BertNormalizer, Lowercase, NFD
from tokenizers.pre_tokenizers import BertPreTokenizer, ByteLevel

SOURCES = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../../../../Sources/FineTune/Tokenizer")


def bert(**options):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return BertNormalizer(**(off | options)).normalize_str


clean = bert(clean_text=True)
spaced = bert(handle_chinese_chars=True)
stripped = bert(strip_accents=True)
lower = Lowercase().normalize_str
decomposed = NFD().normalize_str
pieces = BertPreTokenizer().pre_tokenize_str

SCALARS = [s for s in range(0x110000) if not 0xD800 <= s < 0xE000]
HANGUL = range(0xAC00, 0xD7A4)


def runs(scalars):
    """Sorted scalars as flat pairs of first and last."""
    found = []
    for scalar in sorted(scalars):
        if found and found[-1] == scalar - 1:
            found[-1] = scalar
        else:
            found += [scalar, scalar]
    return found


def is_nonstarter(text):
    """Whether the package moves `text` before or behind some other combining mark."""
    return any(decomposed("a" + mark + text) != "a" + mark + decomposed(text)
               or decomposed("a" + text + mark) != "a" + decomposed(text) + mark
               for mark in "\u0334\u035d\u0345")


def classes():
    removed, spaces, punctuation, ideographs = [], [], [], []
    for scalar in SCALARS:
        character = chr(scalar)
        cleaned = clean(character)
        if cleaned == "":
            removed.append(scalar)
        else:
            assert cleaned in (" ", character)
        if spaced(character) != character:
            assert spaced(character) == " " + character + " "
            ideographs.append(scalar)
        parts = len(pieces("a" + character + "b"))
        if parts == 3:
            punctuation.append(scalar)
        elif parts == 2:
            spaces.append(scalar)
            assert cleaned == ("" if scalar in (0x0B, 0x0C, 0x85) else " ")
    return removed, spaces, punctuation, ideographs


def lowercase():
    """Quadruples (first, last, stride, lower case of first), and the longer ones."""
    found, long = [], {}
    for scalar in SCALARS:
        text = lower(chr(scalar))
        if len(text) > 1:
            long[scalar] = text
        elif text != chr(scalar):
            target = ord(text)
            if found:
                first, last, stride, start = found[-1]
                step = scalar - last
                if start - first == target - scalar and (
                        step == stride or (first == last and step <= 2)):
                    found[-1] = (first, scalar, step, start)
                    continue
            found.append((scalar, scalar, 1, target))
    assert list(long) == [0x130], "only the Turkish capital I is known to grow"
    return [number for run in found for number in run]


def decompositions():
    marks, starting, bases, sequences, orders = [], [], [], [], []
    compatibility = {}
    for scalar in SCALARS:
        character = chr(scalar)
        kept = stripped(character)
        if kept == "":
            marks.append(scalar)
            if not all(is_nonstarter(part) for part in decomposed(character)):
                starting.append(scalar)
        elif scalar in HANGUL:
            assert kept == unicodedata.normalize("NFD", character)
        elif len(kept) > 1:
            sequences += [scalar, len(kept), *map(ord, kept)]
        elif kept != character:
            if 0xF900 <= scalar <= 0xFAFF or 0x2F800 <= scalar <= 0x2FA1F:
                compatibility[scalar] = ord(kept)
            else:
                bases += [scalar, ord(kept)]
        elif decomposed(character) == character and is_nonstarter(character):
            orders += [scalar, combining_class(character)]
    assert not {ord(c) for c in "\0 \t\n[]"} & set(marks)
    return marks, starting, bases, sequences, orders, compatibility


def combining_class(character):
    """Python's combining class, once the package has shown that it sorts by it."""
    value = unicodedata.combining(character)
    assert value != 0
    for scalar in SCALARS[:0x10000]:
        other = chr(scalar)
        rank = unicodedata.combining(other)
        if rank and is_nonstarter(other) and decomposed(other) == other:
            swapped = decomposed("a" + other + character) != "a" + other + character
            assert swapped == (rank > value), (hex(scalar), hex(ord(character)))
    return value


def table(name, comment, numbers):
    lines, line = [], "       "
    for number in numbers:
        word = f" 0x{number:X},"
        if len(line + word) > 100:
            lines.append(line)
            line = "       "
        line += word
    lines.append(line)
    text = "\n".join(f"    /// {part}" for part in comment.split("\n"))
    return f"{text}\n    static let {name}: [UInt32] = [\n" + "\n".join(lines) + "\n    ]\n"


def write(name, documentation, tables):
    with open(os.path.join(SOURCES, f"{name}.swift"), "w") as file:
        file.write(
            "// Made by Tests/FineTuneTests/Fixtures/tokenizer/generate_character_data.py from what\n"
            f"// the `tokenizers` package {tokenizers.__version__} does to each Unicode scalar."
            " Do not edit.\n\n"
            + "".join(f"/// {line}".rstrip() + "\n" for line in documentation.split("\n"))
            + f"enum {name} {{\n" + "\n".join(tables) + "}\n")


def write_bert():
    removed, spaces, punctuation, ideographs = classes()
    marks, starting, bases, sequences, orders, compatibility = decompositions()
    blocks = [(0xF900, max(s for s in compatibility if s < 0x10000)),
              (0x2F800, max(compatibility))]
    assert all(any(first <= s <= last for first, last in blocks) for s in compatibility)
    targets = [number for first, last in blocks for number in
               [first, last, *(compatibility.get(s, s) for s in range(first, last + 1))]]
    tables = [
        table("removed", "Removed by `clean_text`: pairs of first and last scalar.",
              runs(removed)),
        table("whitespace", "Between words: pairs of first and last scalar.", runs(spaces)),
        table("punctuation", "A word each: pairs of first and last scalar.", runs(punctuation)),
        table("ideographs", "A word each under `handle_chinese_chars`: pairs of first and last.",
              runs(ideographs)),
        table("marks", "Removed by `strip_accents`: pairs of first and last scalar.",
              runs(marks)),
        table("startingMarks",
              "Those of `marks` which canonical ordering moves nothing across: pairs.",
              runs(starting)),
        table("orders", "Combining marks which `strip_accents` keeps, and their combining class.",
              orders),
        table("bases", "Scalars and what is left of their decomposition without `marks`.", bases),
        table("sequences", "The same where more than one scalar is left: scalar, count, scalars.",
              sequences),
        table("compatibilityIdeographs",
              "Blocks of ideographs and what they decompose to: first, last, a target for each.",
              targets),
        table("lowercase",
              "Lower case: first scalar, last, distance to the next, lower case of the first.",
              lowercase()),
    ]
    write("BertCharacterData", """\
What the `tokenizers` package's BERT normalizer and pre-tokenizer know about characters.

Unicode's own tables would not do: the package's are of other versions, and a
system's change with every release. Hangul is decomposed by formula (The Unicode
Standard, section 3.12), and U+0130, whose lower case is two scalars, is left out.""", tables)


def write_byte_pair():
    divided = ByteLevel(add_prefix_space=False).pre_tokenize_str
    letters, numbers, spaces = [], [], []
    for scalar in SCALARS:
        if len(divided("a" + chr(scalar))) == 1:
            letters.append(scalar)
        elif len(divided("1" + chr(scalar))) == 1:
            numbers.append(scalar)
        elif len(divided("!" + chr(scalar))) > 1:
            spaces.append(scalar)
    write("BytePairCharacterData", """\
What the `tokenizers` package's byte-level pre-tokenizer takes for letters, numbers and spaces.

See ``BertCharacterData`` for why these are no tables of Unicode.""", [
        table("letters", "Letters: pairs of first and last scalar.", runs(letters)),
        table("numbers", "Numbers: pairs of first and last scalar.", runs(numbers)),
        table("whitespace", "White space: pairs of first and last scalar.", runs(spaces)),
    ])


write_bert()
write_byte_pair()
