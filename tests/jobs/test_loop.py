"""The loop of studies and bulk jobs: tasks are handed out as there is room, retried, and stopped politely."""

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from lenet5.errors import BusyError, DataError, InterruptedRunError
from lenet5.jobs import loop
from lenet5.jobs.executor import Outcome, attempted
from lenet5.jobs.loop import AT_ONCE, work_off


class Here:
    """An executor that runs up to `room` tasks at a time in this process."""

    threads = 1

    def __init__(self, run: Callable[[str], Outcome], room: int = 2) -> None:
        self.run, self.room = run, room
        self.given: list[str] = []

    def free(self) -> int:
        return self.room - len(self.given)

    def give(self, task: str) -> None:
        self.given.append(task)

    def wait(self, seconds: float) -> list[tuple[str, Outcome]]:
        tasks, self.given = self.given, []
        return [(task, self.run(task)) for task in tasks]

    def stop(self) -> None:
        """Nothing runs between two looks."""


def test_tasks_are_taken_only_when_there_is_room() -> None:
    taken: list[str] = []

    def tasks() -> Iterator[str]:
        for name in "abcde":
            taken.append(name)
            yield name

    done: list[str] = []

    def account(task: str, outcome: Outcome, seconds: float) -> None:
        assert len(taken) <= len(done) + 2
        done.append(task)

    work_off(tasks(), Here(lambda _: Outcome("done")), account, stopped="")
    assert done == list("abcde")


def test_a_task_comes_again_when_that_is_asked_for() -> None:
    outcomes = {"a": iter(["failed", "done"]), "b": iter(["busy", "busy", "done"])}
    seen: list[tuple[str, str]] = []

    def account(task: str, outcome: Outcome, seconds: float) -> float | None:
        seen.append((task, outcome.kind))
        return None if outcome.kind == "done" else AT_ONCE

    work_off("ab", Here(lambda task: Outcome(next(outcomes[task]))), account, stopped="")  # type: ignore[arg-type]
    assert sorted(seen) == [("a", "done"), ("a", "failed"), ("b", "busy"), ("b", "busy"), ("b", "done")]


def test_a_signal_ends_the_loop_after_the_outcomes_at_hand() -> None:
    done: list[str] = []

    def account(task: str, outcome: Outcome, seconds: float) -> None:
        done.append(task)
        if len(done) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(InterruptedRunError, match="stopped; go on"):
        work_off("abcdef", Here(lambda _: Outcome("done")), account, stopped="stopped; go on")
    assert done == ["a", "b"]


def test_whatever_a_task_raises_becomes_an_outcome() -> None:
    def raising(error: Exception) -> Callable[[], Outcome]:
        def task() -> Outcome:
            raise error

        return task

    assert attempted(raising(BusyError("held"))) == Outcome("busy", error="held")
    assert attempted(raising(DataError("bad data."))) == Outcome("failed", error="bad data.")
    assert attempted(raising(InterruptedRunError(15, "here"))) == Outcome("stopped")
    assert "Traceback" in attempted(raising(ZeroDivisionError())).error
    assert loop.ATTEMPTS == 2
