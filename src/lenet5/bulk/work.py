"""One shard done: here, by a process that writes its result itself, or on a cluster, whose results are sent back."""

import time
import traceback
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lenet5 import files
from lenet5.bulk import answers, photos
from lenet5.bulk.ledger import Ledger
from lenet5.bulk.shards import Shard
from lenet5.distribution import VERSION
from lenet5.errors import BulkError, Lenet5Error
from lenet5.inference.predictor import Predictor
from lenet5.models import file as model_file
from lenet5.models import shipped
from lenet5.studies.cluster import Cluster
from lenet5.studies.executor import Outcome
from lenet5.studies.local import one_thread

RESULT = "result"


@dataclass(frozen=True)
class How:
    """What decides the results of a job, apart from its shards.

    root          folder that the shards' paths are relative to
    model         a shipped model's name, or a model file
    model_digest  SHA-256 of its file
    """

    root: str
    model: str
    model_digest: str
    engine: str
    device: str
    column: str
    photos: bool
    plan_digest: str
    version: str


@dataclass(frozen=True)
class Task:
    """A shard with how it is done, and the folder of the job."""

    shard: Shard
    how: How
    out: Path


class BulkCluster(Cluster[Task]):
    """Hands shards to a Dask cluster, whose workers read the input by the same path; results come back."""

    def give(self, task: Task) -> None:
        """Send a shard."""
        key = f"lenet5-bulk-{task.how.plan_digest[:16]}-{task.shard.number}"
        self._running[self._client.submit(attend_there, task.shard, task.how, key=key, pure=False, retries=0)] = task


class Here:
    """Does each shard in this process, when it is waited for: one worker needs no second process."""

    def __init__(self) -> None:
        self._task: Task | None = None

    def free(self) -> int:
        """Return 1 where nothing is to do."""
        return int(self._task is None)

    def give(self, task: Task) -> None:
        """Take a shard."""
        self._task = task

    def wait(self, seconds: float) -> list[tuple[Task, Outcome]]:
        """Do the shard that was given; without one, pass the time."""
        if self._task is None:
            time.sleep(seconds)
            return []
        task, self._task = self._task, None
        return [(task, attend_here(task))]

    def stop(self) -> None:
        """Nothing runs between two calls."""


def attend_here(task: Task) -> Outcome:
    """Do a shard unless another process has it or has done it, and write its result down."""
    ledger, number = Ledger(task.out), task.shard.number
    try:
        with ledger.alone(number) as mine:
            if not mine:
                return Outcome("busy")
            if not ledger.place(number).exists():
                ledger.finish(number, do(task.shard, task.how))
            return Outcome("done")
    except (Lenet5Error, OSError) as error:
        return Outcome("failed", error=str(error))
    except Exception:
        return Outcome("failed", error=traceback.format_exc())


def attend_there(shard: Shard, how: How) -> Outcome:
    """Do a shard on a worker of a cluster, with the very same version and model, or not at all."""
    try:
        with one_thread():
            return Outcome("done", files={RESULT: do(shard, how)})
    except (Lenet5Error, OSError) as error:
        return Outcome("failed", error=str(error))
    except Exception:
        return Outcome("failed", error=traceback.format_exc())


def do(shard: Shard, how: How) -> bytes:
    """Return the result of a shard. Raises Lenet5Error or OSError."""
    if how.version != VERSION:
        raise BulkError(f"this worker has lenet5 {VERSION}; the job runs {how.version}.")
    predictor = _predictor(how.model, how.engine, how.device, how.model_digest)
    about = answers.about(how.model_digest, how.plan_digest)
    if how.photos:
        return photos.result(shard, Path(how.root), _reader(predictor), about)
    return answers.result(shard, Path(how.root), predictor, how.column, about)


def model_path(model: str) -> Path:
    """Return the file of a shipped model, or of a model's own."""
    return model_file.WEIGHTS / f"{model}.safetensors" if shipped.is_shipped(Path(model)) else Path(model)


@lru_cache(maxsize=1)
def _predictor(model: str, engine: str, device: str, digest: str) -> Predictor:
    path = model_path(model)
    found = files.file_sha256(path)
    if found != digest:
        raise BulkError(f"{path}: another model than the job began with (SHA-256 {found[:12]}, not {digest[:12]}).")
    return Predictor(model_file.read(path), engine=engine, device=device)


@lru_cache(maxsize=1)
def _reader(predictor: Predictor) -> photos.Texts:
    return photos.reader(predictor)
