# SPDX-License-Identifier: MIT
"""Taking measures, and the tables that say them beside what is required."""

import dataclasses
import statistics
import time


@dataclasses.dataclass
class Must:
    """graphfs's measure is at most `limit` times that of row `against`, or at most `absolute`."""

    limit: float = None
    against: str = None
    absolute: float = None
    measure: str = "ms"
    row: str = "graphfs"

    def text(self, medians):
        value = medians[self.row][self.measure]
        said, met = [], False
        if self.against:
            ratio = value / medians[self.against][self.measure]
            said.append(f"<= {self.limit:.3g}x {self.against} (is {ratio:.3g}x)")
            met = ratio <= self.limit
        if self.absolute is not None:
            said.append(f"<= {self.absolute:g} (is {value:.3g})")
            met = met or value <= self.absolute
        return f"{self.measure} {' or '.join(said)}: {'met' if met else 'NOT MET'}"


def timed(function):
    begin = time.perf_counter()
    function()
    return {"ms": (time.perf_counter() - begin) * 1000}


def measure(rows, runs, warm=False):
    """rows: {name: function that does the thing once and returns its measures}.

    The rows take turns, so that a busy moment hits all alike. Returns {name: {measure: median}}.
    """
    if warm:
        for once in rows.values():
            once()
    samples = {name: [] for name in rows}
    for _ in range(runs):
        for name, once in rows.items():
            samples[name].append(once())
    return {name: {key: statistics.median(sample[key] for sample in taken) for key in taken[0]}
            for name, taken in samples.items()}


def show(title, medians, reference, musts=()):
    """Prints one table: a row per peer, its ratio to the reference, what must hold and whether it does."""
    extra = list(dict.fromkeys(key for row in medians.values() for key in row if key != "ms"))
    print(f"\n{title}\n")
    print("| " + " | ".join([f"{'':24}", f"{'ms':>9}", f"{'ratio':>6}", *extra, "must"]) + " |")
    print("|" + "---|" * (4 + len(extra)))
    for name, row in medians.items():
        ratio = row["ms"] / medians[reference]["ms"]
        cells = [f"{row[key]:{len(key)}.4g}" if key in row else " " * len(key) for key in extra]
        said = "; ".join(must.text(medians) for must in musts if must.row == name)
        print("| " + " | ".join([f"{name:24}", f"{row['ms']:9.1f}", f"{ratio:6.2f}", *cells, said]) + " |",
              flush=True)
