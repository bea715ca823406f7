"""A run as it goes on: a bar, a line for each epoch, every incident; in Jupyter a live curve on request."""

import sys
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Literal, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from lenet5.training.checkpoint import Position
from lenet5.training.history import EpochRow, Incident
from lenet5.training.peak_memory import process_peak_bytes

Wanted = bool | Literal["curve"]


class Bar:
    """An observer of training that writes to a terminal or a notebook; use it in a `with` block.

    console   where bar and lines go
    warnings  where incidents go; the same console if None
    curve     draw loss and accuracy anew after each epoch, in a notebook
    """

    def __init__(self, console: Console, warnings: Console | None = None, *, curve: bool = False) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=console,
            transient=True,
            disable=console.is_jupyter and find_spec("ipywidgets") is None,  # without it rich can only warn
        )
        self._task = self._bar.add_task("training", total=None, figures="")
        self._warnings = warnings or self._bar.console
        self._curve = LiveCurve() if curve else None
        self.watched = False  # whether anything was trained

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._bar.stop()

    def started(self, steps: int) -> None:
        """Set the length of the bar."""
        self.watched = True
        self._bar.update(self._task, total=steps)

    def progress(self, position: Position, loss: float, images_per_second: float) -> None:
        """Move the bar."""
        self._bar.update(
            self._task,
            completed=position.step,
            description=f"epoch {position.epoch}",
            figures=f"loss {loss:.4f}  {images_per_second:,.0f} images/s  {_megabytes(process_peak_bytes())}",
        )

    def epoch(self, row: EpochRow) -> None:
        """Write the line of an epoch."""
        self._bar.console.print(
            f"epoch {row.epoch:3d}  train loss {row.train_loss:.4f}  {row.train_accuracy_percent:.2f} %"
            f"  test loss {row.test_loss:.4f}  [bold]{row.test_accuracy_percent:.2f} %[/]"
            f"  {row.seconds:.1f} s  {_megabytes(row.peak_memory_bytes)}"
        )
        if self._curve:
            self._curve.add(row)

    def incident(self, incident: Incident) -> None:
        """Write what happened."""
        self._warnings.print(f"[yellow]{escape(incident.what)}:[/] {escape(incident.text)}")


class LiveCurve:
    """The curves of a run, drawn anew in the same place of a notebook after each epoch; elsewhere nothing is shown."""

    def __init__(self) -> None:
        self._rows: list[EpochRow] = []
        self._handle: Any = None

    def add(self, row: EpochRow) -> None:
        """Take an epoch, and draw."""
        self._rows.append(row)
        if "IPython" not in sys.modules:
            return
        drawn = import_module("lenet5.reports.curves").curves(self._rows, title="")
        if self._handle is None:
            self._handle = import_module("IPython.display").display(drawn, display_id=True)
        else:
            self._handle.update(drawn)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
