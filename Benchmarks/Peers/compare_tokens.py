"""Rows for tokenizing, beside the package `tokenizers` on as many threads. Equal ids are required."""

import os
import random
import sys

from compare_predictions import questions, write_lines
from processes import Server, alternate, log

MEGABYTES = 10


def words_of(setting, megabytes):
    """A text of that size from the words of TREC, shuffled so that no sentence comes twice."""
    words = " ".join(questions(setting)).split(" ")
    generator = random.Random(0)
    parts, size = [], 0
    while size < megabytes * 1_000_000:
        parts.append(generator.choice(words))
        size += len(parts[-1].encode()) + 1
    return parts


def run(setting):
    megabytes = 1 if setting.quick else MEGABYTES
    works = ("tokenise TREC", f"tokenise {megabytes} MB of short texts",
             f"tokenise {megabytes} MB, one text")
    if setting.wants(works[0]):
        compare(setting, works[0], questions(setting))
    if setting.wants(*works[1:]):
        words = words_of(setting, megabytes)
        lines = [" ".join(words[start : start + 12]) for start in range(0, len(words), 12)]
        if setting.wants(works[1]):
            compare(setting, works[1], lines)
        if setting.wants(works[2]):
            compare(setting, works[2], [" ".join(words)])


def compare(setting, work, texts):
    path = write_lines(setting, "texts.txt", texts)
    ids = [os.path.join(setting.folder, name) for name in ("ours.ids", "theirs.ids")]
    arguments = ["--model", setting.model, "--texts", path, "--threads", setting.threads, "--ids"]
    with (
        Server(setting.ours("TaskBenchmark", "tokenize", *arguments, ids[0])) as ours,
        Server(setting.peer("tokens", *arguments, ids[1])) as peer,
    ):
        log(f"tokenizers: {peer.settings}")
        servers = (ours, peer)
        alternate(servers, 1, "ids")
        check(ids, work)
        setting.table.add(work, *alternate(servers, 3 if setting.quick else 7), "ms")


def check(paths, work):
    contents = []
    for path in paths:
        with open(path, "rb") as file:
            contents.append(file.read())
    if contents[0] != contents[1]:
        sys.exit(f"{work}: the ids differ from those of the package tokenizers")
