"""Tasks on a Dask cluster (the extra "cluster"). Losing the scheduler loses no results: the ledgers are local."""

import logging
import time
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Generic, TypeVar

from lenet5.distribution import install
from lenet5.errors import StudyError
from lenet5.jobs.executor import Outcome

if TYPE_CHECKING:
    from distributed import Future

SECONDS_TO_CONNECT = 10
T = TypeVar("T")


class Cluster(Generic[T]):
    """Hands tasks of one kind to the workers of a Dask scheduler; subclasses implement `give`."""

    threads = 1  # that compute one task

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
