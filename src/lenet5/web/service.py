"""The state shared by the routes: models, workers, limits, the page, and whether the server is stopping."""

from dataclasses import asdict, dataclass, field
from functools import cached_property

from lenet5.distribution import VERSION
from lenet5.errors import ServeError
from lenet5.web import pages
from lenet5.web.bodies import Bodies
from lenet5.web.counters import Counters
from lenet5.web.limits import Limits
from lenet5.web.problems import Problem
from lenet5.web.security import Guard
from lenet5.web.served_model import ServedModel
from lenet5.web.workers import Workers


@dataclass
class Service:
    """One server's state.

    models     by name; the first one is the default
    in_flight  number of requests that are not answered yet
    stopping   requests in flight are finished, new ones are rejected
    """

    models: dict[str, ServedModel]
    workers: Workers
    guard: Guard
    limits: Limits
    counters: Counters = field(default_factory=Counters)
    training_images: pages.TrainingImages = field(default_factory=pages.TrainingImages)
    in_flight: int = 0
    stopping: bool = False

    def __post_init__(self) -> None:
        """Add gauges of values counted elsewhere to /metrics."""
        self.bodies = Bodies(self.limits)
        batchers = [served.batcher for served in self.models.values()]
        watch = self.counters.watch
        watch("lenet5_in_flight", "Requests not yet answered", lambda: self.in_flight)
        watch("lenet5_body_bytes", "Bytes of bodies held beyond each one's free part", lambda: self.bodies.held_bytes)
        watch("lenet5_waiting_images", "Images waiting for a model", lambda: sum(each.waiting for each in batchers))
        watch("lenet5_batches", "Batches computed", lambda: sum(each.batches for each in batchers))
        watch("lenet5_images", "Images computed", lambda: sum(each.computed for each in batchers))
        watch("lenet5_waiting_pictures", "Pictures waiting for a worker", lambda: self.workers.waiting)
        watch("lenet5_workers_alive", "Worker processes", lambda: self.workers.alive)
        watch("lenet5_worker_deaths", "Worker processes that died", lambda: self.workers.deaths)

    @property
    def default(self) -> ServedModel:
        """The default model."""
        return next(iter(self.models.values()))

    @cached_property
    def pages(self) -> dict[str, pages.File]:
        """The page, by path."""
        return pages.load()

    @property
    def version(self) -> str:
        """The version of lenet5."""
        return VERSION

    @property
    def limits_told(self) -> dict[str, float]:
        """The limits as returned by /v1/limits."""
        return asdict(self.limits)

    def check_ready(self) -> None:
        """Raise Problem when the server is not ready: stopping, no worker ready, or a queue more than half full."""
        if self.stopping:
            raise Problem("stopping", "the server is stopping.", retry_after=10)
        if not self.workers.alive:
            raise Problem("busy", "no worker process is ready yet.", retry_after=1)
        if any(2 * served.batcher.waiting > self.limits.queue_images for served in self.models.values()):
            raise Problem("busy", "too many images are waiting.", retry_after=1)


def load_models(sources: list[str], limits: Limits, engine: str, device: str) -> dict[str, ServedModel]:
    """Return the models by name. Raises ServeError when two have the same name; ModelError, EngineError."""
    models: dict[str, ServedModel] = {}
    for source in sources:
        served = ServedModel(source, limits, engine, device)
        if served.name in models:
            raise ServeError(f"two models have the name {served.name}; rename the file of one of them.")
        models[served.name] = served
    return models
