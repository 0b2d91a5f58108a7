"""Writes the fixtures of the tokenizer tests: texts made here, and what the `tokenizers` package
makes of them.

    python generate.py MODEL_FOLDER

MODEL_FOLDER holds the tokenizer.json of all-MiniLM-L6-v2, for minilm.jsonl. Everything else uses
small vocabularies which this script makes and commits. Needs tokenizers 0.23.
"""

import json
import os
import random
import sys
import zlib

from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

HERE = os.path.dirname(os.path.abspath(__file__))

SENTENCES = [
    "The quick brown fox jumps over the lazy dog.",
    "How far is it from Denver to Aspen?",
    "What's the difference between a 401(k) and an IRA?",
    "Unbelievably, the internationalization of antidisestablishmentarianism failed!",
    "Der Fuß der Straße: Größe, Übermaß und ÄÖÜ.",
    "Où est passé l'élève naïf? Çà et là, garçon — voilà!",
    "¿Dónde está el niño? ¡Mañana será otro día!",
    "Zażółć gęślą jaźń, ŁÓDŹ.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "İstanbul'da ılık bir IŞIK, İIıi.",
    "Nguyễn Thị Hồng Ngọc đã đến Đà Nẵng.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "Їжачок під ґанком їсть, Ґудзик ЄС.",
    "Ο ΟΔΥΣΣΕΥΣ γύρισε στην Ιθάκη· τι κάνεις; Σίσυφος ΣΑΣ.",
    "Երեւանը Հայաստանի մայրաքաղաքն է։ Ինչպե՞ս ես։",
    "თბილისი საქართველოს დედაქალაქია. ᲗᲑᲘᲚᲘᲡᲘ",
    "שָׁלוֹם עוֹלָם! מה שלומך? \u202bאבג\u202c",
    "مرحبا بالعالم، كيف حالك؟ السَّلَامُ عَلَيْكُمْ",
    "یک متن فارسی با نیم\u200cفاصله و ۱۲۳۴۵.",
    "नमस्ते दुनिया। क्षत्रिय ज़िंदगी कीजिए १२३॥",
    "বাংলা ভাষা কো ো ৌ যায়।",
    "தமிழ் மொழி கொடு கௌ ஔ.",
    "తెలుగు భాష మరియు కన్నಡ ಭಾಷೆ, മലയാളം.",
    "සිංහල භාෂාව කෝ ෞ.",
    "ภาษาไทยไม่มีช่องว่าง ๑๒๓ ฯลฯ",
    "ພາສາລາວ, မြန်မာဘာသာ၊ ភាសាខ្មែរ។",
    "བོད་ཡིག་གི་ཚིག་གྲུབ།",
    "አማርኛ ቋንቋ፣ ሰላም።",
    "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ꮳꮃꭹ",
    "我爱北京天安门。今天天气很好，你呢？",
    "東京は日本の首都です。カタカナ ｶﾀｶﾅ ガギグゲゴ が",
    "한국어는 조선민주주의인민공화국과 대한민국에서 쓰인다. 값 닭 ㄱㄴㄷ",
    "漢字とかな交じり文 and English混在テキスト123ＡＢＣａｂｃ",
    "豈更車賈滑串句龜契金喇奈懶癩 丽丸乁你侮 丨",
    "𠮷野家で𩸽を食べた。𪜀𫝀𫠝𰀀",
    "👍🏽 👩‍👩‍👧‍👦 🇫🇷🇩🇪 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️ ☺︎ 🤷🏿‍♀️ 1️⃣ #️⃣",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝓂𝒶𝓉𝒽 𝟘𝟙𝟚 ℝ ℵ ℏ ﬁ ﬂ ﬃ ſt ĳ ǆ Ǆ ǅ",
    "x² + y³ = z½ ≠ ≤ ≥ ∑ ∫ √2 ± × ÷ ∞ µm Ωhm Åström K",
    "E = mc^2; a_b~c`d|e\\f<g>h[i]{j}@k#l$m%n&o*p",
    "https://example.org/path?query=1&other=two#fragment user.name+tag@mail.example",
    "e\u0301 e\u0323\u0302 a\u0327\u0308 o\u031b\u0323 q\u0307\u0323 \u0301alone",
    "Z\u0351\u036b\u0343\u036a\u0302\u0348\u0347a\u0348\u0354\u0318l\u033b\u0329g\u0331\u034co",
    "[CLS] spelled [SEP] in [MASK] the [PAD] text [UNK] and [cls] [Sep] [ MASK ] [[MASK]]",
    "no[SEP]space[MASK]s[CLS][CLS][PAD]!", "[SEP", "CLS]", "[MASK]]", "[[UNK]", "[unused7]",
    "tabs\tand\nnew\r\nlines\x0band\x0cfeeds\x85here\u2028or\u2029there",
    "zero\u200bwidth\u200cspaces\u200d\ufeffand\u2060joiners\u00adsoft",
    "nul\x00char \x01\x02\x1b[31mred\x1b[0m\x7f \x1c\x1d\x1e\x1f",
    "\ue000private\uf8ff use \U000f0000\U0010fffd non\ufdd0char\ufffe\uffff\U0001fffe \ufffd",
    "ẞßSSss ŉ ǰ ΐ ΰ և ẖ ẗ ẘ ẙ ẚ ﬓ", "ΑΣ ΑΣΑ Σ ΑΣ. ς", "Ǳ ǲ ǳ Ⅷ ⅷ Ⓐ ⓐ Ａ ａ 𐐀 𐐨 Ა ა",
    "1,234.56 3.14e-10 0xFF 12:34:56 2024-02-29 +49-30-901820 $5 €10 £3 ¥100 ₹7 50% №5 §2 ©®™",
    "don't won't it's rock'n'roll ‘quoted’ “double” «guillemets» ‹single› „low“ 「鉤」 —–‐‑―",
    "...!!!???---===+++***///\\\\\\###@@@$$$%%%^^^&&&((()))[[[]]]{{{}}}<<<>>>|||~~~```\"\"\"'''",
    "؟،؛ ।॥ 。、！？ ፡። ၊။ ៖។ ᠂᠃ ⁇⁈⁉ ‽ ⸮ ⸿ ⹂ ⹃ ⹏ 𐄀 𒑰 𑅀 𖩮 𛲟 𝪇",
]

WORDS = """the of question what is how many Who WHEN where Why reading tokenization embeddings
electroencephalographically hippopotomonstrosesquippedaliophobia supercalifragilistic
Pneumonoultramicroscopicsilicovolcanoconiosis running unhappiness playing McDonald's iPhone eBay
café naïve résumé Ångström coöperate façade Zürich São smörgåsbord Dvořák fiancée jalapeño
##ing ##s # 3rd 1990s 24/7 C++ F# .NET U.S.A. Ph.D. e-mail state-of-the-art AT&T O'Reilly
Москва ЁЛКА Αθήνα ΆΛΦΑ 東京 北京 서울 हिन्दी العربية עברית ไทย 🙂 👨‍🚀 ½ ﬁsh K ² ™ …""".split()

SPACES = [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u200b", "\u2028", "\x0b",
          "\x85", "\u1680", "\u180e", "\u202f", "\u205f", "\ufeff", ""]
MARKS = [chr(c) for c in (*range(0x300, 0x370), 0x483, 0x591, 0x5B0, 0x64B, 0x93C, 0x94D, 0x9CD,
                          0xE38, 0xEB8, 0x1AB0, 0x1DC0, 0x20D0, 0x20E3, 0x302A, 0x302E, 0x302F,
                          0x3099, 0xFE20, 0xFE0F, 0x1B44, 0x1BAA, 0xA953, 0x8D4, 0x8E1, 0x1D165,
                          0x1D16D, 0x1D172, 0x1E000, 0x1E947, 0x1133E, 0x1E944)]
BLOCKS = [(0x20, 0x7F), (0x80, 0x250), (0x250, 0x370), (0x370, 0x400), (0x400, 0x530),
          (0x530, 0x590), (0x590, 0x700), (0x700, 0x900), (0x900, 0xE00), (0xE00, 0x1000),
          (0x1000, 0x1400), (0x1400, 0x1700), (0x1700, 0x1D00), (0x1D00, 0x2000),
          (0x2000, 0x2070), (0x2070, 0x2200), (0x2200, 0x2C00), (0x2C00, 0x2E80),
          (0x2E80, 0x3100), (0x3100, 0x3400), (0x3400, 0xA000), (0xA000, 0xAC00),
          (0xAC00, 0xD7B0), (0xE000, 0xF900), (0xF900, 0xFB00), (0xFB00, 0xFE00),
          (0xFE00, 0xFF00), (0xFF00, 0x10000), (0x10000, 0x11000), (0x11000, 0x12000),
          (0x12000, 0x17000), (0x1B000, 0x1D000), (0x1D000, 0x1D800), (0x1E000, 0x1F000),
          (0x1F000, 0x1FB00), (0x20000, 0x30000), (0x30000, 0x31400), (0xE0000, 0xE0200),
          (0x10FF00, 0x110000)]


def texts():
    draw = random.Random(20)
    found = ["", " ", "\n", "\x00", "\u200b", "\u0301", "a", "A", "é", "中", "🙂", "한", "#", "##"]
    found += SENTENCES + WORDS
    for sentence in SENTENCES:
        found += [sentence.upper(), sentence.lower(), sentence.title(), sentence.replace(" ", ""),
                  sentence[::-1], "  " + sentence + "\n"]
    for length in (1, 50, 98, 99, 100, 101, 102, 103, 104, 199, 200, 201):
        found += ["a" * length, "é" * length, "ж" * length, "한" * length, "🙂" * length,
                  "a" * length + "!", "x " + "ab" * length, "e" + "\u0301" * length,
                  "a" * length + "\u0301", "9" * length]
    found += ["word " * 300, "." * 300, "中" * 200, "\u0301" * 300, " " * 500, "a" * 3000,
              "[MASK]" * 50, "\x00" * 100, "1" * 150 + " ok"]
    while len(found) < 1100:
        words = draw.choices(WORDS, k=draw.randint(1, 8))
        found.append("".join(word + draw.choice(SPACES) for word in words))
    while len(found) < 1500:
        word = draw.choice(WORDS + ["a", "e", "o"])
        found.append("".join(c + "".join(draw.choices(MARKS, k=draw.choice([0, 0, 1, 2, 4])))
                             for c in word))
    while len(found) < 2300:
        first, end = draw.choice(BLOCKS)
        scalars = [draw.randrange(first, end) for _ in range(draw.randint(1, 12))]
        found.append("".join(chr(s) + draw.choice(["", "", "", " ", "a"]) for s in scalars))
    while len(found) < 2500:
        scalars = [draw.randrange(0x110000) for _ in range(draw.randint(1, 10))]
        found.append("".join(chr(s) for s in scalars if not 0xD800 <= s < 0xE000))
    return list(dict.fromkeys(found))


def write(name, rows):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=True, separators=(",", ":")) + "\n")


# MARK: all-MiniLM-L6-v2

def minilm(folder):
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    write("minilm.jsonl", [{"text": text, "ids": tokenizer.encode(text).ids} for text in texts()])


# MARK: Small vocabularies, every option

OPTIONS = {
    "uncased": dict(),
    "cased": dict(lowercase=False),
    "accents": dict(strip_accents=False),
    "stripped": dict(lowercase=False, strip_accents=True),
    "joined": dict(handle_chinese_chars=False),
    "unclean": dict(clean_text=False),
    "nothing": dict(clean_text=False, handle_chinese_chars=False, lowercase=False),
}


def normalizer(options):
    return normalizers.BertNormalizer(**options)


def small_vocabulary():
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = sorted(set("".join(SENTENCES[:14]).lower()) | set("ABCDEFGÄÖÜßİı中文한ᄒ\u1161ᆫ\u0301"))
    letters = [c for c in letters if not c.isspace()]
    tokens += letters + ["##" + c for c in letters]
    tokens += ["the", "The", "quick", "##ick", "##own", "qu", "fox", "##x", "jump", "##s", "##ing",
               "in", "int", "inter", "##nation", "##al", "un", "##un", "##believ", "##able",
               "caf", "café", "cafe", "stra", "##ße", "##sse", "中文", "##中", "##文", "\u0130",
               "i\u0307", "\u212a", "k", "##k", "\u00e9", "e\u0301", "##\u0301", "\u200b", "a\u200bb",
               "\ufffd", "\x01", "x" * 70, "##" + "y" * 66, "##", "###", "#"]
    return list(dict.fromkeys(tokens))


def small(name, options, processor=None, added=(), maximum=100, prefix="##"):
    vocabulary = small_vocabulary()
    if prefix != "##":
        vocabulary = [t.replace("##", prefix, 1) if t.startswith("##") else t for t in vocabulary]
        vocabulary = list(dict.fromkeys(vocabulary))
    tokenizer = Tokenizer(WordPiece(
        {token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]",
        max_input_chars_per_word=maximum, continuing_subword_prefix=prefix))
    tokenizer.normalizer = normalizer(options)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if processor:
        tokenizer.post_processor = processor
    tokenizer.add_special_tokens(vocabulary[:5])
    if added:
        tokenizer.add_tokens(list(added))
    tokenizer.save(os.path.join(HERE, f"{name}.json"), pretty=False)
    return tokenizer


BERT = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
TEMPLATE = processors.TemplateProcessing(
    single="[CLS]:3 [CLS]:3 $A:1", pair="$B:2 [SEP]:4 $A:0 [SEP] [MASK]:7",
    special_tokens=[("[CLS]", 2), ("[SEP]", 3), ("[MASK]", 4)])
ADDED = [AddedToken("NewWord"), AddedToken("café au", single_word=True),
         AddedToken("<l>", lstrip=True), AddedToken("<r>", rstrip=True, normalized=False),
         AddedToken("<b>", lstrip=True, rstrip=True, single_word=True, normalized=False),
         AddedToken("fox", normalized=False), AddedToken("foxes", normalized=False),
         AddedToken("<s p>", special=True), AddedToken("中文字", normalized=True),
         AddedToken("é\u302f\u1d165", normalized=True)]
ADDED_TEXTS = [
    "a NewWord b", "anewwordb NEWWORD", "café au lait", "xcafé au", "CAFE AU CAFÉ AU", "cafe aux",
    "  <l>  <l>x<l>", "<r>   <r>\u2003\u3000x <r>", "a <b> b", "a<b> <b>b <b>! é<b>", "<b>",
    "<b> <b>", "_<b>", "\u0301<b>", "9<b>", "\u200d<b>", "(<b>)", "foxes fox foxe Fox FOX",
    "<s p> <S P><s  p>", "中文字 中 文字中文字", "x é\u1d165\u302f y", "E\u0301\u302f\u1d165",
    "<l><r><l>", " <b>\t<b>\n", "[CLS]<l> [SEP] <r> [MASK]", "fo\x00x fox\x00es", "new\x00word",
    "中<l>文", "<r><b> <l>", "<<r>>", "\u302f<l>\u1d165"]


def small_cases():
    rows = []
    chosen = texts()[::16] + SENTENCES + ADDED_TEXTS
    for name, options in OPTIONS.items():
        tokenizer = small(name, options, BERT)
        for text in chosen:
            rows.append({"tokenizer": name, "text": text, "ids": tokenizer.encode(text).ids})
    tokenizer = small("short-words", {}, None, maximum=4, prefix="@")
    for text in chosen[::3] + ["fox foxes xxxx xxxxx ÄÖÜß ÄÖÜßa 中文中文 @ @s a@s"]:
        rows.append({"tokenizer": "short-words", "text": text, "ids": tokenizer.encode(text).ids})
    for name in ("added", "added-cased"):
        options = {} if name == "added" else dict(lowercase=False, clean_text=False)
        tokenizer = small(name, options, TEMPLATE, ADDED)
        for text in ADDED_TEXTS + SENTENCES[::4]:
            encoding = tokenizer.encode(text)
            rows.append({"tokenizer": name, "text": text, "ids": encoding.ids,
                         "types": encoding.type_ids})
    write("small.jsonl", rows)


def pairs_and_truncation():
    draw = random.Random(5)
    rows = []
    for name, processor, options in (("uncased", BERT, {}), ("added", TEMPLATE, {})):
        tokenizer = Tokenizer.from_file(os.path.join(HERE, f"{name}.json"))
        specials = tokenizer.num_special_tokens_to_add(True)
        for _ in range(150):
            first, second = (" ".join(draw.choices(["fox", "the", "qu", "quick fox", "中文", "é!"],
                                                   k=draw.randint(0, 12))) for _ in range(2))
            maximum = draw.randint(specials + 1, 30)
            full = tokenizer.encode(first, second)
            tokenizer.enable_truncation(maximum, strategy="longest_first")
            cut = tokenizer.encode(first, second)
            single = tokenizer.encode(first)
            tokenizer.no_truncation()
            rows.append({"tokenizer": name, "first": first, "second": second, "maximum": maximum,
                         "ids": cut.ids, "types": cut.type_ids,
                         "lost": len(full.ids) - len(cut.ids), "single": single.ids})
    write("pairs.jsonl", rows)


def divided_words():
    draw = random.Random(6)
    rows = []
    tokenizer = Tokenizer.from_file(os.path.join(HERE, "uncased.json"))
    for _ in range(100):
        words = draw.choices(WORDS + ["", " ", "\u0301", "quick fox", "中文", "[MASK]", "é!"],
                             k=draw.randint(0, 9))
        encoding = tokenizer.encode(words, is_pretokenized=True)
        rows.append({"words": words, "ids": encoding.ids,
                     "indices": [-1 if i is None else i for i in encoding.word_ids]})
    write("words.jsonl", rows)


# MARK: Every scalar

PROBES = ["{}", "a{}b", "\u00e9\u302e{}\U0001d165\u1b44y", "\u8c48{}\u0316\u0301Z"]
BLOCK = 4096


def every_scalar():
    """For each option and each 4,096 scalars, the CRC-32 of the words of all probes, a line each."""
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    rows = []
    for name, options in OPTIONS.items():
        normalize = normalizer(options).normalize_str
        sums = []
        for start in range(0, 0x110000, BLOCK):
            text = "".join(probe.format(chr(scalar)) + "\n"
                           for scalar in range(start, start + BLOCK)
                           if not 0xD800 <= scalar < 0xE000 for probe in PROBES)
            words = b"".join(word.encode() + b"\xff" for word, _ in split(normalize(text)))
            sums.append(zlib.crc32(words))
        fields = dict(clean_text=True, handle_chinese_chars=True, strip_accents=None,
                      lowercase=True) | options
        rows.append({"name": name, "options": fields, "sums": sums})
    write("scalars.jsonl", rows)


if __name__ == "__main__":
    minilm(sys.argv[1])
    small_cases()
    pairs_and_truncation()
    divided_words()
    every_scalar()
