"""The rows of the comparison: printed and saved as soon as each is measured."""

import json
import os

# Units of which more is better.
RATES = {"tokens/s", "MB/s", "%", "x", "points"}


class Table:
    """Prints a line for each row, and keeps a JSON file of all of them up to date."""

    def __init__(self, path):
        self.path = path
        self.rows = []
        print(f"{'work':<52}{'ours':>10}{'PyTorch':>10}{'ratio':>8}{'limit':>10}{'ours/limit':>12}",
              flush=True)

    def add(self, work, ours, peer, unit, limit=None, ratio=None):
        """Adds a row.

        `ratio` says how many times better ours is, whether more or less is better; `limit` is what
        the machine could reach, None where that is unknown.
        """
        if ratio is None:
            ratio = ours / peer if unit in RATES else peer / ours
        self.rows.append({"work": work, "ours": ours, "peer": peer, "ratio": ratio, "unit": unit,
                          "limit": limit})
        beside = f"{limit:>10.1f}{ours / limit:>12.2f}" if limit is not None else " " * 22
        print(f"{work:<52}{ours:>10.1f}{peer:>10.1f}{ratio:>8.2f}{beside}  {unit}", flush=True)
        self.save()

    def save(self):
        if not self.path:
            return
        temporary = f"{self.path}.part"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(self.rows, file, indent=2)
        os.replace(temporary, self.path)
