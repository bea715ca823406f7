"""Prometheus metrics of /metrics. No label comes from a client: paths and statuses are from fixed lists."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

MEDIA_TYPE = CONTENT_TYPE_LATEST
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Counters:
    """The metrics of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("lenet5_requests", "Requests answered", ["path", "status"], registry=self.registry)
        self._seconds = Histogram(
            "lenet5_request_seconds", "From a request's header to its answer", ["path"], buckets=BUCKETS,
            registry=self.registry,
        )  # fmt: skip

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count a response. The path must be one of the server's."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Add a gauge whose value is computed on request."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """Return all values in Prometheus's text format."""
        return generate_latest(self.registry)
