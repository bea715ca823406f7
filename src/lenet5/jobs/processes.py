"""A pool of worker processes on this machine that live as long as the job."""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

from lenet5.engines.threads import VARIABLES
from lenet5.errors import StudyError
from lenet5.jobs.executor import Alive, Outcome

SECONDS_TO_SAVE = 30.0  # that a process has to save its position after SIGTERM, before it is killed
SECONDS_A_SIGN = 1.0  # minimum between two heartbeats
MOST_SECONDS_A_LOOK = 5.0  # maximum that one pass of `wait` adds to a worker's silence
DEADLINE_SECONDS = 600.0  # without a heartbeat, after which a process counts as hung
ATTEMPTS = 3  # to hand a task to a living process
T = TypeVar("T")
Attend = Callable[[T, Alive], Outcome]


class Worker(Generic[T]):
    """A worker process, the pipe to it, and its current task."""

    def __init__(self, attend: Attend[T], threads: int) -> None:
        # Spawned, not forked: a copy of a process whose libraries have threads may hang.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=serve, args=(theirs, attend), daemon=True)
        with threads_of_processes(threads):
            self.process.start()
        theirs.close()
        self.task: T | None = None
        self.silent = 0.0  # seconds without a heartbeat


class Processes(Generic[T]):
    """A pool of worker processes for tasks of one kind. A process that dies fails its task and is replaced.

    attend    runs one task; a module-level function, because it is pickled by name
    deadline  seconds without a heartbeat after which a process counts as hung and is killed
    threads   of each process
    """

    def __init__(self, workers: int, attend: Attend[T], deadline: float = DEADLINE_SECONDS, threads: int = 1) -> None:
        self._attend, self._deadline, self.threads = attend, deadline, threads
        self._workers = [Worker(attend, threads) for _ in range(workers)]
        self._looked = time.monotonic()
        self._stopping = False

    def free(self) -> int:
        """Return the number of idle processes."""
        return sum(worker.task is None for worker in self._workers)

    def give(self, task: T) -> None:
        """Hand a task to an idle process; dead processes are replaced. Raises StudyError."""
        worker = next(worker for worker in self._workers if worker.task is None)
        for _ in range(ATTEMPTS):
            try:
                worker.pipe.send(task)
            except OSError:
                worker = self._replaced(worker)
            else:
                worker.task, worker.silent = task, 0.0
                return
        raise StudyError("the worker processes exit as soon as they start; is this machine out of memory?")

    def wait(self, seconds: float) -> list[tuple[T, Outcome]]:
        """Return the outcomes that have arrived; kill processes that hang."""
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
                outcome = Outcome("failed", error=f"the worker process died (exit code {worker.process.exitcode})")
                self._replaced(worker)
            worker.silent = 0.0
            if outcome is not None:  # None is a heartbeat
                worker.task = None
                outcomes.append((task, outcome))
        return outcomes + self._hung()

    def _hung(self) -> list[tuple[T, Outcome]]:
        """Kill the processes whose last heartbeat is too old; return the outcomes of their tasks."""
        now = time.monotonic()
        # A longer gap means that this process was suspended, perhaps along with the workers: it is not their silence.
        passed, self._looked = min(now - self._looked, MOST_SECONDS_A_LOOK), now
        outcomes = []
        for worker in [worker for worker in self._workers if worker.task is not None]:
            worker.silent += passed
            if worker.silent > self._deadline and worker.task is not None:
                worker.process.kill()
                worker.process.join()
                error = f"no progress for {self._deadline:g} seconds (--deadline); the worker process was killed"
                outcomes.append((worker.task, Outcome("failed", error=error)))
                worker.task = None
                self._replaced(worker)
        return outcomes

    def _replaced(self, worker: Worker[T]) -> Worker[T]:
        """Return a new process in place of a dead one; during `stop`, the dead one."""
        worker.pipe.close()
        if self._stopping:
            return worker
        new = Worker(self._attend, self.threads)
        self._workers[self._workers.index(worker)] = new
        return new

    def stop(self) -> None:
        """Ask every process to save and exit; kill those that do not."""
        self._stopping = True
        for worker in self._workers:
            if worker.task is not None:
                worker.process.terminate()  # SIGTERM asks it to save; on Windows it is killed at once
        deadline = time.monotonic() + SECONDS_TO_SAVE
        while any(worker.task for worker in self._workers) and time.monotonic() < deadline:
            self.wait(0.2)
        for worker in self._workers:
            worker.pipe.close()  # an idle process exits when its pipe closes
            worker.process.join(timeout=5)
            if worker.process.is_alive():
                worker.process.kill()


def serve(pipe: Connection, attend: Attend[T]) -> None:
    """Run the tasks that arrive through a pipe, until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent passes it on
    sent = time.monotonic()

    def alive() -> None:
        nonlocal sent
        if time.monotonic() - sent > SECONDS_A_SIGN:
            sent = time.monotonic()
            with contextlib.suppress(OSError):  # the job was killed; the task continues, and its result is kept
                pipe.send(None)

    while True:
        try:
            task: T = pipe.recv()
        except (EOFError, OSError):
            return
        outcome = attend(task, alive)
        try:
            pipe.send(outcome)
        except OSError:  # the job was killed; the result is in the ledger
            return


@contextmanager
def threads_of_processes(threads: int) -> Iterator[None]:
    """Make processes started within the block use this number of threads in each library."""
    before = {name: os.environ.get(name) for name in VARIABLES}
    os.environ.update(dict.fromkeys(VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
