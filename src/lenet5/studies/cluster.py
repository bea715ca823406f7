"""Units on a Dask cluster, whose workers return results and small files."""

import tempfile
from pathlib import Path
from typing import Any

from lenet5.engines import registry
from lenet5.jobs.cluster import Cluster
from lenet5.jobs.executor import Outcome, attempted
from lenet5.jobs.processes import threads_of_processes
from lenet5.studies.conditions import Conditions
from lenet5.studies.local import Task
from lenet5.studies.run_unit import do
from lenet5.studies.units import Unit
from lenet5.training import identity
from lenet5.training.identity import Identity
from lenet5.training.train import parts

KEPT = ("recipe.toml", "environment.json", "history.jsonl", "result.json", "model.safetensors")


class ClusterExecutor(Cluster[Task]):
    """`jobs.executor.Executor` for units."""

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

    def run() -> Outcome:
        with threads_of_processes(1), tempfile.TemporaryDirectory() as folder:
            recipe, machine = unit.recipe, registry.get(unit.engine)
            here = identity.of_run(recipe, machine, identity.fingerprints(parts(recipe, None)))
            identity.check(wanted, here, where="this worker", accepted=accept_changes)
            result: dict[str, Any] = do(unit, Path(folder), None)
            run = Path(folder) / result["run"]
            contents = {f"{result['run']}/{name}": (run / name).read_bytes() for name in KEPT}
            return Outcome("done", result, files=contents)

    return attempted(run)
