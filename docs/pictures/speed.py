"""Draw the handbook's pictures of speed from what `make bench` measured.

python docs/pictures/speed.py
"""

import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from lenet5.reports.style import BLUE, GREY, INK, ORANGE, figure, save, styled

HERE = Path(__file__).parent
MEASURED = HERE.parents[1] / "benchmarks" / "speed.json"
WAYS = {"native": BLUE, "PyTorch, compiled": ORANGE, "PyTorch, eager": GREY}
DIRECTIONS = {
    "load": "the images: bytes to inputs",
    "forward": "forward",
    "loss": "loss",
    "squash gradient": "back through pool and function",
    "weight gradient": "gradient of the weights",
    "input gradient": "gradient for the input",
    "update": "all weights: update",
    "wait": "waiting for the other thread",
}
OF_THE_WHOLE_STEP = ("load", "update", "wait")  # booked with the first layer, but not its own


def speed(measured: dict[str, Any]) -> Figure:
    """Bars of seconds an epoch, for each recipe and way to train it."""
    contests = measured["contests"]
    with styled():
        drawn = figure(8, 4.2)
        axes = drawn.subplots()
        axes.grid(axis="y", visible=False)
        for index, contest in enumerate(contests):
            for offset, (way, colour) in enumerate(WAYS.items()):
                seconds = contest["seconds"][way][0]
                place = index + (offset - 1) * 0.27
                axes.barh(place, seconds, 0.25, color=colour, label=way if index == 0 else None)
                note = f"{seconds:.2f} s" + (f", {contest['times_faster']:.1f} times faster" if way == "native" else "")
                axes.text(seconds, place, f"  {note}", va="center", fontsize=8, color=INK)
        axes.set_yticks(range(len(contests)), [f"{row['recipe']}\nbatch {row['batch_size']:,}" for row in contests])
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.set_xlabel("seconds an epoch of 60,000 images, two threads each, median")
        axes.set_title("The native engine and the best PyTorch loops on two cores", loc="left")
        axes.legend(loc="lower right")
    return drawn


def title(row: dict[str, Any]) -> str:
    """What a bar's time was spent on."""
    layer = "" if row["work"] in OF_THE_WHOLE_STEP else f"{row['layer']}  "
    return layer + DIRECTIONS[row["work"]]


def kernels(measured: dict[str, Any]) -> Figure:
    """Bars of the time of each kernel, its least possible part dark."""
    rows = [row for row in measured["kernels"]["rows"] if row["seconds"] > 0.002]
    with styled():
        drawn = figure(8, 0.27 * len(rows) + 1.2)
        axes = drawn.subplots()
        axes.grid(axis="y", visible=False)
        for place, row in enumerate(rows):
            axes.barh(place, 1000 * row["seconds"], 0.7, color="#A9CFE5")
            axes.barh(place, 1000 * row["least"], 0.7, color=BLUE)
            share = f"{100 * row['least'] / row['seconds']:.0f} % of the limit" if row["least"] else ""
            axes.text(1000 * row["seconds"], place, f"  {share}", va="center", fontsize=8, color=INK)
        axes.set_yticks(range(len(rows)), [title(row) for row in rows], fontsize=8)
        axes.invert_yaxis()
        axes.margins(x=0.2, y=0.02)
        axes.set_xlabel("milliseconds an epoch in each of two threads; dark: the least possible")
        axes.set_title("archaeology, batch 1,024: where the time goes", loc="left")
    return drawn


if __name__ == "__main__":
    values = json.loads(MEASURED.read_text(encoding="utf-8"))
    for name, drawn in (("speed", speed(values)), ("kernels", kernels(values))):
        png, svg = save(drawn, HERE / name)
        svg.unlink()
        print(png)
