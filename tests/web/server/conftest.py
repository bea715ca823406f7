"""Servers for the tests, and digits to send them."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from serving import LIMITED, Running, started

from lenet5.data.datasets import load
from lenet5.inference.predictor import Predictor
from lenet5.models import file


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


@pytest.fixture(scope="session")
def overflowing(images: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose scores are numbers for an empty image and a full one, and beyond numbers for the first digit."""
    model = file.read(file.WEIGHTS / "modern.safetensors")
    tried = np.stack([np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8), images[0]])
    activations = Predictor(model).activations(tried)
    name = next(name for name, array in model.weights.items() if array.shape == (10, 84))
    before = list(activations).index(name.removesuffix(".weight")) - 1
    empty, full, digit = list(activations.values())[before].astype(np.float64)
    basis, _ = np.linalg.qr(np.stack([empty, full], axis=1))
    only_digit = digit - basis @ (basis.T @ digit)
    weights = dict(model.weights)
    weights[name] = weights[name].copy()
    weights[name][0] = 3e38 * only_digit / np.abs(only_digit).max()
    path = tmp_path_factory.mktemp("models") / "overflowing.safetensors"
    file.write(replace(model, weights=weights), path)
    return path
