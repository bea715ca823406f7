"""The history of a run, as JSON lines: one row an epoch, one for each recorded step, one for each incident."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from lenet5 import files
from lenet5.errors import RunError


@dataclass(frozen=True)
class EpochRow:
    """One epoch.

    train_loss, train_accuracy_percent   running means over the epoch, each batch before its update
    train_loss_after, train_accuracy_after_percent   the whole training set scored after the epoch, when asked for
    test_loss, test_accuracy_percent     the test set scored after the epoch
    seconds                              training alone, without scoring
    peak_memory_bytes                    of the device, or of the process where there is none
    """

    epoch: int
    step: int
    learning_rate: float
    train_loss: float
    train_accuracy_percent: float
    test_loss: float
    test_accuracy_percent: float
    seconds: float
    images_per_second: float
    peak_memory_bytes: int
    train_loss_after: float | None = None
    train_accuracy_after_percent: float | None = None


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
    return {"event": event} | asdict(row)


def from_values(values: Any, where: str) -> Row:
    """Return the row that `to_values` made plain. Raises RunError, beginning with `where`, when they are no row."""
    try:
        rest = dict(values)
        made: Row = ROWS[rest.pop("event")].validate_python(rest)
    except (ValueError, KeyError, TypeError):
        raise RunError(
            f"{where}: not a row of a history; the file is damaged. `lenet5 train --resume` writes it anew from the "
            "run's checkpoint."
        ) from None
    return made


def _line(row: Row) -> str:
    return json.dumps(to_values(row)) + "\n"


def _parsed(line: str, where: str) -> Row:
    try:
        plain = json.loads(line)
    except (ValueError, RecursionError):
        plain = None
    return from_values(plain, where)
