"""Units on this machine: processes of one thread each, that live as long as the study."""

import contextlib
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

from lenet5.errors import BusyError, InterruptedRunError, Lenet5Error, StudyError
from lenet5.studies.executor import Alive, Outcome, Task
from lenet5.studies.ledger import Ledger
from lenet5.studies.work import do

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SECONDS_TO_SAVE = 30.0
SECONDS_A_SIGN = 1.0  # between two signs of life
MOST_SECONDS_A_LOOK = 5.0
DEADLINE_SECONDS = 600.0
ATTEMPTS = 3  # to hand a task to a process that lives
T = TypeVar("T")
Attend = Callable[[T, Alive], Outcome]


class Worker(Generic[T]):
    """A process at the other end of a pipe, and the task that it has."""

    def __init__(self, attend: Attend[T]) -> None:
        # Spawned, not forked: a copy of a process whose libraries have threads may hang.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=serve, args=(theirs, attend), daemon=True)
        with one_thread():
            self.process.start()
        theirs.close()
        self.task: T | None = None
        self.silent = 0.0  # seconds without a sign of life


class Processes(Generic[T]):
    """Does tasks of one kind in a number of processes. One that dies costs its task an attempt, and is replaced.

    attend    what a process does with a task; a function of a module, for it is found there by its name
    deadline  seconds without a sign of life after which a process counts as hung; it is ended, as if it had died
    """

    def __init__(self, workers: int, attend: Attend[T], deadline: float = DEADLINE_SECONDS) -> None:
        self._attend, self._deadline = attend, deadline
        self._workers = [Worker(attend) for _ in range(workers)]
        self._looked = time.monotonic()
        self._stopping = False

    def free(self) -> int:
        """Return how many processes have nothing to do."""
        return sum(worker.task is None for worker in self._workers)

    def give(self, task: T) -> None:
        """Hand a task to a process that has none; one that died meanwhile is replaced. Raises StudyError."""
        worker = next(worker for worker in self._workers if worker.task is None)
        for _ in range(ATTEMPTS):
            try:
                worker.pipe.send(task)
            except OSError:
                worker = self._replaced(worker)
            else:
                worker.task, worker.silent = task, 0.0
                return
        raise StudyError("the worker processes end as soon as they are started; is the memory of this machine full?")

    def wait(self, seconds: float) -> list[tuple[T, Outcome]]:
        """Return the outcomes that have come, and end processes that hang."""
        busy = {worker.pipe: worker for worker in self._workers if worker.task is not None}
        outcomes = []
        for pipe in wait(list(busy), timeout=seconds):
            worker = busy[pipe]  # type: ignore[index]
            task = worker.task
            assert task is not None, "only busy workers are waited for"
            try:
                outcome: Outcome | None = worker.pipe.recv()
            except (EOFError, OSError):
                worker.process.join()
                outcome = Outcome("failed", error=f"its process died (exit code {worker.process.exitcode})")
                self._replaced(worker)
            worker.silent = 0.0
            if outcome is not None:  # more than a sign of life
                worker.task = None
                outcomes.append((task, outcome))
        return outcomes + self._hung()

    def _hung(self) -> list[tuple[T, Outcome]]:
        """End the processes that have given no sign of life for too long; return the outcomes of their tasks."""
        now = time.monotonic()
        # A look that took longer was no silence of theirs: this process slept, and maybe they with it.
        passed, self._looked = min(now - self._looked, MOST_SECONDS_A_LOOK), now
        outcomes = []
        for worker in [worker for worker in self._workers if worker.task is not None]:
            worker.silent += passed
            if worker.silent > self._deadline and worker.task is not None:
                worker.process.kill()
                worker.process.join()
                error = f"no sign of life for {self._deadline:g} seconds (--deadline); its process was ended"
                outcomes.append((worker.task, Outcome("failed", error=error)))
                worker.task = None
                self._replaced(worker)
        return outcomes

    def _replaced(self, worker: Worker[T]) -> Worker[T]:
        """Return a new process in the place of one that is dead; while all are stopped, the dead one."""
        worker.pipe.close()
        if self._stopping:
            return worker
        new = Worker(self._attend)
        self._workers[self._workers.index(worker)] = new
        return new

    def stop(self) -> None:
        """Ask every process to save and end; end those that do not."""
        self._stopping = True
        for worker in self._workers:
            if worker.task is not None:
                worker.process.terminate()  # SIGTERM asks it to save; Windows has no such request, and ends it
        deadline = time.monotonic() + SECONDS_TO_SAVE
        while any(worker.task for worker in self._workers) and time.monotonic() < deadline:
            self.wait(0.2)
        for worker in self._workers:
            worker.pipe.close()  # an idle process sees the end of its pipe, and ends
            worker.process.join(timeout=5)
            if worker.process.is_alive():
                worker.process.kill()


class LocalExecutor(Processes[Task]):
    """`executor.Executor` on this machine."""

    def __init__(self, workers: int, deadline: float = DEADLINE_SECONDS) -> None:
        super().__init__(workers, attend, deadline)


def serve(pipe: Connection, attend: Attend[T]) -> None:
    """Do the tasks that come through a pipe, until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent passes it on
    sent = time.monotonic()

    def alive() -> None:
        nonlocal sent
        if time.monotonic() - sent > SECONDS_A_SIGN:
            sent = time.monotonic()
            with contextlib.suppress(OSError):  # the study was killed; the task goes on, for its result is kept
                pipe.send(None)

    while True:
        try:
            task: T = pipe.recv()
        except (EOFError, OSError):
            return
        outcome = attend(task, alive)
        try:
            pipe.send(outcome)
        except OSError:  # the study was killed; what was done is in the ledger
            return


def attend(task: Task, alive: Alive) -> Outcome:
    """Do a task unless another process has it or has done it; write its result down."""
    ledger = Ledger(task.folder.parents[1])
    try:
        with ledger.alone(task.unit):
            done = ledger.result(task.unit)
            if done is None:
                done = do(task.unit, task.folder, task.data_folder, alive=alive, accept_changes=task.accept_changes)
                ledger.finish(task.unit, done)
            return Outcome("done", done)
    except BusyError as error:
        return Outcome("busy", error=str(error))
    except InterruptedRunError:
        return Outcome("stopped")
    except Lenet5Error as error:
        return Outcome("failed", error=str(error))
    except Exception:
        return Outcome("failed", error=traceback.format_exc())


@contextmanager
def one_thread() -> Iterator[None]:
    """Start processes inside this block with one thread for each library: they share the cores among them."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
