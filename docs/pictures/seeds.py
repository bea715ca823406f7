"""Draw how test errors scatter over seeds, from the runs on record, and fill in the table of docs/modern.md.

python docs/pictures/seeds.py
"""

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lenet5.recipes import catalogue
from lenet5.reports import record, style
from lenet5.reports.claim_values import settings
from lenet5.studies import prediction
from lenet5.studies.scale import ErrorRate

HERE = Path(__file__).parent
RUNS = HERE.parents[1] / "results" / "runs.json"
CHAPTER = HERE.parent / "modern.md"
TEST_IMAGES = 10_000
PUBLISHED = {"lecun-1998": 95}  # of the test images: 0.95 % (1998 paper, p. 12)


def errors() -> dict[str, list[int]]:
    """Return recipe -> how many test images each run on record misclassifies."""
    entries = json.loads(RUNS.read_text(encoding="utf-8"))
    (modern,) = (entry for entry in entries if entry["recipe"] == "modern" and not entry["overrides"])
    of_1998 = record.read()[settings(catalogue.load("lecun-1998"))]
    return {
        "modern": [round((100 - accuracy) * TEST_IMAGES / 100) for accuracy in modern["test_accuracy_percent"]],
        "lecun-1998": [run.epochs[-1].test_images - run.epochs[-1].test_correct for run in of_1998],
    }


def one_more(counts: list[int]) -> tuple[float, float]:
    """Return between how many errors one more run falls with 95 %."""
    scale = ErrorRate(TEST_IMAGES)
    places = [scale.to(count) for count in counts]
    low, high = prediction.interval(prediction.sample(places, scale.rounding(float(np.mean(places)))))
    return scale.back(low), scale.back(high)


def picture(found: dict[str, list[int]]) -> Figure:
    """Each run as a dot, equal ones above each other, over the interval of one more run."""
    with style.styled():
        drawn = style.figure(8, 1.7 * len(found) + 0.6)
        for axes, (name, counts) in zip(drawn.subplots(len(found), 1), found.items(), strict=True):
            _panel(axes, name, counts)
        axes.set_xlabel("test error, %")
        return drawn


def _panel(axes: Axes, name: str, counts: list[int]) -> None:
    low, high = one_more(counts)
    axes.axvspan(low / 100, high / 100, color=style.BLUE, alpha=0.12, lw=0, label="one more run, 95 %")
    axes.axvline(float(np.mean(counts)) / 100, color=style.BLUE, lw=1.2, label="mean")
    for count, times in Counter(counts).items():
        axes.plot([count / 100] * times, range(1, times + 1), "o", ms=7, color=style.BLUE, mew=0)
    if name in PUBLISHED:
        axes.plot(PUBLISHED[name] / 100, 0.35, "^", ms=8, color=style.PUBLISHED, label="published, one run")
    axes.set_ylim(0, max(Counter(counts).values()) + 1)
    axes.set_yticks([])
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.1)
    axes.set_title(f"{name}: {len(counts)} runs that differ only in the seed", loc="left")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def table(found: dict[str, list[int]]) -> str:
    """Return the distributions as Markdown."""
    lines = [
        "| recipe | runs | mean | standard deviation | smallest and largest | one more run |",
        "|---|---|---|---|---|---|",
    ]
    for name, counts in found.items():
        error, (low, high) = np.array(counts) / 100, one_more(counts)
        lines.append(
            f"| `{name}` | {len(counts)} | {error.mean():.3f} | {error.std(ddof=1):.3f} | "
            f"{error.min():.2f}, {error.max():.2f} | {low / 100:.2f} to {high / 100:.2f} |"
        )
    return "\n".join(lines)


def fill(page: str) -> str:
    """Return the page with the table between its marks."""
    begin, end = "<!-- seeds -->", "<!-- end of seeds -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n\n{table(errors())}\n\n{end}", page, flags=re.DOTALL)


def main() -> None:
    """Draw, and fill in."""
    style.save(picture(errors()), HERE / "seeds")
    CHAPTER.write_text(fill(CHAPTER.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
