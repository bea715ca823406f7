"""Draw the pictures of the chapter "Beside the others", and fill in its table, from the fits on record.

python docs/pictures/comparison.py            # from what is kept
python docs/pictures/comparison.py FOLDER     # keep the fits of `lenet5 compare --folder FOLDER` first
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lenet5.methods import record
from lenet5.methods.catalogue import ROWS
from lenet5.reports import style
from lenet5.reports.classifiers import Line, lines, with_runs

HERE = Path(__file__).parent
KEPT = HERE.parents[1] / "src" / "lenet5" / "methods" / record.NAME
CHAPTER = HERE.parent / "comparison.md"
BEGIN, END = "<!-- comparison -->", "<!-- end of comparison -->"
HEAD = (
    "| method | error, %: 1998 | here | one more fit | fits | verdict | rejected for 0.5 %, %: 1998 | here "
    "| multiply-adds, thousands: 1998 | here | numbers kept, thousands: 1998 | here |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|"
)
NAMED = {  # the methods that are named in the picture of error against cost, with where the name stands
    "linear-deslanted": (6, 4),
    "neighbours-deslanted": (6, 4),
    "quadratic": (6, 4),
    "radial": (6, 4),
    "svm-4": (-22, 26),
    "rs-svm-5": (7, 14),
    "v-svm-9": (-64, -24),
    "tangent": (9, -3),
    "mlp-300-deslanted": (9, -3),
    "lenet-1": (6, 4),
    "lenet-4": (-46, 4),
    "lecun-1998": (-42, -9),
    "lenet-4-boosted": (6, -9),
}
PERCENT_TICKS = (0.2, 0.5, 1, 2, 5, 10)


def thousands(line: Line, field: str) -> float | None:
    """Return a cost in thousands as it came out here, or None without a fit."""
    return getattr(line.results[0], field) / 1000 if line.results else None


PANELS: tuple[tuple[str, str, Callable[[Line], float | None], Callable[[Line], float | None]], ...] = (
    ("Figure 9", "test error, %", lambda line: line.row.error, lambda line: line.error_percent),
    ("Figure 10", "rejected for 0.5 % error, %", lambda line: line.row.rejected, lambda line: line.rejected),
    (
        "Figure 11",
        "multiply-adds, thousands",
        lambda line: line.row.multiply_adds,
        lambda line: thousands(line, "multiply_adds"),
    ),
    ("Figure 12", "numbers kept, thousands", lambda line: line.row.memory, lambda line: thousands(line, "memory")),
)


def figures(found: list[Line]) -> Figure:
    """Draw the paper's four figures: published as rings, ours as dots, a line for each method."""
    with style.styled():
        drawn = style.figure(11, 7.4)
        axes = drawn.subplots(1, len(PANELS), sharey=True)
        for panel, (title, quantity, published, ours) in zip(axes, PANELS, strict=True):
            _panel(panel, found, published, ours)
            panel.set_title(title, loc="left")
            panel.set_xlabel(quantity)
            panel.set_xscale("log")
            if quantity.endswith("%"):
                panel.set_xlim(0.2, 20)
                panel.set_xticks(PERCENT_TICKS, [f"{tick:g}" for tick in PERCENT_TICKS])
                panel.minorticks_off()
        axes[0].set_yticks(range(len(found)), [line.row.title for line in found])
        axes[0].invert_yaxis()
        axes[0].plot([], [], "o", mfc="none", color=style.PUBLISHED, label="1998")
        axes[0].plot([], [], "o", color=style.BLUE, label="here")
        axes[0].legend(loc="lower right", fontsize=8)
        return drawn


def _panel(
    panel: Axes,
    found: list[Line],
    published: Callable[[Line], float | None],
    ours: Callable[[Line], float | None],
) -> None:
    for place, line in enumerate(found):
        then = published(line)
        now = ours(line) if then is not None else None
        if then is not None and now is not None:
            panel.plot([then, now], [place, place], "-", color=style.GREY, lw=1.2, zorder=1)
        if then is not None:
            panel.plot(then, place, "o", mfc="white", color=style.PUBLISHED, ms=6)
        if now is not None:
            panel.plot(now, place, "o", color=style.BLUE, ms=4.5)


def cost(found: list[Line]) -> Figure:
    """Draw error against multiply-adds: published as rings, ours as dots, both axes logarithmic."""
    with style.styled():
        drawn = style.figure(9, 5.2)
        axes = drawn.subplots()
        for line in found:
            then = (line.row.multiply_adds, line.row.error)
            now = (thousands(line, "multiply_adds"), line.error_percent)
            if then[0] is not None and now[0] is not None:
                axes.plot([then[0], now[0]], [then[1], now[1]], "-", color=style.GREY, lw=1, zorder=1)
            if then[0] is not None:
                axes.plot(*then, "o", mfc="white", color=style.PUBLISHED, ms=7)
            if now[0] is not None and then[0] is not None:
                colour = style.RED if line.name == "lecun-1998" else style.BLUE
                axes.plot(*now, "o", color=colour, ms=5)
            if line.name in NAMED:
                axes.annotate(
                    line.row.title, then, NAMED[line.name], textcoords="offset points", fontsize=8, color=style.INK
                )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("multiply-adds for one digit, thousands")
        axes.set_ylabel("test error, %")
        ticks = [0.7, 1, 1.5, 2, 3, 5, 8, 12]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.plot([], [], "o", mfc="white", color=style.PUBLISHED, label="1998")
        axes.plot([], [], "o", color=style.BLUE, label="here")
        axes.legend(loc="upper right")
        return drawn


def table(found: list[Line]) -> str:
    """Return the rows as Markdown."""
    return "\n".join([HEAD, *map(_row, found)])


def _row(line: Line) -> str:
    row, verdict = line.row, line.verdict
    interval = "{:.2f} to {:.2f}".format(*verdict.interval[0]) if verdict.interval else ""
    ours = "" if line.error_percent is None else f"**{line.error_percent:.2f}**"
    cells = [
        row.title,
        f"{row.error:g}",
        ours,
        interval,
        str(len(line.results) or ""),
        verdict.word,
        _text(row.rejected),
        _text(line.rejected) if row.rejected is not None or line.name == "lecun-1998" else "",
        _text(row.multiply_adds),
        _text(thousands(line, "multiply_adds")),
        _text(row.memory),
        _text(thousands(line, "memory")),
    ]
    return "| " + " | ".join(cells) + " |"


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def on_record() -> list[Line]:
    """Return every row with the fits that come with the package."""
    return lines(list(ROWS), with_runs(record.on_record()))


def fill(page: str, found: list[Line]) -> str:
    """Return the page with the table between its marks."""
    return re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n\n{table(found)}\n\n{END}", page, flags=re.DOTALL)


def main() -> None:
    """Keep, draw and fill in."""
    if len(sys.argv) > 1:
        record.write(KEPT, record.merged(record.on_record(), record.finished(Path(sys.argv[1]))))
    found = on_record()
    style.save(figures(found), HERE / "comparison-figures")
    style.save(cost(found), HERE / "comparison-cost")
    CHAPTER.write_text(fill(CHAPTER.read_text(encoding="utf-8"), found), encoding="utf-8")


if __name__ == "__main__":
    main()
