"""Units on this machine: processes of one thread each, that live as long as the study."""

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

from lenet5.errors import InterruptedRunError, Lenet5Error
from lenet5.studies.executor import Outcome, Task
from lenet5.studies.ledger import Ledger
from lenet5.studies.work import do

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SECONDS_TO_SAVE = 30.0
T = TypeVar("T")


class Worker(Generic[T]):
    """A process at the other end of a pipe, and the task that it has."""

    def __init__(self, attend: Callable[[T], Outcome]) -> None:
        # Spawned, not forked: a copy of a process whose libraries have threads may hang.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=serve, args=(theirs, attend), daemon=True)
        with one_thread():
            self.process.start()
        theirs.close()
        self.task: T | None = None


class Processes(Generic[T]):
    """Does tasks of one kind in a number of processes. One that dies costs its task an attempt, and is replaced.

    attend  what a process does with a task; a function of a module, for it is found there by its name
    """

    def __init__(self, workers: int, attend: Callable[[T], Outcome]) -> None:
        self._attend = attend
        self._workers = [Worker(attend) for _ in range(workers)]

    def free(self) -> int:
        """Return how many processes have nothing to do."""
        return sum(worker.task is None for worker in self._workers)

    def give(self, task: T) -> None:
        """Hand a task to a process that has none."""
        worker = next(worker for worker in self._workers if worker.task is None)
        worker.task = task
        worker.pipe.send(task)

    def wait(self, seconds: float) -> list[tuple[T, Outcome]]:
        """Return the outcomes that have come."""
        busy = {worker.pipe: worker for worker in self._workers if worker.task is not None}
        outcomes = []
        for pipe in wait(list(busy), timeout=seconds):
            worker = busy[pipe]  # type: ignore[index]
            task = worker.task
            assert task is not None, "only busy workers are waited for"
            try:
                outcome = worker.pipe.recv()
                worker.task = None
            except (EOFError, ConnectionResetError):
                worker.process.join()
                outcome = Outcome("failed", error=f"its process died (exit code {worker.process.exitcode})")
                self._workers[self._workers.index(worker)] = Worker(self._attend)
            outcomes.append((task, outcome))
        return outcomes

    def stop(self) -> None:
        """Ask every process to save and end; end those that do not."""
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

    def __init__(self, workers: int) -> None:
        super().__init__(workers, attend)


def serve(pipe: Connection, attend: Callable[[T], Outcome]) -> None:
    """Do the tasks that come through a pipe, until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent passes it on
    while True:
        try:
            task: T = pipe.recv()
        except EOFError:
            return
        outcome = attend(task)
        try:
            pipe.send(outcome)
        except BrokenPipeError:  # the study was killed; what was done is in the ledger
            return


def attend(task: Task) -> Outcome:
    """Do a task unless another process has it or has done it; write its result down."""
    ledger = Ledger(task.folder.parents[1])
    with ledger.alone(task.unit) as mine:
        if not mine:
            return Outcome("busy")
        done = ledger.result(task.unit)
        if done is None:
            try:
                done = do(task.unit, task.folder, task.data_folder)
            except InterruptedRunError:
                return Outcome("stopped")
            except Lenet5Error as error:
                return Outcome("failed", error=str(error))
            except Exception:
                return Outcome("failed", error=traceback.format_exc())
            ledger.finish(task.unit, done)
        return Outcome("done", done)


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
