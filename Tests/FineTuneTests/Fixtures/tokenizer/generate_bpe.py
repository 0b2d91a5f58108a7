"""Writes bpe/, the fixtures of the byte-pair tokenizer's tests: a small vocabulary trained here,
and what the `tokenizers` package makes of the texts of generate.py with it.

    python generate_bpe.py      (needs tokenizers 0.23)
"""

import os
import random
import zlib

from tokenizers import AddedToken, Tokenizer, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from generate import BLOCK, HERE, SENTENCES, WORDS, texts, write

FOLDER = os.path.join(HERE, "bpe")
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
PROBES = ["{}", "a{}b", "1{}2", "!{}? {}{}", "\u3000{} \t{}", "'{}'s"]
CONTRACTIONS = [
    "I'm you're he's she'd we'll they've don't it's 'tis rock'n'roll O'Reilly 'S 'LL 'Re",
    "'s's''s '''s 's 'l 'll 'lll 'r 're 'rex 'v've ' 's", "a's1's !'s\u3000's \n's 'd\u00e9 'm\u0301",
    "  two   three    four\t\ttab \n\n lines \r\n \u00a0\u00a0x \u3000\u3000y   ", "   ", " \t", "x ",
    "\u0301 a\u0301 1\u0301 \u00bd\u00b2 \u2167 \u0661\u0662 \U0001d7d8 \u4e09 \u3007",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "thethethethethethethethethethethethethe inginginginginginginginginginginginging",
    "<s> a </s> <mask>x  <mask> <pad><unk> <S> <mask", "\u2003<mask>\u2003<mask>\t<s>",
]


def train():
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = BpeTrainer(vocab_size=900, special_tokens=SPECIAL, show_progress=False,
                         initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    corpus = SENTENCES[:30] * 3 + [" ".join(WORDS)] * 3 + ["the thing is that " * 3]
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.model.save(FOLDER)
    return os.path.join(FOLDER, "vocab.json"), os.path.join(FOLDER, "merges.txt")


def tokenizers():
    files = train()
    roberta = Tokenizer(BPE.from_file(*files))
    roberta.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    roberta.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    roberta.add_special_tokens([AddedToken(token, lstrip=token == "<mask>", normalized=True)
                                for token in SPECIAL])
    gpt = Tokenizer(BPE.from_file(*files, unk_token="<unk>", ignore_merges=True))
    gpt.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    gpt.post_processor = processors.ByteLevel(trim_offsets=False)
    gpt.add_special_tokens(["<|endoftext|>"])
    whole = Tokenizer(BPE.from_file(*files))
    whole.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    whole.post_processor = processors.Sequence([
        processors.ByteLevel(), processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 0)])])
    return {"roberta": roberta, "gpt": gpt, "whole": whole}


def encodings():
    draw = random.Random(9)
    rows = []
    chosen = CONTRACTIONS + SENTENCES + draw.sample(texts(), 700)
    for name, tokenizer in tokenizers().items():
        tokenizer.save(os.path.join(FOLDER, f"{name}.json"), pretty=False)
        limit = {"roberta": len(chosen), "gpt": 250, "whole": 150}[name]
        for text in chosen[:limit]:
            # Very long texts would only make the file large.
            if len(text) < 400:
                rows.append({"tokenizer": name, "text": text,
                             "ids": tokenizer.encode(text).ids})
        for _ in range(30):
            first, second = (" ".join(draw.choices(WORDS, k=draw.randint(0, 6))) for _ in "ab")
            encoding = tokenizer.encode(first, second)
            rows.append({"tokenizer": name, "text": first, "second": second,
                         "ids": encoding.ids, "types": encoding.type_ids})
    write("bpe/texts.jsonl", rows)


def every_scalar():
    """For each 4,096 scalars, the CRC-32 of the words of all probes, a line each."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    sums = []
    for start in range(0, 0x110000, BLOCK):
        text = "".join(probe.replace("{}", chr(scalar)) + "\n"
                       for scalar in range(start, start + BLOCK)
                       if not 0xD800 <= scalar < 0xE000 for probe in PROBES)
        words = b"".join(text[first:end].encode() + b"\xff" for _, (first, end) in split(text))
        sums.append(zlib.crc32(words))
    write("bpe/scalars.jsonl", [{"sums": sums}])


if __name__ == "__main__":
    encodings()
    every_scalar()
