"""Thirty digits of one's own: what fine-tuning brings to each of several writers.

    python benchmarks/own_digits.py PENDIGITS RUNS

PENDIGITS is the training file of UCI's "Pen-Based Recognition of Handwritten Digits" in UNIPEN form (CC BY 4.0), packed
with gzip. Each writer's strokes are drawn as pictures; three of each digit train, all others of that writer measure.
"""

import gzip
import re
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import lenet5

SIDE, PEN, MARGIN = 64, 6, 12  # pixels
OF_EACH = 3
BATCH = {"batch_size": 8}
WAYS = {
    "from modern, 20 epochs": {"start_from": "modern", "epochs": 20},
    "the same, C1 and C3 frozen": {"start_from": "modern", "epochs": 20, "freeze": ("C1", "C3")},
    "from nothing, 200 epochs": {"epochs": 200},
}

Stroke = list[tuple[float, float]]


def digits(path: Path) -> dict[int, list[tuple[int, list[Stroke]]]]:
    """Return writer -> (label, strokes) of each digit."""
    found: dict[int, list[tuple[int, list[Stroke]]]] = defaultdict(list)
    strokes: list[Stroke] = []
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        if line.startswith(".COMMENT") and (named := re.match(r"\.COMMENT\s+(\d)\s+(\d+)", line)):
            strokes = []
            found[int(named[2])].append((int(named[1]), strokes))
        elif line.startswith(".PEN_DOWN"):
            strokes.append([])
        elif strokes and (point := re.match(r"\s*(-?\d+)\s+(-?\d+)", line)):
            strokes[-1].append((float(point[1]), float(point[2])))
    return found


def drawn(strokes: list[Stroke]) -> Image.Image:
    """Draw strokes with a round pen: dark on white, as large as the picture allows."""
    points = np.array([point for stroke in strokes for point in stroke])
    low, size = points.min(axis=0), max(np.ptp(points, axis=0).max(), 1)
    offset = (SIDE - np.ptp(points, axis=0) / size * (SIDE - 2 * MARGIN)) / 2
    picture = Image.new("L", (SIDE, SIDE), 255)
    pen = ImageDraw.Draw(picture)
    for stroke in strokes:
        line = [tuple(at) for at in (np.array(stroke) - low) / size * (SIDE - 2 * MARGIN) + offset]
        line = [(x, SIDE - y) for x, y in line]  # the tablet's y grows upwards
        pen.line(line, fill=0, width=PEN, joint="curve")
        for x, y in line:
            pen.ellipse((x - PEN / 2, y - PEN / 2, x + PEN / 2, y + PEN / 2), fill=0)
    return picture


def main(pendigits: Path, runs: Path) -> None:
    """Print a line for each writer, then the means."""
    rows = []
    for writer, own in sorted(digits(pendigits).items()):
        folder = runs / f"writer-{writer}"
        count: dict[int, int] = defaultdict(int)
        for index, (label, strokes) in enumerate(own):
            part = "train" if count[label] < OF_EACH else "test"
            count[label] += 1
            (folder / part / str(label)).mkdir(parents=True, exist_ok=True)
            drawn(strokes).save(folder / part / str(label) / f"{index}.png")
        row = [lenet5.evaluate("modern", data=folder, part="test").accuracy_percent]
        for options in WAYS.values():
            run = lenet5.train("archaeology", data=folder, overrides=BATCH, runs_folder=runs, **options)  # type: ignore[arg-type]
            row.append(run.result()["test_accuracy_percent"])  # type: ignore[index]
        rows.append(row)
        print(writer, sum(count.values()) - OF_EACH * len(count), *(f"{value:.2f}" for value in row), flush=True)
    print("mean", "", *(f"{value:.2f}" for value in np.mean(rows, axis=0)))
    print("columns: modern as it is;", "; ".join(WAYS))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
