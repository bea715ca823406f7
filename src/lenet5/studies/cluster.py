"""Units on a Dask cluster (the extra "cluster"). Losing the scheduler loses no results: the ledger is local."""

import logging
import tempfile
import time
import traceback
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lenet5.distribution import install
from lenet5.engines import registry
from lenet5.errors import Lenet5Error, StudyError
from lenet5.studies.conditions import Conditions
from lenet5.studies.executor import Outcome, Task
from lenet5.studies.local import threads_of_processes
from lenet5.studies.units import Unit
from lenet5.studies.work import do
from lenet5.training import identity
from lenet5.training.identity import Identity
from lenet5.training.train import parts

if TYPE_CHECKING:
    from distributed import Future

SECONDS_TO_CONNECT = 10
KEPT = ("recipe.toml", "environment.json", "history.jsonl", "result.json", "model.safetensors")
T = TypeVar("T")


class Cluster(Generic[T]):
    """Hands tasks of one kind to the workers of a Dask scheduler; subclasses implement `give`."""

    def __init__(self, address: str) -> None:
        """Connect. Raises StudyError when Dask is not installed or no scheduler answers at the address."""
        try:
            from distributed import Client
        except ModuleNotFoundError:
            raise StudyError(f"a cluster needs Dask: {install('cluster')}") from None
        try:
            self._client = Client(address, timeout=SECONDS_TO_CONNECT)
        except (OSError, ValueError) as error:
            raise StudyError(f"{address}: no Dask scheduler answers at this address ({error}).") from None
        # Dask logs a traceback for every lost connection; our errors already tell the user.
        for name in ("distributed", "distributed.client", "distributed.core"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._address = address
        self._running: dict[Future, T] = {}

    def free(self) -> int:
        """Return the number of idle worker threads. Raises StudyError when the scheduler is gone."""
        self._check()
        try:
            hands: int = sum(self._client.nthreads().values())
        except OSError:  # the scheduler went away during the request
            raise self._gone() from None
        return max(0, hands - len(self._running))

    def wait(self, seconds: float) -> list[tuple[T, Outcome]]:
        """Return the outcomes that have arrived. Raises StudyError when the scheduler is gone."""
        from distributed import wait

        self._check()
        if not self._running:
            time.sleep(seconds)
            return []
        try:
            done = wait(list(self._running), timeout=seconds, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            return []
        except CancelledError:  # the scheduler went away during the wait
            raise self._gone() from None
        return [(self._running.pop(future), self._outcome(future)) for future in done]

    def stop(self) -> None:
        """Abandon the running tasks; the workers' folders are temporary."""
        self._client.cancel(list(self._running))
        self._client.close()

    def _check(self) -> None:
        if self._client.status != "running":
            raise self._gone()

    def _gone(self) -> StudyError:
        return StudyError(f"{self._address}: the scheduler is gone; restart it, or continue with --on local.")

    def _outcome(self, future: "Future") -> Outcome:
        if future.status != "finished":
            return Outcome("failed", error=f"lost on the cluster: {future.exception()}")
        outcome: Outcome = future.result()
        future.release()
        return outcome


class ClusterExecutor(Cluster[Task]):
    """`executor.Executor` for units; the workers return results and small files."""

    threads = 1

    def __init__(self, address: str) -> None:
        """Connect. Raises StudyError when Dask is not installed or no scheduler answers at the address."""
        super().__init__(address)
        self._conditions: Conditions | None = None

    def give(self, task: Task) -> None:
        """Send a unit to the cluster."""
        if self._conditions is None:
            self._conditions = Conditions(task.data_folder, self.threads)
        wanted = self._conditions.of(task.unit)
        future = self._client.submit(
            attend, task.unit, wanted, task.accept_changes, key=task.unit.digest, pure=False, retries=0
        )
        self._running[future] = task


def attend(unit: Unit, wanted: Identity, accept_changes: bool) -> Outcome:
    """Run a unit on a worker, in a temporary folder; fail if the worker's conditions differ from the study's."""
    try:
        with threads_of_processes(1), tempfile.TemporaryDirectory() as folder:
            recipe, machine = unit.recipe, registry.get(unit.engine)
            here = identity.of_run(recipe, machine, identity.fingerprints(parts(recipe, None)))
            identity.check(wanted, here, where="this worker", accepted=accept_changes)
            result: dict[str, Any] = do(unit, Path(folder), None)
            run = Path(folder) / result["run"]
            contents = {f"{result['run']}/{name}": (run / name).read_bytes() for name in KEPT}
            return Outcome("done", result, files=contents)
    except Lenet5Error as error:
        return Outcome("failed", error=str(error))
    except Exception:
        return Outcome("failed", error=traceback.format_exc())
