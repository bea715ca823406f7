"""Pages composed of MNIST's test digits, drawn by the tests."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lenet5 import api
from lenet5.data.datasets import load
from lenet5.reading.predictor import ReadingPredictor
from lenet5.reading.reader import DEFAULT

Image = NDArray[np.uint8]
Compose = Callable[..., Image]


@pytest.fixture(scope="session")
def compose(mnist_folder: Path) -> Compose:
    """Return a drawer: rows of text -> (H, W) uint8 of dark digits on white paper, each twice MNIST's size."""
    data = load("mnist", "test", mnist_folder)

    def draw(*rows: str, step: int = 44, scale: int = 2, border: int = 40, first: int = 0) -> Image:
        page = np.zeros((2 * border + 80 * len(rows), 2 * border + step * max(map(len, rows)) + 60), np.uint8)
        for row, text in enumerate(rows):
            for column, letter in enumerate(text):
                if letter == " ":
                    continue
                index = np.flatnonzero(data.labels == int(letter))[first + column + len(text) * row]
                digit = np.kron(data.images[index], np.ones((scale, scale), np.uint8))
                top, left = border + 80 * row, border + step * column
                part = page[top : top + len(digit), left : left + len(digit)]
                np.maximum(part, digit, out=part)
        return 255 - page

    return draw


@pytest.fixture(scope="session")
def modern() -> ReadingPredictor:
    """A shipped model of ten digits."""
    return api.load("modern")


@pytest.fixture(scope="session")
def digits() -> ReadingPredictor:
    """The shipped model that reads unless another is named."""
    return api.load(DEFAULT)
