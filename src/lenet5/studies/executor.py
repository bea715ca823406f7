"""The interface between the runner and the executors, which run units on this machine or elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from lenet5.studies.units import Unit


@dataclass(frozen=True)
class Outcome:
    """The outcome of a task.

    kind   "done", "failed", "busy" (locked by another process) or "stopped" (saved its position on request)
    value  the result, if done
    error  the error, if failed; the process that holds the lock, if busy
    files  name -> content of the files of a unit that was run elsewhere, to be written to its local folder
    """

    kind: Literal["done", "failed", "busy", "stopped"]
    value: dict[str, Any] | None = None
    error: str = ""
    files: dict[str, bytes] | None = None


@dataclass(frozen=True)
class Task:
    """A unit with its folder in the ledger and the folder of the data.

    accept_changes  continue a run that was started under other conditions
    """

    unit: Unit
    folder: Path
    data_folder: Path | None
    accept_changes: bool = False


Alive = Callable[[], None]  # called regularly by the worker that runs a task, to show that it is making progress


class Executor(Protocol):
    """Runs several tasks at a time.

    threads  that compute one task
    """

    threads: int

    def free(self) -> int:
        """Return how many more tasks can be submitted now."""
        ...

    def give(self, task: Task) -> None:
        """Submit a task; `wait` returns its outcome."""
        ...

    def wait(self, seconds: float) -> list[tuple[Task, Outcome]]:
        """Return the outcomes that have arrived, waiting at most `seconds` for the first."""
        ...

    def stop(self) -> None:
        """Ask the running tasks to save their position, and end."""
        ...
