"""Execution of one unit: a new run, or the continuation of a stopped one."""

import contextlib
from pathlib import Path
from typing import Any

from lenet5.errors import RunError
from lenet5.jobs.executor import Alive
from lenet5.studies.units import Unit
from lenet5.training.checkpoint import Position
from lenet5.training.history import EpochRow
from lenet5.training.run import RunFolder
from lenet5.training.train import Unwatched, resume, train


class Signs(Unwatched):
    """An observer that reports progress as heartbeats."""

    def __init__(self, alive: Alive) -> None:
        self._alive = alive

    def progress(self, position: Position, loss: float, images_per_second: float) -> None:
        """Send a heartbeat."""
        self._alive()

    def epoch(self, row: EpochRow) -> None:
        """Send a heartbeat."""
        self._alive()


def do(
    unit: Unit, folder: Path, data_folder: Path | None, *, alive: Alive = lambda: None, accept_changes: bool = False
) -> dict[str, Any]:
    """Train one unit inside `folder`, and return its result as plain values that JSON can hold.

    alive           called regularly as training makes progress
    accept_changes  continue a run that was started under other conditions

    Raises Lenet5Error as training does; InterruptedRunError after a request to stop, when the position is saved.
    """
    run, watched = unfinished(folder), Signs(alive)
    if run is None:
        run = train(
            unit.recipe,
            engine=unit.engine,
            device=unit.device,
            data_folder=data_folder,
            runs_folder=folder,
            observer=watched,
        )
    else:
        run = resume(
            run.path,
            engine=unit.engine,
            device=unit.device,
            data_folder=data_folder,
            observer=watched,
            accept_changes=accept_changes,
        )
    return outcome_of(unit, run)


def outcome_of(unit: Unit, run: RunFolder) -> dict[str, Any]:
    """Return the result of a unit whose run is finished."""
    result = run.result()
    assert result is not None, "a finished run has a result"
    epochs = run.history().epochs
    return {
        "label": unit.label,
        "seed": unit.seed,
        "run": run.path.name,
        "result": result,
        "environment": run.environment(),
        "steps": [row.step for row in epochs],
        "test_error_percent": [round(row.test_error_percent, 6) for row in epochs],
        "train_error_percent": [round(row.train_error_percent, 6) for row in epochs],
        "test_correct": [row.test_correct for row in epochs],
        "train_correct": [row.train_correct for row in epochs],
        "train_images": [row.train_images for row in epochs],
        "test_loss": [row.test_loss for row in epochs],
        "train_loss": [row.train_loss for row in epochs],
        "seconds": [row.seconds for row in epochs],
        "peak_memory_bytes": [row.peak_memory_bytes for row in epochs],
        "step_losses": [[row.step, row.loss] for row in run.history().steps],
    }


def unfinished(folder: Path) -> RunFolder | None:
    """Return the run in the folder that can be continued, or None."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            with contextlib.suppress(RunError):
                return RunFolder.open(path)
    return None
