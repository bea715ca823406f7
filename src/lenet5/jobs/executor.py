"""The interface between the loop and the executors, which run tasks on this machine or elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from traceback import format_exc
from typing import Any, Literal, Protocol, TypeVar

from lenet5.errors import BusyError, InterruptedRunError, Lenet5Error

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """The outcome of a task.

    kind   "done", "failed", "busy" (locked by another process) or "stopped" (saved its position on request)
    value  the result, if done
    error  the error, if failed; the process that holds the lock, if busy
    files  name -> content of the files of a task that was run elsewhere, to be written to the local folder
    """

    kind: Literal["done", "failed", "busy", "stopped"]
    value: dict[str, Any] | None = None
    error: str = ""
    files: dict[str, bytes] | None = None


Alive = Callable[[], None]  # called regularly by the worker that runs a task, to show that it is making progress


class Executor(Protocol[T]):
    """Runs several tasks at a time.

    threads  that compute one task
    """

    threads: int

    def free(self) -> int:
        """Return how many more tasks can be submitted now."""
        ...

    def give(self, task: T) -> None:
        """Submit a task; `wait` returns its outcome."""
        ...

    def wait(self, seconds: float) -> list[tuple[T, Outcome]]:
        """Return the outcomes that have arrived, waiting at most `seconds` for the first."""
        ...

    def stop(self) -> None:
        """Ask the running tasks to save their position, and end."""
        ...


def attempted(task: Callable[[], Outcome]) -> Outcome:
    """Return the outcome of a task, whatever it raises."""
    try:
        return task()
    except BusyError as error:
        return Outcome("busy", error=str(error))
    except InterruptedRunError:
        return Outcome("stopped")
    except (Lenet5Error, OSError) as error:
        return Outcome("failed", error=str(error))
    except Exception:
        return Outcome("failed", error=format_exc())
