"""The loop that hands out the tasks of a job, and retries those that failed or that another process has locked."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from lenet5.errors import InterruptedRunError
from lenet5.jobs.executor import Executor, Outcome
from lenet5.training.interrupt import polite_stop

ATTEMPTS = 2  # before a task that fails is set aside
AT_ONCE, SECONDS_UNTIL_ASKED_AGAIN = 0.0, 2.0  # before a task is tried again: after a failure; held elsewhere
SECONDS_A_LOOK = 0.5  # maximum wait for outcomes before the next check for Ctrl-C
T = TypeVar("T")


def work_off(
    tasks: Iterable[T],
    executor: Executor[T],
    account: Callable[[T, Outcome, float], float | None],
    *,
    looked: Callable[[], None] = lambda: None,
    stopped: str,
) -> None:
    """Run tasks until none is left; the caller ends the executor.

    tasks    taken one at a time, when the executor has room for it
    account  gets a task, its outcome and its duration in seconds, and records it; returns the seconds after which the
             task is tried again, or None
    looked   called after each look at the executor
    stopped  message of the InterruptedRunError after Ctrl-C or SIGTERM

    Raises InterruptedRunError, and whatever the executor raises.
    """
    new, again, started = iter(tasks), deque[tuple[float, T]](), dict[int, float]()

    def give() -> bool:
        """Submit as many tasks as the executor takes; return whether there may be more."""
        for _ in range(executor.free()):
            try:
                task = again.popleft()[1] if again and again[0][0] <= time.monotonic() else next(new)
            except StopIteration:
                return False
            executor.give(task)
            started[id(task)] = time.monotonic()
        return True

    with polite_stop() as stop:
        while give() or started or again:
            for task, outcome in executor.wait(SECONDS_A_LOOK):
                seconds = account(task, outcome, time.monotonic() - started.pop(id(task)))
                if seconds is not None:
                    again.append((time.monotonic() + seconds, task))
            looked()
            if stop.signal_number is not None:
                raise InterruptedRunError(stop.signal_number, "", stopped)
