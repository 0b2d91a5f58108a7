"""Rows for answers: one text, 1,000 texts, and the first one after the start of a process.

Tokenizing is included. The limit of the first answer is the time that we allow ourselves.
"""

import os

from measure import median
from processes import Server, alternate, log, seconds_to_first_line

FIRST_ANSWER_LIMIT = 150
# Seconds before each single text.
SILENCE = 0.02


def questions(setting):
    """The texts of TREC, in order."""
    with open(setting.questions, encoding="utf-8", newline="\n") as file:
        return [line.split(" ", 1)[1] for line in file.read().split("\n") if " " in line]


def write_lines(setting, name, texts):
    path = os.path.join(setting.folder, name)
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write("\n".join(texts) + "\n")
    return path


def run(setting):
    works = ("predict one text", "predict 1,000 texts")
    if setting.wants(*works):
        compare_predictions(setting, works)
    work = "process start to first prediction"
    if setting.wants(work):
        compare_starts(setting, work, repeats=3 if setting.quick else 7)


def compare_predictions(setting, works):
    texts = write_lines(setting, "thousand.txt", questions(setting)[:1000])
    arguments = ["--model", setting.model, "--texts", texts, "--threads", setting.threads]
    with (
        Server(setting.ours("TaskBenchmark", "predict", *arguments)) as ours,
        Server(setting.peer("predict", *arguments)) as peer,
    ):
        log(f"PyTorch: {peer.settings}")
        servers = (ours, peer)
        for work, request, warm_up, repeats, pause in (
            (works[0], "one", 20, 30 if setting.quick else 200, SILENCE),
            (works[1], "all", 1, 2 if setting.quick else 7, 0),
        ):
            alternate(servers, warm_up, request)
            setting.table.add(work, *alternate(servers, repeats, request, pause), "ms")


def compare_starts(setting, work, repeats):
    here = os.path.dirname(os.path.abspath(__file__))
    text = questions(setting)[0]
    commands = (
        setting.ours("FirstPrediction", setting.model, text, setting.threads),
        [*setting.peer("")[:1], f"{here}/first.py", setting.model, text, str(setting.threads)],
    )
    for command in commands:
        seconds_to_first_line(command)
    times = ([], [])
    for _ in range(repeats):
        for side, command in zip(times, commands):
            side.append(seconds_to_first_line(command) * 1e3)
    setting.table.add(work, median(times[0]), median(times[1]), "ms", FIRST_ANSWER_LIMIT)
