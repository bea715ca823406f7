"""The record of runs that comes with the package: for each of the settings that claims need, every seed's history.

`record.json.gz` holds no verdict: those are computed from the runs, so they follow the rule and the claims of today.
Error rates are kept as counts of misclassified images, losses to four digits. Of runs longer than 100 epochs only every
twentieth epoch and the last are kept; of single batches' losses, those that are claimed. null: not kept.
"""

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib import resources
from math import isnan, nan
from pathlib import Path
from typing import Any

from lenet5.reports.claim_values import Outcome, Runs, length
from lenet5.spec.recipe import Recipe
from lenet5.training.history import EpochScores, StepRow

NAME = "record.json.gz"
WHOLE_EPOCHS = 100
EVERY_EPOCHS = 20


@dataclass(frozen=True)
class Settings:
    """What one entry of the record stands for: the recipe, and the steps whose single losses are kept."""

    name: str
    recipe: Recipe
    steps: frozenset[int]


def read() -> dict[str, list[Outcome]]:
    """Return the runs on record, by the digest of their settings (`claim_values.settings`)."""
    packed = resources.files("lenet5.reports").joinpath(NAME).read_bytes()
    entries: dict[str, Any] = json.loads(gzip.decompress(packed))
    return {key: [_outcome(entry, run) for run in entry["runs"]] for key, entry in entries.items()}


def write(path: Path, runs: Runs, kept: Mapping[str, Settings]) -> None:
    """Write the runs of some settings; the same runs give the same bytes."""
    entries = {key: _entry(settings, runs[key]) for key, settings in kept.items() if runs.get(key)}
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False)
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def _entry(settings: Settings, runs: Iterable[Outcome]) -> dict[str, Any]:
    runs = [_cut(run, settings) for run in runs]
    first = runs[0]
    train_images = first.epochs[0].train_images
    return {
        "recipe": settings.name,
        "batch_size": settings.recipe.batch_size,
        "test_images": first.epochs[0].test_images,
        "train_images": train_images,
        "epochs": [row.epoch for row in first.epochs],
        "steps": [row.step for row in first.epochs],
        "loss_steps": [row.step for row in first.steps],
        "runs": [_run(run, train_images) for run in runs],
    }


def _cut(run: Outcome, settings: Settings) -> Outcome:
    last = length(settings.recipe)
    epochs = tuple(
        row
        for row in run.epochs
        if row.epoch <= last and (last <= WHOLE_EPOCHS or row.epoch % EVERY_EPOCHS == 0 or row.epoch == last)
    )
    steps = tuple(row for row in run.steps if row.step in settings.steps)
    return replace(run, epochs=epochs, steps=steps)


def _run(run: Outcome, train_images: int) -> dict[str, Any]:
    rows = run.epochs
    return {
        "seed": run.seed,
        "test_errors": [row.test_errors for row in rows],
        "train_errors": [_train_errors(row, train_images) for row in rows],
        "test_loss": [_rounded(row.test_loss) for row in rows],
        "train_loss": [_rounded(row.train_loss) for row in rows],
        "step_loss": [_rounded(row.loss) for row in run.steps],
        "seconds_per_epoch": round(sum(row.seconds for row in rows) / len(rows), 2),
        "memory_megabytes": round(rows[-1].peak_memory_bytes / 1e6),
    }


def _train_errors(row: EpochScores, images: int) -> int | None:
    """Return the running training errors of an epoch; of one that is cut short, as many as `images` would have."""
    if row.train_correct is None:
        return None
    return round(Fraction(row.train_images - row.train_correct, row.train_images) * images)


def _rounded(loss: float) -> float | None:
    return None if isnan(loss) else float(f"{loss:.4g}")


def _outcome(entry: dict[str, Any], run: dict[str, Any]) -> Outcome:
    columns = (
        entry["epochs"], entry["steps"], run["train_loss"], run["train_errors"], run["test_loss"], run["test_errors"]
    )  # fmt: skip
    test, train = entry["test_images"], entry["train_images"]
    rows = tuple(
        EpochScores(
            epoch=epoch,
            step=step,
            train_loss=nan if train_loss is None else train_loss,
            train_correct=None if train_errors is None else train - train_errors,
            train_images=train,
            test_loss=nan if test_loss is None else test_loss,
            test_correct=test - test_errors,
            test_images=test,
            seconds=run["seconds_per_epoch"],
            peak_memory_bytes=run["memory_megabytes"] * 10**6,
        )
        for epoch, step, train_loss, train_errors, test_loss, test_errors in zip(*columns, strict=True)
    )
    steps = tuple(StepRow(step, loss) for step, loss in zip(entry["loss_steps"], run["step_loss"], strict=True))
    return Outcome(run["seed"], rows, steps)
