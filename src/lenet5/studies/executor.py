"""The interface between the runner and those who do the units, here or elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from lenet5.studies.units import Unit


@dataclass(frozen=True)
class Outcome:
    """What became of a unit.

    kind   "done", "failed", "busy" (another process has it) or "stopped" (it was asked to, and saved its place)
    value  the result of a unit that is done
    error  what went wrong with one that failed, or who has one that is busy
    files  of a unit that was done elsewhere: name -> content, to be written into its folder here
    """

    kind: Literal["done", "failed", "busy", "stopped"]
    value: dict[str, Any] | None = None
    error: str = ""
    files: dict[str, bytes] | None = None


@dataclass(frozen=True)
class Task:
    """A unit with where it is done: its own folder in the ledger, and the data.

    accept_changes  go on with a run of it that was begun under other conditions
    """

    unit: Unit
    folder: Path
    data_folder: Path | None
    accept_changes: bool = False


Alive = Callable[[], None]  # called regularly by the worker that runs a task, to show that it is making progress


class Executor(Protocol):
    """Does tasks, some at a time."""

    def free(self) -> int:
        """Return how many more tasks may be given now."""
        ...

    def give(self, task: Task) -> None:
        """Take a task; `wait` will tell its outcome."""
        ...

    def wait(self, seconds: float) -> list[tuple[Task, Outcome]]:
        """Return the outcomes that have come, waiting so long for the first at most."""
        ...

    def stop(self) -> None:
        """Ask what runs to save its place, and end."""
        ...
