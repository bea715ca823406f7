"""Units on this machine, in worker processes that live as long as the study."""

from dataclasses import dataclass
from pathlib import Path

from lenet5.jobs.executor import Alive, Outcome, attempted
from lenet5.jobs.processes import DEADLINE_SECONDS, Processes
from lenet5.studies.ledger import Ledger
from lenet5.studies.run_unit import do
from lenet5.studies.units import Unit


@dataclass(frozen=True)
class Task:
    """A unit with its folder in the ledger and the folder of the data.

    accept_changes  continue a run that was started under other conditions
    """

    unit: Unit
    folder: Path
    data_folder: Path | None
    accept_changes: bool = False


class LocalExecutor(Processes[Task]):
    """`jobs.executor.Executor` on this machine."""

    def __init__(self, workers: int, deadline: float = DEADLINE_SECONDS, threads: int = 1) -> None:
        super().__init__(workers, attend, deadline, threads)


def attend(task: Task, alive: Alive) -> Outcome:
    """Run a task and record its result, unless another process is running it or has finished it."""

    def run() -> Outcome:
        ledger = Ledger(task.folder.parents[1])
        with ledger.alone(task.unit):
            done = ledger.result(task.unit)
            if done is None:
                done = do(task.unit, task.folder, task.data_folder, alive=alive, accept_changes=task.accept_changes)
                ledger.finish(task.unit, done)
            return Outcome("done", done)

    return attempted(run)
