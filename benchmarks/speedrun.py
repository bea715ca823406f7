"""The fastest to 99 %: twenty seeds of `speedrun`, each from the start of its process to its end."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from side_by_side import machine, record

SEEDS = range(1, 21)


def one(seed: int, folder: Path) -> tuple[float, float, float]:
    """Train one seed; return its accuracy in percent, the seconds of its process and those of its training alone."""
    command = [sys.executable, "-m", "lenet5", "train", "speedrun", "--seed", str(seed), "--runs", str(folder)]
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.perf_counter() - started
    result = json.loads((folder / f"speedrun-seed{seed}" / "result.json").read_text(encoding="utf-8"))
    return result["test_accuracy_percent"], seconds, result["seconds"]


def row(name: str, values: list[float], digits: int) -> str:
    """Return a line of the table: mean or median, least, most."""
    middle = statistics.mean(values) if "accuracy" in name else statistics.median(values)
    return f"| {name} | {middle:.{digits}f} | {min(values):.{digits}f} | {max(values):.{digits}f} |"


def main() -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory() as folder:
        accuracies, whole, training = map(list, zip(*(one(seed, Path(folder)) for seed in SEEDS), strict=True))
    lines = [
        f"{machine()}; the native engine with as many threads as cores. `lenet5 train speedrun`, {len(SEEDS)} seeds.",
        "",
        "| | mean or median | least | most |",
        "|---|---|---|---|",
        row("test accuracy, % (mean)", accuracies, 2),
        row("training, s (median)", training, 2),
        row("from process start to the end, curves drawn, s (median)", whole, 2),
    ]
    record("The fastest to 99 %", "\n".join(lines))


if __name__ == "__main__":
    main()
