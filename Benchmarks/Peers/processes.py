"""The programs that are compared: asked step by step, in turn."""

import json
import subprocess
import sys
import time

from measure import median

# Steps of less than a second are repeated until they fill one, so that their medians are steady.
SHORT_SECONDS, MOST_REPEATS = 1.0, 25


def log(text):
    print(text, file=sys.stderr, flush=True)


class Server:
    """A process that answers lines with numbers; its first line is JSON and says what it is."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.settings = json.loads(self.line())

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.process.args[:3]} ended with status {self.process.wait()}")
        return line

    def send(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def ask(self, text="step"):
        self.send(text)
        answer = self.line()
        try:
            return float(answer)
        except ValueError:
            sys.exit(f"{self.process.args[:3]}: {answer}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def alternate(servers, repeats, request="step", pause=0):
    """The median milliseconds of each server, one answer of each in turn.

    `pause` is the seconds of silence before each: the threads of the side that was asked last still
    spin for a while, on the cores that the other one needs. It matters to answers of milliseconds.
    """
    times = {server: [] for server in servers}
    for _ in range(repeats):
        for server in servers:
            time.sleep(pause)
            times[server].append(server.ask(request))
    return [median(times[server]) for server in servers]


def repeats_for(milliseconds, least):
    """How often to repeat steps that all sides together need so long for."""
    return max(least, min(MOST_REPEATS, int(SHORT_SECONDS * 1e3 / max(milliseconds, 1e-3))))


def result_of(command):
    """Runs a program to its end and reads the last line that it prints, which is JSON."""
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.strip().splitlines()[-1])


def seconds_to_first_line(command):
    """From the start of a process to its first line of output."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        seconds = time.perf_counter() - start
    if process.returncode != 0 or not line:
        sys.exit(f"{command[:2]} ended with status {process.returncode}")
    return seconds
