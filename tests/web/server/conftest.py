"""Servers for the tests, and digits to send them."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from serving import LIMITED, Running, started

from lenet5.data.datasets import load


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., Running]]:
    """Start `lenet5 serve` with these options, on a free port; or, given limits, with those in place of its own."""
    all_started: list[Running] = []

    def start(
        *options: str,
        environment: dict[str, str] | None = None,
        before_start: Callable[[], None] | None = None,
        **limits: float,
    ) -> Running:
        words = ["-c", LIMITED, json.dumps(limits)] if limits else ["-m", "lenet5", "serve", "--port", "0", *options]
        all_started.append(started(words, environment or {}, before_start))
        return all_started[-1]

    yield start
    for running in all_started:
        running.process.kill()
        running.process.wait()
        if running.process.stdout:
            running.process.stdout.close()


@pytest.fixture(scope="session")
def server(serve: Callable[..., Running]) -> Running:
    """One server for all tests that do it no harm."""
    return serve("--model", "modern", "--model", "digits", "--model", "lecun-1998")


@pytest.fixture(scope="session")
def images(mnist_folder: Path) -> NDArray[np.uint8]:
    """The first hundred test images of MNIST."""
    return np.asarray(load("mnist", "test", mnist_folder).images[:100])


@pytest.fixture(scope="session")
def photograph(images: NDArray[np.uint8]) -> bytes:
    """A PNG with 7210, dark on white, as MNIST's test set begins."""
    row = np.pad(np.hstack([255 - image for image in images[:4]]), 20, constant_values=255)
    return png(np.kron(row, np.ones((3, 3), np.uint8)))


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture as a PNG file."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()
