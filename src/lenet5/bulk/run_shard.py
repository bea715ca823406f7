"""Processing of one shard: on this machine, which writes the result itself, or on a cluster, which returns it."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from lenet5 import files
from lenet5.bulk import answers, photos
from lenet5.bulk.ledger import Ledger
from lenet5.bulk.shards import Shard
from lenet5.engines import registry
from lenet5.errors import BulkError
from lenet5.inference.predictor import Predictor
from lenet5.jobs.cluster import Cluster
from lenet5.jobs.executor import Alive, Outcome, attempted
from lenet5.models import file as model_file
from lenet5.models import shipped
from lenet5.training import identity
from lenet5.training.identity import Identity

RESULT = "result"


@dataclass(frozen=True)
class How:
    """Everything but the shards that determines the results of a job.

    root  folder that the shards' paths are relative to
    job   the content of job.json
    """

    root: str
    job: dict[str, Any]


@dataclass(frozen=True)
class Task:
    """A shard, its job's settings, and the folder of the job."""

    shard: Shard
    how: How
    out: Path


class BulkCluster(Cluster[Task]):
    """Hands shards to a Dask cluster, whose workers read the input under the same path and return the results."""

    def give(self, task: Task) -> None:
        """Send a shard."""
        key = f"lenet5-bulk-{task.how.job['plan_sha256'][:16]}-{task.shard.number}"
        self._running[self._client.submit(attend_there, task.shard, task.how, key=key, pure=False, retries=0)] = task


def attend_here(task: Task, alive: Alive = lambda: None) -> Outcome:
    """Process a shard and write its result, unless another process is working on it or has finished it."""

    def run() -> Outcome:
        ledger, number = Ledger(task.out), task.shard.number
        with ledger.alone(number):
            if not ledger.place(number).exists():
                ledger.finish(number, do(task.shard, task.how, alive))
            return Outcome("done")

    return attempted(run)


def attend_there(shard: Shard, how: How) -> Outcome:
    """Process a shard on a worker of a cluster; fail unless its version and model are the job's."""
    return attempted(lambda: Outcome("done", files={RESULT: do(shard, how)}))


def do(shard: Shard, how: How, alive: Alive = lambda: None) -> bytes:
    """Return the result of a shard. Raises BulkError under other conditions than the job's; Lenet5Error, OSError."""
    job, root = how.job, Path(how.root)
    identity.check(
        job["identity"], identity_of(job["engine"], job["device"]), where="this worker", accepted=False, error=BulkError
    )
    predictor = _predictor(job["model"], job["engine"], job["device"], job["model_sha256"])
    made_by = {f"lenet5.{key}": job["identity"].get(key, "") for key in ("engine", "instructions", "device")}
    told = about(job, shard.number) | made_by | {"lenet5.version": job["identity"]["lenet5"]}
    with threadpool_limits(1):  # the bytes may depend on the number of BLAS threads
        if job["photos"]:
            return photos.result(shard, root, _reader(predictor), told, alive)
        return answers.result(shard, root, predictor, job["column"], told, alive)


@lru_cache(maxsize=1)
def identity_of(engine: str, device: str) -> Identity:
    """Return the identity of the engine and the libraries that decode images and write results; for one thread."""
    found = identity.of_engine(registry.get(engine, device))
    return {key: value for key, value in found.items() if key != "threads"} | {
        "pillow": version("pillow"),
        "pyarrow": version("pyarrow"),
    }


def about(job: dict[str, Any], number: int) -> dict[str, str]:
    """Return the required metadata of a shard's result: its model, job and shard number."""
    return {
        "lenet5.model": job["model_sha256"],
        "lenet5.plan": job["plan_sha256"],
        "lenet5.shard": str(number),
    }


def model_path(model: str) -> Path:
    """Return the path of a shipped model or a model file."""
    return model_file.WEIGHTS / f"{model}.safetensors" if shipped.is_shipped(Path(model)) else Path(model)


@lru_cache(maxsize=1)
def _predictor(model: str, engine: str, device: str, digest: str) -> Predictor:
    path = model_path(model)
    found = files.file_sha256(path)
    if found != digest:
        raise BulkError(f"{path}: not the model of this job (SHA-256 {found[:12]}, not {digest[:12]}).")
    return Predictor(model_file.read(path), engine=engine, device=device)


@lru_cache(maxsize=1)
def _reader(predictor: Predictor) -> photos.Texts:
    return photos.reader(predictor)
