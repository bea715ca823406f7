"""The loop that runs the missing units of a study."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lenet5.jobs.executor import Executor, Outcome
from lenet5.jobs.loop import AT_ONCE, SECONDS_UNTIL_ASKED_AGAIN, work_off
from lenet5.studies.conditions import Conditions
from lenet5.studies.ledger import Ledger
from lenet5.studies.local import Task
from lenet5.studies.units import Unit


@dataclass
class State:
    """Progress of a study.

    total    number of units
    done     units with a result
    failed   units set aside
    seconds  duration of each unit done here
    workers  number of tasks run at a time
    held     digests of the units reported as locked by another process
    """

    total: int
    done: int = 0
    failed: int = 0
    seconds: list[float] = field(default_factory=list)
    workers: int = 1
    held: set[str] = field(default_factory=set)

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the mean duration of the units done here; None until the first one is."""
        if not self.seconds:
            return None
        return (self.total - self.done - self.failed) * sum(self.seconds) / len(self.seconds) / self.workers


class Observer(Protocol):
    """Receives the progress of a study."""

    def changed(self, state: State) -> None:
        """Called at the beginning, and whenever the state changes."""
        ...

    def finished(self, unit: Unit, seconds: float) -> None:
        """Called when a unit is done."""
        ...

    def failed(self, unit: Unit, error: str, set_aside: bool) -> None:
        """Called when an attempt has failed; the unit is tried again unless it is set aside."""
        ...

    def waiting(self, unit: Unit, reason: str) -> None:
        """Called once for a unit that another process has locked."""
        ...


def run(
    units: Sequence[Unit],
    ledger: Ledger,
    executor: Executor[Task],
    data_folder: Path | None,
    observer: Observer,
    *,
    accept_changes: bool = False,
    by_choice: bool = False,
) -> State:
    """Run every unit that is neither done nor set aside; when one fails, the others continue.

    accept_changes  count results that were computed under other conditions, and record the differences
    by_choice       submit all seeds of a choice before those of the next, for an executor that trains them together

    Raises InterruptedRunError after Ctrl-C or SIGTERM, when the running units have saved their position. Raises
    StudyError, naming the differences, when a result was computed under other conditions that are not accepted.
    """
    try:
        return _run(units, ledger, executor, data_folder, observer, accept_changes, by_choice)
    finally:
        executor.stop()


def _run(
    units: Sequence[Unit],
    ledger: Ledger,
    executor: Executor[Task],
    data_folder: Path | None,
    observer: Observer,
    accept_changes: bool,
    by_choice: bool,
) -> State:
    unique = list({unit.digest: unit for unit in units}.values())
    ledger.keep_order(unique)
    state = State(len(unique), workers=max(1, executor.free()))
    missing: list[Unit] = []
    conditions = Conditions(data_folder, executor.threads)
    for unit in sorted(unique, key=lambda unit: unit.label) if by_choice else unique:
        result = ledger.result(unit)
        if result is not None:
            changes = conditions.check(unit, result, ledger.place(unit), accepted=accept_changes)
            if changes:
                ledger.accept(unit, changes)
            state.done += 1
        elif ledger.failure(unit) is not None:
            state.failed += 1
        else:
            missing.append(unit)
    observer.changed(state)

    def tasks() -> Iterator[Task]:
        for unit in missing:
            yield Task(unit, ledger.place(unit), data_folder, accept_changes)

    def account(task: Task, outcome: Outcome, seconds: float) -> float | None:
        again = _account(task.unit, outcome, seconds, ledger, state, observer)
        observer.changed(state)
        return again

    work_off(tasks(), executor, account, stopped="stopped and saved; the same command continues.")
    return state


def _account(
    unit: Unit, outcome: Outcome, seconds: float, ledger: Ledger, state: State, observer: Observer
) -> float | None:
    """Record an outcome; return the seconds after which the unit is to be tried again, or None."""
    match outcome.kind:
        case "done":
            assert outcome.value is not None, "a finished task has a result"
            ledger.receive(unit, outcome.value, outcome.files or {})
            state.done += 1
            state.seconds.append(seconds)
            observer.finished(unit, seconds)
        case "failed":
            set_aside = ledger.fail(unit, outcome.error)
            observer.failed(unit, outcome.error, set_aside)
            if not set_aside:
                return AT_ONCE
            state.failed += 1
        case "busy":
            if unit.digest not in state.held:
                state.held.add(unit.digest)
                observer.waiting(unit, outcome.error)
            return SECONDS_UNTIL_ASKED_AGAIN
        case "stopped":
            return AT_ONCE
    return None
