"""Measure several ways to do one thing, fairly: in turns, in one process, medians and best.

The speed of a shared machine changes from second to second, so a single timing means little. Here every contender
has one turn in each round; a ratio is the median over the rounds of the ratio within a round.
"""

import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

Turn = Callable[[], object]
REST = 0.3  # seconds; OpenMP's threads wait awake for up to 0.2
RECORDS = Path(__file__).parent / "records.md"


@dataclass(frozen=True)
class Timing:
    """Seconds of each round for one contender."""

    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def best(self) -> float:
        return min(self.seconds)

    def ratio_to(self, other: "Timing") -> float:
        """How many times as long as `other` this takes: the median over the rounds."""
        return statistics.median(a / b for a, b in zip(self.seconds, other.seconds, strict=True))


def alternate(contenders: Mapping[str, Turn], rounds: int) -> dict[str, Timing]:
    """Give each contender one turn to warm up, then one turn in each round, in a new order each time.

    Who comes after whom matters: one library's threads may still be awake when the next one starts. So the order
    changes, and each turn begins after a rest in which all threads fall asleep.
    """
    shuffled = random.Random(0)
    for turn in contenders.values():
        turn()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, turn in shuffled.sample(list(contenders.items()), len(contenders)):
            time.sleep(REST)
            started = time.perf_counter()
            turn()
            seconds[name].append(time.perf_counter() - started)
    return {name: Timing(values) for name, values in seconds.items()}


def machine() -> str:
    """Describe where and when, for the record."""
    import torch

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return (
        f"{date.today().isoformat()}, {model}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, PyTorch {torch.__version__} with {torch.get_num_threads()} threads"
    )


def record(section: str, text: str) -> None:
    """Put a section of records.md in place of the one of that name, and print it."""
    title = f"## {section}\n"
    old = RECORDS.read_text(encoding="utf-8") if RECORDS.exists() else "# Records\n"
    before, _, rest = old.partition(title)
    _, following, after = rest.partition("\n## ")
    RECORDS.write_text(f"{before.rstrip()}\n\n{title}\n{text.strip()}\n{following}{after}", encoding="utf-8")
    print(f"{title}\n{text}")
