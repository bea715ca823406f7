"""Do what is missing of a job: plan it once, hand out its shards, add it up."""

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from lenet5 import files
from lenet5.bulk.answers import digits_of
from lenet5.bulk.inputs import unchanged
from lenet5.bulk.ledger import Ledger, make_folder
from lenet5.bulk.needs import library
from lenet5.bulk.photos import reader
from lenet5.bulk.plan import SHARD_IMAGES, root_of, shards
from lenet5.bulk.shards import Shard
from lenet5.bulk.work import RESULT, BulkCluster, How, Task, about, attend_here, identity_of, model_path
from lenet5.engines import registry
from lenet5.engines.contract import Engine
from lenet5.errors import BulkError, InterruptedRunError
from lenet5.inference.predictor import Predictor
from lenet5.machine import usable_cores
from lenet5.models import file as model_file
from lenet5.studies.executor import Outcome
from lenet5.studies.local import DEADLINE_SECONDS, Processes
from lenet5.training import identity
from lenet5.training.interrupt import polite_stop

DEFAULT = "digits"  # the model
LOCAL = "local"
ATTEMPTS = 2
SECONDS_A_LOOK = 0.5  # at the keyboard, between outcomes
SECONDS_UNTIL_ASKED_AGAIN = 2.0  # for a shard, or a plan, that another process has


@dataclass(frozen=True)
class Progress:
    """How far a job is, in shards and images; `here` counts the images that this process has had done."""

    shards: int
    done: int
    images: int
    images_done: int
    here: int


Hands = Processes[Task] | BulkCluster
Observer = Callable[[Progress], None]
Waiting = Callable[[str], None]


def read(
    given: Path,
    out: Path,
    *,
    model: str = DEFAULT,
    on: str = LOCAL,
    workers: int | None = None,
    shard_images: int = SHARD_IMAGES,
    column: str = "",
    photos: bool = False,
    engine: str = registry.AUTO,
    device: str = registry.AUTO,
    deadline: float = DEADLINE_SECONDS,
    accept_changes: bool = False,
    observer: Observer = lambda _: None,
    waiting: Waiting = lambda _: None,
) -> dict[str, Any]:
    """Read very many images into the folder `out`; return its manifest.

    given         a folder, or a tar, Parquet, IDX or NPY file
    out           a new folder, or that of the same job, of which only what is missing is done
    model         a shipped model's name, or a model file; its classes are digits, and maybe "not a digit"
    on            "local", or the address of a Dask scheduler
    workers       processes on this machine; one a core if None
    shard_images  images that are done whole or not at all; decides the names of the results, not their rows
    column        of Parquet files, where several could hold images
    photos        pictures of any size, for the reader of photographs, in place of single 28x28 digits
    deadline      seconds without a sign of life after which a process counts as hung, and is ended
    accept_changes  go on with a job that was begun by another engine, instruction set or version; that is recorded
    waiting       is told, in a sentence, when another process is waited for

    A bad image is a row with an error. Raises BulkError where there is no input or it has changed, `out` belongs to
    another job or one that was begun under other conditions, or shards fail twice; InterruptedRunError after Ctrl-C or
    SIGTERM; ModelError, RunError, StudyError.
    """
    for name in ("pyarrow", "PIL"):
        library(name)
    ledger = Ledger(out)
    machine = registry.get(engine, device)
    predictor = Predictor(model_file.read(model_path(model)), engine=machine.name, device=machine.device)
    digits_of(predictor)
    if photos:
        reader(predictor)
    job = _planned(ledger, given, {
        "input": str(given.absolute()), "shard_images": shard_images, "column": column, "photos": photos,
        "model": model if model_path(model) != Path(model) else str(Path(model).absolute()),
        "model_sha256": files.file_sha256(model_path(model)),
    }, machine, accept_changes, waiting)  # fmt: skip
    root = root_of(given)
    _unchanged(ledger, root)
    if not all(done for _, done in ledger.states()):  # no processes are started to find nothing to do
        executor = _executor(on, workers or usable_cores(), deadline)
        Run(ledger, How(str(root), job), job, executor, observer, waiting).all()
    with files.lock_folder(out, seconds=inf, waiting=waiting):
        return ledger.seal(job["shards"], lambda number: about(job, number))


def _unchanged(ledger: Ledger, root: Path) -> None:
    """Raise BulkError when the input is not the one that was planned: what is done already was made of another."""
    before = None
    for shard in ledger.shards():
        if before is None or shard.names or shard.path != before.path:
            unchanged(shard, root)
            before = shard


class Run:
    """The shards of one job, handed to an executor as it has hands free; memory does not grow with their number."""

    def __init__(
        self, ledger: Ledger, how: How, job: dict[str, Any], executor: Hands, observer: Observer, waiting: Waiting
    ) -> None:
        self._ledger, self._how, self._job = ledger, how, job
        self._executor, self._observer, self._waiting = executor, observer, waiting
        self._unfinished = ledger.states()
        self._again: deque[tuple[float, Shard]] = deque()  # not before this time
        self._errors: dict[int, list[str]] = {}
        self._told = False  # that another process is waited for
        self._running = self._done = self._images_done = self._here = 0

    def all(self) -> None:
        """Do everything that is missing. Raises BulkError at the end when shards have failed twice."""
        set_aside = 0
        with polite_stop() as stop:
            try:
                while self._give() or self._running or self._again:
                    for task, outcome in self._executor.wait(SECONDS_A_LOOK):
                        self._running -= 1
                        set_aside += self._account(task.shard, outcome)
                    _tell(self._observer, self._job, self._done, self._images_done, self._here)
                    if stop.signal_number is not None:
                        raise InterruptedRunError(stop.signal_number, "", "stopped; the same command continues.")
            finally:
                self._executor.stop()
        if set_aside:
            first = min(number for number, errors in self._errors.items() if len(errors) == ATTEMPTS)
            why = self._errors[first][-1].strip().splitlines()[-1]
            raise BulkError(
                f"{set_aside:,} of {self._job['shards']:,} shards failed twice, the rest is done; shard {first}: {why} "
                "When that is mended, the same command goes on."
            )

    def _give(self) -> bool:
        """Hand out as many shards as there are hands; return whether there may be more."""
        for _ in range(self._executor.free()):
            shard = self._next()
            if shard is None:
                return False
            self._executor.give(Task(shard, self._how, self._ledger.folder.absolute()))
            self._running += 1
        return True

    def _next(self) -> Shard | None:
        if self._again and self._again[0][0] <= time.monotonic():
            return self._again.popleft()[1]
        for shard, done in self._unfinished:
            if not done:
                return shard
            self._done += 1
            self._images_done += shard.images
        return None

    def _account(self, shard: Shard, outcome: Outcome) -> bool:
        """Take note of an outcome; return whether the shard is set aside."""
        if outcome.kind == "busy":
            if not self._told:
                self._waiting(f"waiting for shard {shard.number}, maybe others: another process does it")
                self._told = True
            self._again.append((time.monotonic() + SECONDS_UNTIL_ASKED_AGAIN, shard))
        elif outcome.kind == "done":
            if outcome.files:
                self._ledger.finish(shard.number, outcome.files[RESULT])
            self._errors.pop(shard.number, None)
            self._done, self._here = self._done + 1, self._here + shard.images
            self._images_done += shard.images
        else:
            errors = self._errors.setdefault(shard.number, [])
            errors.append(outcome.error)
            if len(errors) == ATTEMPTS:
                return True
            self._again.append((0.0, shard))
        return False


def _executor(on: str, workers: int, deadline: float) -> Hands:
    return Processes(workers, attend_here, deadline) if on == LOCAL else BulkCluster(on)


def _planned(
    ledger: Ledger, given: Path, wanted: dict[str, Any], machine: Engine, accept_changes: bool, waiting: Waiting
) -> dict[str, Any]:
    """Return what the job is, planned if need be.

    Raises BulkError when the folder belongs to another job, or this one was begun under other conditions and that is
    not accepted.
    """
    root_of(given)
    make_folder(ledger.folder)
    now = identity_of(machine.name, machine.device)
    means = {"engine": machine.name, "device": machine.device, "identity": now}
    with files.lock_folder(ledger.folder, seconds=inf, waiting=waiting):
        files.remove_leftovers(ledger.folder)
        job = ledger.job()
        if job is None:
            plan = _plan(ledger, given, wanted["shard_images"], photos=wanted["photos"])
            job = wanted | means | plan
            ledger.keep_job(job)
        other = identity.differences({key: job.get(key) for key in wanted}, wanted)
        if other:
            raise BulkError(f"{ledger.folder}: holds another job ({'; '.join(other)}); choose another --out.")
        where = str(ledger.folder)
        changes = identity.check(job["identity"], now, where=where, accepted=accept_changes, error=BulkError)
        if changes:
            job |= means | {"changes": [*job.get("changes", []), changes]}
            ledger.keep_job(job)
    return job


def _plan(ledger: Ledger, given: Path, images: int, *, photos: bool) -> dict[str, Any]:
    """Write the plan, which may be larger than memory; only job.json says that it is whole."""
    count = total = 0
    try:
        with ledger.plan.open("w", encoding="utf-8") as file:
            for shard in shards(given, images, photos=photos):
                file.write(shard.line())
                count, total = count + 1, total + shard.images
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise BulkError(f"{ledger.plan}: the job cannot be planned ({error.strerror}).") from None
    if not count:
        raise BulkError(f"{given}: holds no images; give a folder, a tar, a Parquet, IDX or NPY file.")
    return {"shards": count, "images_planned": total, "plan_sha256": files.file_sha256(ledger.plan)}


def _tell(observer: Observer, job: dict[str, Any], done: int, images_done: int, here: int) -> None:
    observer(Progress(job["shards"], done, job["images_planned"], images_done, here))
