"""Draw the pictures of the chapter on batch sizes, and fill in its table, from `results/studies/`.

python docs/pictures/batch_sizes.py
"""

import json
import re
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lenet5.recipes import catalogue
from lenet5.reports import style
from lenet5.reports.onset import onset
from lenet5.training.diagnosis import loss_crossing, lowest_test_loss

HERE = Path(__file__).parent
STUDIES = HERE.parents[1] / "results" / "studies"
CHAPTER = HERE.parent / "batch-size.md"
SIZES = ("32", "64", "1024", "4096")
LONG = "4096, 100 epochs"
CROSSING = "64"  # here the source looks where the curves cross; for the others, where the test loss is lowest
Curves = NDArray[np.float64]


def kept(study: str) -> dict[str, dict[str, Curves]]:
    """Return label -> what was measured -> (seeds, epochs), from what is kept of a study."""
    rows: list[dict[str, Any]] = json.loads((STUDIES / f"{study}.json").read_text(encoding="utf-8"))["rows"]
    return {
        label: {
            which: np.array([row[which] for row in rows if row["label"] == label])
            for which in ("error_percent", "train_loss", "loss")
        }
        for label in dict.fromkeys(row["label"] for row in rows)
    }


def published(size: str) -> dict[int, float]:
    """Return the published test accuracies of a batch size by epoch, in percent."""
    return {
        claim.epoch: float(str(claim.value))
        for claim in catalogue.load("archaeology").claims
        if claim.quantity == "test_accuracy_percent"
        and claim.overrides.get("batch_size") == int(size)
        and claim.epoch
        and not claim.contradicted
    }


def losses(test: dict[str, dict[str, Curves]], validation: dict[str, dict[str, Curves]]) -> Figure:
    """Train and test loss against the epoch for each batch size, as the published appendix has them."""
    with style.styled():
        drawn = style.figure(10, 7)
        panels = drawn.subplots(2, 2).ravel()
        for axes, size in zip(panels, SIZES, strict=True):
            _panel(axes, size, test[size], onset(validation[size]["loss"].tolist()))
        panels[3].legend(loc="lower left")
        return drawn


def _panel(axes: Axes, size: str, curves: dict[str, Curves], begins: int) -> None:
    epochs = np.arange(1, curves["loss"].shape[1] + 1)
    means = {which: curves[which].mean(0) for which in ("train_loss", "loss")}
    for which, colour, text, name in (
        ("train_loss", style.TRAIN, style.TRAIN_TEXT, "train, mean over the epoch"),
        ("loss", style.TEST, style.TEST, "test, after the epoch"),
    ):
        axes.fill_between(epochs, curves[which].min(0), curves[which].max(0), color=colour, alpha=0.2, lw=0)
        axes.plot(epochs, means[which], "o-", ms=3, color=colour, label=name)
        for epoch in (1, 3, 5, 7, 10) if size in SIZES[:2] else (1, 4, 7, 10):
            value = means[which][epoch - 1]
            above = value >= means["loss" if which == "train_loss" else "train_loss"][epoch - 1]
            axes.annotate(
                f"{value:.3f}", (epoch, value), (0, 7 if above else -7), textcoords="offset points", ha="center",
                va="bottom" if above else "top", fontsize=8, color=text,
            )  # fmt: skip
    _mark_the_sources_rule(axes, size, curves)
    if begins:
        axes.axvline(begins, color=style.RED, lw=1, ls="--")
        axes.annotate(
            f"overfits from epoch {begins}", (begins, 0.55), (5, 0), xycoords=("data", "axes fraction"),
            textcoords="offset points", fontsize=8, color=style.RED,
        )  # fmt: skip
    if size in SIZES[:2]:
        axes.set_yscale("log")
    axes.set_title(
        f"batch {int(size):,}: {60_000 // int(size) + (60_000 % int(size) > 0):,} steps an epoch", loc="left"
    )
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    axes.set_xticks(epochs)
    axes.margins(y=0.15)


def _mark_the_sources_rule(axes: Axes, size: str, curves: dict[str, Curves]) -> None:
    """Where the source saw the onset, and where its rule sees one in each of our seeds."""
    if said := published_onsets()[size]:
        axes.axvline(said, color=style.INK, lw=1, ls=":")
        axes.annotate(
            "onset, published", (said, 0.9), (4, 0), xycoords=("data", "axes fraction"),
            textcoords="offset points", fontsize=8,
        )  # fmt: skip
    found = [epoch for epoch in onsets_by_rule(size, curves) if epoch]
    for place, epoch in enumerate(sorted(found)):
        height = 0.03 + 0.035 * sorted(found)[:place].count(epoch)
        axes.plot(epoch, height, "^", ms=5, color=style.INK, transform=axes.get_xaxis_transform(), clip_on=False)


def published_onsets() -> dict[str, int]:
    """Return where the source saw the onset with each batch size; 0: it saw none."""
    return {
        str(claim.overrides["batch_size"]): int(float(str(claim.value)))
        for claim in catalogue.load("archaeology").claims
        if claim.quantity in ("lowest_test_loss_epoch", "loss_crossing_epoch")
    }


def onsets_by_rule(size: str, curves: dict[str, Curves]) -> list[int]:
    """Return the onset in each seed's run by the rule that the source used for this batch size; 0: none."""
    if size == CROSSING:
        return list(starmap(loss_crossing, zip(curves["train_loss"].tolist(), curves["loss"].tolist(), strict=True)))
    return [lowest_test_loss(losses) for losses in curves["loss"].tolist()]


def accuracy(test: dict[str, dict[str, Curves]]) -> Figure:
    """Test accuracy against the epoch for the four sizes, ours with the range over seeds, and the published points."""
    with style.styled():
        drawn = style.figure(8, 4.2)
        axes = drawn.subplots()
        for size, colour in zip(SIZES, style.SERIES, strict=False):
            values = 100 - test[size]["error_percent"]
            epochs = np.arange(1, values.shape[1] + 1)
            axes.fill_between(epochs, values.min(0), values.max(0), color=colour, alpha=0.2, lw=0)
            axes.plot(epochs, values.mean(0), color=colour, label=f"batch {int(size):,}")
            points = {epoch: value for epoch, value in published(size).items() if epoch <= len(epochs)}
            axes.plot(list(points), list(points.values()), "D", ms=6, mfc="none", color=colour)
        axes.plot([], [], "D", ms=6, mfc="none", color=style.INK, ls="", label="published")
        axes.set_xticks(epochs)
        axes.set_xlabel("epoch")
        axes.set_ylabel("test accuracy, %; mean and range of 5 seeds")
        axes.legend(loc="lower right")
        return drawn


def table(test: dict[str, dict[str, Curves]], validation: dict[str, dict[str, Curves]]) -> str:
    """Return what was published and what came out here, as Markdown."""
    header = "| batch | epoch | published, % | here: mean (range), % |\n|---|---|---|---|"
    rows = []
    for size in SIZES:
        for epoch, value in sorted(published(size).items()):
            errors = test[LONG if epoch > 10 else size]["error_percent"][:, epoch - 1]
            rows.append(f"| {int(size):,} | {epoch} | {value:.2f} | {_spread(100 - errors)} |")
    heads = ("batch", "published onset", "by its rule for that size, our seeds", "over the seeds, on validation")
    onsets = f"| {' | '.join(heads)} |\n|---|---|---|---|"
    said = published_onsets()
    by_rule = {size: ", ".join(str(epoch or "none") for epoch in onsets_by_rule(size, test[size])) for size in SIZES}
    found = {size: onset(validation[size]["loss"].tolist()) for size in SIZES}
    lines = [
        f"| {int(size):,} | {said[size] or 'none'} | {by_rule[size]} | {found[size] or 'none'} |" for size in SIZES
    ]
    return "\n".join([header, *rows, "", onsets, *lines])


def _spread(values: Curves) -> str:
    return f"{values.mean():.2f} ({values.min():.2f} to {values.max():.2f})"


def fill(page: str) -> str:
    """Return the page with the tables between its marks."""
    text = table(kept("archaeology-batch-sizes"), kept("archaeology-batch-sizes-validation"))
    begin, end = "<!-- batch sizes -->", "<!-- end of batch sizes -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n\n{text}\n\n{end}", page, flags=re.DOTALL)


def main() -> None:
    """Draw, and fill in."""
    test, validation = kept("archaeology-batch-sizes"), kept("archaeology-batch-sizes-validation")
    style.save(losses(test, validation), HERE / "batch-losses")
    style.save(accuracy(test), HERE / "batch-accuracy")
    CHAPTER.write_text(fill(CHAPTER.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
