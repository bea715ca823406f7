"""Do one unit: train, or go on with a run that was stopped, and return its outcome."""

import contextlib
from pathlib import Path
from typing import Any

from lenet5.errors import RunError
from lenet5.studies.executor import Alive
from lenet5.studies.units import Unit
from lenet5.training.checkpoint import Position
from lenet5.training.history import EpochRow
from lenet5.training.run import RunFolder
from lenet5.training.train import Unwatched, resume, train


class Signs(Unwatched):
    """An observer that passes on that a run goes on."""

    def __init__(self, alive: Alive) -> None:
        self._alive = alive

    def progress(self, position: Position, loss: float, images_per_second: float) -> None:
        """Pass it on."""
        self._alive()

    def epoch(self, row: EpochRow) -> None:
        """Pass it on."""
        self._alive()


def do(
    unit: Unit, folder: Path, data_folder: Path | None, *, alive: Alive = lambda: None, accept_changes: bool = False
) -> dict[str, Any]:
    """Train one unit inside `folder`, and return its outcome: plain values, for a file or a wire.

    alive           called as it goes on
    accept_changes  go on with a run that was begun under other conditions

    Raises Lenet5Error as training does; InterruptedRunError when it was asked to stop and has saved its place.
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
    """Return the outcome of a unit whose run is finished."""
    result = run.result()
    assert result is not None, "training ends with a result"
    epochs = run.history().epochs
    return {
        "label": unit.label,
        "seed": unit.seed,
        "run": run.path.name,
        "result": result,
        "environment": run.environment(),
        "steps": [row.step for row in epochs],
        "test_error_percent": [round(100 - row.test_accuracy_percent, 6) for row in epochs],
        "train_error_percent": [round(100 - row.train_accuracy_percent, 6) for row in epochs],
        "test_loss": [row.test_loss for row in epochs],
        "train_loss": [row.train_loss for row in epochs],
        "seconds": [row.seconds for row in epochs],
        "peak_memory_bytes": [row.peak_memory_bytes for row in epochs],
        "step_losses": [[row.step, row.loss] for row in run.history().steps],
    }


def unfinished(folder: Path) -> RunFolder | None:
    """Return a run in the folder that can go on, or None."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            with contextlib.suppress(RunError):
                return RunFolder.open(path)
    return None
