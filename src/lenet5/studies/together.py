"""Units trained together: one process trains several seeds of a recipe simultaneously, as networks side by side."""

import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import groupby
from typing import Any

from lenet5.engines import registry
from lenet5.errors import BusyError, InterruptedRunError, Lenet5Error
from lenet5.jobs.executor import Alive, Outcome
from lenet5.jobs.processes import DEADLINE_SECONDS, Processes
from lenet5.studies.ledger import Ledger
from lenet5.studies.local import Task
from lenet5.studies.run_unit import Signs, outcome_of, unfinished
from lenet5.studies.units import Unit
from lenet5.training.together import place_of, train_together
from lenet5.training.train import Work, parts

Tasks = tuple[Task, ...]


class TogetherExecutor:
    """`jobs.executor.Executor` on this machine that trains units which differ only in their seeds together."""

    def __init__(self, together: int, workers: int, deadline: float = DEADLINE_SECONDS, threads: int = 1) -> None:
        """Start processes that each train up to `together` networks at once; see `jobs.processes.Processes`."""
        self._together, self._workers, self.threads = together, workers, threads
        self._processes = Processes[Tasks](workers, attend_together, deadline, threads)
        self._waiting: list[Task] = []
        self._running = 0

    def free(self) -> int:
        """Return how many more tasks can be submitted now."""
        return self._together * self._workers - self._running - len(self._waiting)

    def give(self, task: Task) -> None:
        """Submit a task; it starts together with the next ones of its recipe."""
        self._waiting.append(task)

    def wait(self, seconds: float) -> list[tuple[Task, Outcome]]:
        """Start the tasks that can start, and return the outcomes that have arrived."""
        while self._waiting and self._processes.free():
            first = recipe_of(self._waiting[0].unit)
            chosen = [task for task in self._waiting if recipe_of(task.unit) == first][: self._together]
            self._waiting = [task for task in self._waiting if task not in chosen]
            self._processes.give(tuple(chosen))
            self._running += len(chosen)
        outcomes = []
        for tasks, outcome in self._processes.wait(seconds):
            self._running -= len(tasks)
            each = outcome.value["each"] if outcome.value else [outcome] * len(tasks)  # no value: its process died
            outcomes += list(zip(tasks, each, strict=True))
        return outcomes

    def stop(self) -> None:
        """Ask the running tasks to save their position, and end."""
        self._processes.stop()


def recipe_of(unit: Unit) -> tuple[str, str, str]:
    """Return the key that units must share to be trained together: everything but the seed."""
    return unit.recipe.model_copy(update={"seed": 0}).digest, unit.engine, unit.device


def attend_together(tasks: Tasks, alive: Alive) -> Outcome:
    """Run tasks that differ only in their seeds; `value` holds the outcome of each, in order."""
    outcomes: dict[str, Outcome] = {}
    with ExitStack() as held:
        mine = []
        for task in tasks:
            ledger = Ledger(task.folder.parents[1])
            try:
                held.enter_context(ledger.alone(task.unit))
                done = ledger.result(task.unit)
            except BusyError as error:
                outcomes[task.unit.digest] = Outcome("busy", error=str(error))
            except Lenet5Error as error:
                outcomes[task.unit.digest] = Outcome("failed", error=str(error))
            else:
                if done is not None:
                    outcomes[task.unit.digest] = Outcome("done", done)
                else:
                    mine.append(task)
        try:
            outcomes |= _do(mine, alive) if mine else {}
        except InterruptedRunError:  # while training a teacher
            outcomes |= {task.unit.digest: Outcome("stopped") for task in mine}
        except Lenet5Error as error:
            outcomes |= {task.unit.digest: Outcome("failed", error=str(error)) for task in mine}
        except Exception:
            outcomes |= {task.unit.digest: Outcome("failed", error=traceback.format_exc()) for task in mine}
    return Outcome("done", {"each": [outcomes[task.unit.digest] for task in tasks]})


def _do(tasks: Sequence[Task], alive: Alive) -> dict[str, Outcome]:
    """Train units together, grouping those at the same position of their runs; record the results."""
    first = tasks[0]
    machine = registry.get_together(first.unit.engine, first.unit.device)
    images = parts(first.unit.recipe, first.data_folder)
    runs = []
    for task in tasks:
        run = unfinished(task.folder)
        if run is None:
            work = Work(task.unit.recipe, machine, images, task.data_folder, together=len(tasks))
            run = work.begin(task.folder)
        runs.append((place_of(run), task, run))
    outcomes: dict[str, Outcome] = {}
    for _, same in groupby(sorted(runs, key=lambda each: each[0]), key=lambda each: each[0]):
        at_one_place = list(same)
        if any(outcome.kind == "stopped" for outcome in outcomes.values()):
            outcomes |= {task.unit.digest: Outcome("stopped") for _, task, _ in at_one_place}
            continue
        ends = train_together(
            [run for _, _, run in at_one_place],
            machine,
            images,
            first.data_folder,
            observer=Signs(alive),
            accept_changes=first.accept_changes,
        )
        for (_, task, run), error in zip(at_one_place, ends, strict=True):
            value: dict[str, Any] | None = None
            if error is None:
                value = outcome_of(task.unit, run)
                Ledger(task.folder.parents[1]).finish(task.unit, value)
            outcomes[task.unit.digest] = _outcome(value, error)
    return outcomes


def _outcome(value: dict[str, Any] | None, error: Lenet5Error | None) -> Outcome:
    if error is None:
        return Outcome("done", value)
    return Outcome("stopped") if isinstance(error, InterruptedRunError) else Outcome("failed", error=str(error))
