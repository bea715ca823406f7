"""The loop of a job: plan it once, hand out its missing shards, write the totals."""

import os
from collections.abc import Callable, Iterator
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
from lenet5.bulk.run_shard import RESULT, BulkCluster, How, Task, about, attend_here, identity_of, model_path
from lenet5.engines import registry
from lenet5.engines.contract import Engine
from lenet5.errors import BulkError
from lenet5.inference.predictor import Predictor
from lenet5.jobs.executor import Executor, Outcome
from lenet5.jobs.loop import AT_ONCE, ATTEMPTS, SECONDS_UNTIL_ASKED_AGAIN, work_off
from lenet5.jobs.processes import DEADLINE_SECONDS, Processes
from lenet5.machine import usable_cores
from lenet5.models import file as model_file
from lenet5.training import identity

DEFAULT = "digits"  # the default model
LOCAL = "local"


@dataclass(frozen=True)
class Progress:
    """Progress of a job in shards and images; `here` counts the images processed since this command started."""

    shards: int
    done: int
    images: int
    images_done: int
    here: int


Observer = Callable[[Progress], None]
Waiting = Callable[[str], None]


def read(
    given: Path,
    out: Path,
    *,
    model: str = DEFAULT,
    on: str = LOCAL,
    workers: int | None = None,
    threads: int = 1,
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
    """Classify the images of an input into the folder `out`; return the manifest.

    given         a folder, or a tar, Parquet, IDX or NPY file
    out           a new folder, or the folder of the same job, whose missing shards are then processed
    model         a shipped model's name, or a model file; its classes are digits and optionally "not a digit"
    on            "local", or the address of a Dask scheduler
    workers       number of processes on this machine; if None, as many as fill the cores
    threads       of each process, in the native engine; other engines' results depend on it, so theirs is one
    shard_images  images per shard, which is processed completely or not at all; affects the names of the result files,
                  not their rows
    column        image column of Parquet files with several possible ones
    photos        the images are pictures of any size for the reader of photographs, not single 28x28 digits
    deadline      seconds without a heartbeat after which a worker process counts as hung and is killed
    accept_changes  continue a job that was started with another engine, instruction set or version; this is recorded
    waiting       called with a message when another process holds a lock

    A bad image becomes a row with an error. Raises BulkError when the input is missing or has changed, when `out`
    belongs to another job or one that was started under other conditions, or when shards fail twice;
    InterruptedRunError after Ctrl-C or SIGTERM; ModelError, RunError, StudyError.
    """
    library("pyarrow")
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
    if not all(done for _, done in ledger.states()):  # start processes only if there is work
        executor = _executor(on, workers or max(1, usable_cores() // threads), deadline, threads)
        Run(ledger, How(str(root), job), job, executor, observer, waiting).all()
    with files.lock_folder(out, seconds=inf, waiting=waiting):
        return ledger.seal(job["shards"], lambda number: about(job, number))


def _unchanged(ledger: Ledger, root: Path) -> None:
    """Raise BulkError when the input has changed since the job was planned."""
    before = None
    for shard in ledger.shards():
        if before is None or shard.names or shard.path != before.path:
            unchanged(shard, root)
            before = shard


class Run:
    """Streams the shards of one job to an executor as workers become idle."""

    def __init__(
        self,
        ledger: Ledger,
        how: How,
        job: dict[str, Any],
        executor: Executor[Task],
        observer: Observer,
        waiting: Waiting,
    ) -> None:
        self._ledger, self._how, self._job = ledger, how, job
        self._executor, self._observer, self._waiting = executor, observer, waiting
        self._errors: dict[int, list[str]] = {}
        self._told = False  # whether the user was told about waiting for another process
        self._done = self._images_done = self._here = 0

    def all(self) -> None:
        """Process every missing shard. Raises BulkError at the end when shards have failed twice."""
        try:
            work_off(
                self._missing(),
                self._executor,
                self._account,
                looked=lambda: _tell(self._observer, self._job, self._done, self._images_done, self._here),
                stopped="stopped; the same command continues.",
            )
        finally:
            self._executor.stop()
        set_aside = [number for number, errors in self._errors.items() if len(errors) == ATTEMPTS]
        if set_aside:
            first = min(set_aside)
            why = self._errors[first][-1].strip().splitlines()[-1]
            raise BulkError(
                f"{len(set_aside):,} of {self._job['shards']:,} shards failed twice, the rest is done; shard {first}: "
                f"{why} When that is fixed, the same command continues."
            )

    def _missing(self) -> Iterator[Task]:
        """Yield the shards without a result, and count the others."""
        for shard, done in self._ledger.states():
            if not done:
                yield Task(shard, self._how, self._ledger.folder.absolute())
                continue
            self._done += 1
            self._images_done += shard.images

    def _account(self, task: Task, outcome: Outcome, _: float) -> float | None:
        """Record an outcome; return the seconds after which the shard is to be tried again, or None."""
        shard = task.shard
        if outcome.kind == "busy":
            if not self._told:
                self._waiting(f"waiting for {outcome.error}")
                self._told = True
            return SECONDS_UNTIL_ASKED_AGAIN
        if outcome.kind == "done":
            if outcome.files:
                self._ledger.finish(shard.number, outcome.files[RESULT])
            self._errors.pop(shard.number, None)
            self._done, self._here = self._done + 1, self._here + shard.images
            self._images_done += shard.images
            return None
        errors = self._errors.setdefault(shard.number, [])
        errors.append(outcome.error)
        return None if len(errors) == ATTEMPTS else AT_ONCE


def _executor(on: str, workers: int, deadline: float, threads: int) -> Executor[Task]:
    return Processes(workers, attend_here, deadline, threads) if on == LOCAL else BulkCluster(on)


def _planned(
    ledger: Ledger, given: Path, wanted: dict[str, Any], machine: Engine, accept_changes: bool, waiting: Waiting
) -> dict[str, Any]:
    """Return the job's description, and plan the job first if needed.

    Raises BulkError when the folder belongs to another job, or the job was started under other conditions that are not
    accepted.
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
    """Stream the plan to disk; it is complete only once job.json exists."""
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
