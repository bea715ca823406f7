"""Dynamic batching of requests without a timer.

Requests that arrive while one batch is computed form the next batch. A lone request is therefore computed at once, and
batches grow with the load.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.contract import Float
from lenet5.web.problems import Problem

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Waiting:
    """A request's images, their deadline, and the future for the scores."""

    images: Pixels
    deadline: float
    scores: "asyncio.Future[Float]" = field(repr=False)


class Batcher:
    """Batches images for one model.

    compute       images (N, 28, 28) -> scores (N, classes); called in `executor`, once at a time
    queue_images  maximum number of waiting images; more are rejected
    batch_images  a batch takes whole requests until it has at least this number of images
    """

    def __init__(
        self, compute: Callable[[Pixels], Float], executor: Executor, *, queue_images: int, batch_images: int
    ) -> None:
        self._compute, self._executor = compute, executor
        self.queue_images, self.batch_images = queue_images, batch_images
        self._queue: deque[Waiting] = deque()
        self.waiting = 0  # images in the queue
        self.batches = self.computed = 0  # so far; images
        self._runner: asyncio.Task[None] | None = None

    async def scores(self, images: Pixels, seconds: float) -> Float:
        """Return the scores of a request's images.

        Raises Problem: busy when the queue is full; deadline when the computation could not start within `seconds`.
        """
        if self.waiting + len(images) > self.queue_images:
            raise Problem("busy", f"{self.waiting} images are already waiting; try again in a second.", retry_after=1)
        loop = asyncio.get_running_loop()
        waiting = Waiting(images, loop.time() + seconds, loop.create_future())
        self._queue.append(waiting)
        self.waiting += len(images)
        if self._runner is None or self._runner.done():
            self._runner = loop.create_task(self._run())
        return await waiting.scores

    async def _run(self) -> None:
        """Compute batch after batch until the queue is empty."""
        loop = asyncio.get_running_loop()
        while self._queue:
            batch = self._next(loop.time())
            if not batch:
                continue
            images = np.concatenate([each.images for each in batch]) if len(batch) > 1 else batch[0].images
            try:
                scores = await loop.run_in_executor(self._executor, self._compute, images)
            except Exception as error:
                for each in batch:
                    if not each.scores.done():
                        each.scores.set_exception(error)
                continue
            self.batches += 1
            self.computed += len(images)
            start = 0
            for each in batch:
                if not each.scores.done():
                    each.scores.set_result(scores[start : start + len(each.images)])
                start += len(each.images)

    def _next(self, now: float) -> list[Waiting]:
        """Take a batch from the queue; reject expired requests and drop cancelled ones."""
        batch, size = [], 0
        while self._queue and size < self.batch_images:
            each = self._queue.popleft()
            self.waiting -= len(each.images)
            if each.scores.done():
                continue
            if now > each.deadline:
                each.scores.set_exception(
                    Problem(
                        "deadline",
                        "the server was too busy to compute it in time.",
                        retry_after=1,
                    )
                )
                continue
            batch.append(each)
            size += len(each.images)
        return batch
