"""The history of a run, as JSON lines: one row an epoch, one for each recorded step, one for each incident."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from math import nan
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from lenet5 import files, metrics
from lenet5.errors import RunError


@dataclass(frozen=True)
class EpochScores:
    """Losses and counts of an epoch, as far as verdicts read them; a loss that is unknown is NaN.

    train_loss         running mean over the epoch, each batch before its update
    train_correct      images classified correctly in the same way, of `train_images` shown; None where unknown
    test_loss          of the `test_images` images of the test set, scored after the epoch
    test_correct       images of the test set classified correctly
    seconds            training alone, without scoring
    peak_memory_bytes  of the device, or of the process where there is none
    """

    epoch: int
    step: int
    train_loss: float
    train_correct: int | None
    train_images: int
    test_loss: float
    test_correct: int
    test_images: int
    seconds: float
    peak_memory_bytes: int

    @property
    def test_errors(self) -> int:
        """The number of misclassified images of the test set."""
        return self.test_images - self.test_correct

    @property
    def test_accuracy_percent(self) -> float:
        """The accuracy on the test set, in percent."""
        return metrics.accuracy_percent(self.test_correct, self.test_images)

    @property
    def test_error_percent(self) -> float:
        """The error rate on the test set, in percent."""
        return metrics.accuracy_percent(self.test_errors, self.test_images)

    @property
    def train_accuracy_percent(self) -> float:
        """The running accuracy over the epoch, in percent; NaN where unknown."""
        return nan if self.train_correct is None else metrics.accuracy_percent(self.train_correct, self.train_images)

    @property
    def train_error_percent(self) -> float:
        """The running error rate over the epoch, in percent; NaN where unknown."""
        wrong = None if self.train_correct is None else self.train_images - self.train_correct
        return nan if wrong is None else metrics.accuracy_percent(wrong, self.train_images)


@dataclass(frozen=True)
class EpochRow(EpochScores):
    """One epoch of a run.

    train_loss_after, train_correct_after   the whole training set, `train_images_after` images, scored after the epoch,
                                            when asked for
    """

    learning_rate: float
    images_per_second: float
    train_loss_after: float | None = None
    train_correct_after: int | None = None
    train_images_after: int | None = None

    @property
    def train_accuracy_after_percent(self) -> float | None:
        """The accuracy on the training set scored after the epoch, in percent; None where it was not."""
        if self.train_correct_after is None or self.train_images_after is None:
            return None
        return metrics.accuracy_percent(self.train_correct_after, self.train_images_after)


@dataclass(frozen=True)
class StepRow:
    """The loss of one batch before its update, at every `Recipe.report_every` steps."""

    step: int
    loss: float


@dataclass(frozen=True)
class Incident:
    """Something a reader of the run must know: a failed start, a collapse, a restart, a stop.

    what  "failed start", "collapse", "not learnt", "stopped early", "restart", "interrupted", "resumed",
          "begun anew", "changed", "repaired", "damaged checkpoint" or "stopped"
    """

    step: int
    what: str
    text: str


Row = EpochRow | StepRow | Incident
KINDS: dict[str, type[EpochRow] | type[StepRow] | type[Incident]] = {
    "epoch": EpochRow,
    "step": StepRow,
    "incident": Incident,
}
ROWS: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(kind) for name, kind in KINDS.items()}
MOST_BYTES = 1 << 28
MOST_IMAGES = 1_000_000  # of a count that is derived from a percentage
# In files, percentages stand beside their counts; in those of earlier versions, instead of them.
PERCENTAGES = {
    "train_accuracy_percent": ("train_correct", "train_images"),
    "test_accuracy_percent": ("test_correct", "test_images"),
    "train_accuracy_after_percent": ("train_correct_after", "train_images_after"),
}


class History:
    """The rows of a run, in memory and in `history.jsonl`: a copy, since a run goes on from those in its checkpoint."""

    def __init__(self, path: Path | None, rows: Sequence[Row] | None = None) -> None:
        """Hold the given rows, or else those of the file; without a path, in memory alone.

        Raises RunError when the file is damaged.
        """
        self.path = path
        self.rows: list[Row] = list(rows) if rows is not None else read(path) if path and path.exists() else []

    def add(self, row: Row) -> None:
        """Add one row at the end. Raises RunError when the file cannot be written."""
        self.rows.append(row)
        if self.path is None:
            return
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(row))
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written ({error.strerror}).") from None

    def replace(self, rows: Sequence[Row]) -> None:
        """Put these rows in the place of all, also in the file. Raises RunError when it cannot be written."""
        self.rows = list(rows)
        if self.path is None:
            return
        files.write_atomically(self.path, "".join(map(_line, self.rows)).encode())

    @property
    def epochs(self) -> list[EpochRow]:
        """The rows of epochs alone."""
        return [row for row in self.rows if isinstance(row, EpochRow)]

    @property
    def steps(self) -> list[StepRow]:
        """The rows of recorded steps alone."""
        return [row for row in self.rows if isinstance(row, StepRow)]

    @property
    def incidents(self) -> list[Incident]:
        """The rows of incidents alone."""
        return [row for row in self.rows if isinstance(row, Incident)]


def read(path: Path) -> list[Row]:
    """Read the rows of a history file; a last line cut short by a killed process is left out.

    Raises RunError when another line is damaged.
    """
    content = files.read_bytes(path, MOST_BYTES).decode("utf-8", "replace")
    lines = content.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    return [_parsed(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1)]


def to_values(row: Row) -> dict[str, Any]:
    """Return a row as plain values."""
    event = next(name for name, kind in KINDS.items() if isinstance(row, kind))
    percentages = {name: getattr(row, name) for name in PERCENTAGES} if isinstance(row, EpochRow) else {}
    return {"event": event} | asdict(row) | percentages


def from_values(values: Any, where: str) -> Row:
    """Return the row that `to_values` made plain. Raises RunError, beginning with `where`, when they are no row."""
    try:
        rest = dict(values)
        kind = rest.pop("event")
        made: Row = ROWS[kind].validate_python(_counted(rest) if kind == "epoch" else rest)
    except (ValueError, KeyError, TypeError, OverflowError):
        raise RunError(
            f"{where}: not a row of a history; the file is damaged. `lenet5 train --resume` writes it anew from the "
            "run's checkpoint."
        ) from None
    return made


def resized(row: Row, test_images: int) -> Row:
    """Return a row with its test accuracy as a count of `test_images` images: one of an earlier version has less."""
    if not isinstance(row, EpochRow) or row.test_images == test_images:
        return row
    return replace(row, test_correct=round(test_images * row.test_correct / row.test_images), test_images=test_images)


def _counted(values: dict[str, Any]) -> dict[str, Any]:
    """Return an epoch's values without percentages.

    A row of an earlier version has no counts; it gets the smallest that have exactly its percentage.
    """
    counts: dict[str, Any] = {}
    for name, (correct, images) in PERCENTAGES.items():
        percentage = values.pop(name, None)
        if correct not in values and percentage is not None:
            ratio = Fraction(percentage / 100).limit_denominator(MOST_IMAGES)
            counts |= {correct: ratio.numerator, images: ratio.denominator}
    return values | counts


def _line(row: Row) -> str:
    return json.dumps(to_values(row)) + "\n"


def _parsed(line: str, where: str) -> Row:
    try:
        plain = json.loads(line)
    except (ValueError, RecursionError):
        plain = None
    return from_values(plain, where)
