"""Draw the picture of the chapter "From 1998 to today", and fill in its table, from `results/studies/timeline.json`.

python docs/pictures/timeline.py
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean

from matplotlib.figure import Figure

from lenet5.reports import style
from lenet5.studies.statistics import holm, paired_p

HERE = Path(__file__).parent
STUDY = HERE.parents[1] / "results" / "studies" / "timeline.json"
CHAPTER = HERE.parent / "timeline.md"


@dataclass(frozen=True)
class Change:
    """What one change brought: the error of each seed after the last pass, and the seconds of a pass.

    p  probability by chance of at least this difference from the change before, corrected for the number of changes
    """

    name: str
    errors: list[float]
    seconds: float
    p: float | None


def changes() -> list[Change]:
    """Return the changes in their order, from what is kept of the study."""
    rows = json.loads(STUDY.read_text(encoding="utf-8"))["rows"]
    names = list(dict.fromkeys(row["label"] for row in rows))
    by_name = {
        name: sorted((row for row in rows if row["label"] == name), key=lambda row: row["seed"]) for name in names
    }
    errors = {name: [row["error_percent"][-1] for row in own] for name, own in by_name.items()}
    corrected = holm([paired_p(errors[before], errors[after]) for before, after in pairwise(names)])
    return [
        Change(name, errors[name], mean(mean(row["seconds"]) for row in by_name[name]), p)
        for name, p in zip(names, [None, *corrected], strict=True)
    ]


def picture(found: list[Change]) -> Figure:
    """Draw error and time against the changes, from the top down."""
    with style.styled():
        drawn = style.figure(9, 5.6)
        error, seconds = drawn.subplots(1, 2, sharey=True, width_ratios=[3, 1])
        places = range(len(found))
        error.plot([mean(change.errors) for change in found], places, "-", color=style.BLUE, lw=1.2)
        for place, change in zip(places, found, strict=True):
            error.plot(change.errors, [place] * len(change.errors), "o", ms=4, color=style.BLUE, alpha=0.35, mew=0)
            middle = mean(change.errors)
            error.plot(middle, place, "|", ms=14, mew=2.2, color=style.BLUE)
            error.annotate(
                f"{middle:.2f}", (max(change.errors), place), (7, 0), textcoords="offset points", va="center"
            )
        error.set_yticks(list(places), [change.name for change in found])
        error.invert_yaxis()
        for axes in (error, seconds):
            axes.grid(axis="y", visible=False)
        error.set_xlim(0, None)
        error.margins(x=0.12)
        error.set_xlabel("test error after 20 passes, %; each seed, and the mean")
        error.set_title("What each change brought", loc="left")
        seconds.barh(list(places), [change.seconds for change in found], color=style.ORANGE, height=0.55)
        seconds.set_xlabel("seconds a pass")
        for place, change in zip(places, found, strict=True):
            seconds.annotate(
                f"{change.seconds:.1f}", (change.seconds, place), (4, 0), textcoords="offset points", va="center"
            )
        seconds.margins(x=0.2)
        return drawn


def table(found: list[Change]) -> str:
    """Return the changes as Markdown."""
    lines = [
        "| change, on top of all above it | test error, % | seeds | difference | p | s a pass |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *_rows(found)])


def _rows(found: list[Change]) -> Iterator[str]:
    for before, change in pairwise([None, *found]):
        difference = f"{mean(change.errors) - mean(before.errors):+.2f}" if before else ""
        p = "" if change.p is None else f"{change.p:.2f}" if change.p >= 0.01 else "< 0.01"
        spread = f"{mean(change.errors):.2f} ({min(change.errors):.2f} to {max(change.errors):.2f})"
        yield f"| {change.name} | {spread} | {len(change.errors)} | {difference} | {p} | {change.seconds:.1f} |"


def fill(page: str, found: list[Change]) -> str:
    """Return the page with the table between its marks."""
    begin, end = "<!-- changes -->", "<!-- end of changes -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n\n{table(found)}\n\n{end}", page, flags=re.DOTALL)


def main() -> None:
    """Draw, and fill in."""
    found = changes()
    style.save(picture(found), HERE / "timeline")
    CHAPTER.write_text(fill(CHAPTER.read_text(encoding="utf-8"), found), encoding="utf-8")


if __name__ == "__main__":
    main()
