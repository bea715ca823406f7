"""The interface that every compared classifier shares."""

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating[Any]]
Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
CLASSES = 10


class Classifier(Protocol):
    """A classifier of digits with its costs.

    seeded         whether the seed changes its answers; without it, two fits give the same
    multiply_adds  multiply-accumulates for one digit, once it is fitted
    memory         numbers that it keeps
    """

    seeded: bool

    @property
    def multiply_adds(self) -> int: ...

    @property
    def memory(self) -> int: ...

    def fit(self, images: Pixels, labels: Labels, seed: int) -> None:
        """Learn from images (N, S, S), 0 = background, and their labels (N,), 0 to 9."""
        ...

    def scores(self, images: Pixels) -> Float:
        """Return the scores (N, 10): the highest wins, and its lead over the second tells how sure it is."""
        ...


class UsesEachNumberOnce(ABC):
    """The costs of a classifier that takes each number it keeps into one multiply-accumulate for a digit."""

    @abstractmethod
    def _numbers(self) -> tuple[Float, ...]:
        """Return the arrays that it keeps."""

    @property
    def multiply_adds(self) -> int:
        return self.memory

    @property
    def memory(self) -> int:
        return sum(array.size for array in self._numbers())


def rows(images: Pixels) -> NDArray[np.float32]:
    """Return images as rows of numbers from 0 to 1: (N, S * S)."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
