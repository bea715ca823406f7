"""What a person sees while a run goes on: a progress bar, a line for each epoch, every incident."""

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from lenet5.cli.console import err, literal, megabytes, out, percent
from lenet5.training.checkpoint import Position
from lenet5.training.history import EpochRow, Incident
from lenet5.training.memory import process_peak_bytes


class Watcher:
    """An observer of training that writes to the terminal; use it in a `with` block."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=out,
            transient=True,
        )
        self._task = self._bar.add_task("training", total=None, figures="")
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
            figures=f"loss {loss:.4f}  {images_per_second:,.0f} images/s  {megabytes(process_peak_bytes())}",
        )

    def epoch(self, row: EpochRow) -> None:
        """Write the line of an epoch."""
        self._bar.console.print(
            f"epoch {row.epoch:3d}  train loss {row.train_loss:.4f}  {percent(row.train_accuracy_percent)}"
            f"  test loss {row.test_loss:.4f}  [bold]{percent(row.test_accuracy_percent)}[/]"
            f"  {row.seconds:.1f} s  {megabytes(row.peak_memory_bytes)}"
        )

    def incident(self, incident: Incident) -> None:
        """Write what happened."""
        where = err if out.quiet else self._bar.console
        where.print(f"[yellow]{literal(incident.what)}:[/] {literal(incident.text)}")
