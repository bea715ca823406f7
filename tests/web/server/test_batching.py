"""The queue before a model: bounded, with deadlines, and nothing computed in vain."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from lenet5.engines.contract import Float
from lenet5.web.batching import Batcher, Pixels
from lenet5.web.problems import Problem

ONE = np.ones((1, 28, 28), np.uint8)


class Gate:
    """Computes the sum of each image, once it is opened; notes how many images each batch had."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.batches: list[int] = []

    def __call__(self, images: Pixels) -> Float:
        assert self.opened.wait(30)
        self.batches.append(len(images))
        if (images == 99).any():
            raise ValueError("a bad one")
        return images.reshape(len(images), -1).sum(axis=1, dtype=np.float32)[:, None]


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


def batcher(gate: Gate, executor: ThreadPoolExecutor) -> Batcher:
    return Batcher(gate, executor, queue_images=8, batch_images=4)


async def begun(made: Batcher, count: int) -> list["asyncio.Task[Float]"]:
    """Ask for images of 1, 2, 3 ...; the first is being computed, the others wait."""
    asked = []
    for value in range(1, count + 1):
        asked.append(asyncio.create_task(made.scores(ONE * np.uint8(value), 30)))
        await asyncio.sleep(0.001 if value > 1 else 0.01)
        assert made.waiting == value - 1
    return asked


def test_what_came_meanwhile_is_computed_together() -> None:
    async def test() -> None:
        gate = Gate()
        with ThreadPoolExecutor(1) as executor:
            asked = await begun(batcher(gate, executor), 7)
            gate.opened.set()
            scores = [float((await each)[0, 0]) for each in asked]
        assert scores == [784.0 * value for value in range(1, 8)]
        assert gate.batches == [1, 4, 2]

    run(test())


def test_a_full_queue_says_so_at_once() -> None:
    async def test() -> None:
        gate = Gate()
        with ThreadPoolExecutor(1) as executor:
            made = batcher(gate, executor)
            asked = await begun(made, 9)
            with pytest.raises(Problem) as refused:
                await made.scores(ONE, 30)
            assert (refused.value.kind, refused.value.headers) == ("busy", {"retry-after": "1"})
            gate.opened.set()
            await asyncio.gather(*asked)
        assert made.waiting == 0

    run(test())


def test_what_is_too_old_is_not_computed() -> None:
    async def test() -> None:
        gate = Gate()
        with ThreadPoolExecutor(1) as executor:
            made = batcher(gate, executor)
            asked = await begun(made, 1)
            late = asyncio.create_task(made.scores(ONE, 0.01))
            given_up = asyncio.create_task(made.scores(ONE, 30))
            await asyncio.sleep(0.05)
            given_up.cancel()
            await asyncio.sleep(0)
            gate.opened.set()
            with pytest.raises(Problem) as refused:
                await late
            assert refused.value.kind == "deadline"
            await asyncio.gather(*asked)
        assert gate.batches == [1]

    run(test())


def test_a_batch_that_fails_does_not_stop_the_next() -> None:
    async def test() -> None:
        gate = Gate()
        gate.opened.set()
        with ThreadPoolExecutor(1) as executor:
            made = batcher(gate, executor)
            with pytest.raises(ValueError, match="a bad one"):
                await made.scores(ONE * np.uint8(99), 30)
            assert (await made.scores(ONE, 30))[0, 0] == 784

    run(test())
