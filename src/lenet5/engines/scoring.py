"""Score a whole data set in bounded memory: one chunk of prepared inputs at a time."""

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.contract import Examples, Float, Network, Together

CHUNK = 250  # images; the patches of so many in the numpy engine take about 15 MB


def score_all(network: Network, examples: Examples) -> Float:
    """Return the scores (N, classes) of all examples, in their order."""
    return np.concatenate([network.scores(examples.inputs(chunk)) for chunk in _chunks(examples)])


def score_all_together(together: Together, examples: Examples) -> Float:
    """Return the scores (M, N, classes) that each network gives all examples."""
    return np.concatenate([together.scores(examples.inputs(chunk)) for chunk in _chunks(examples)], axis=1)


def _chunks(examples: Examples) -> list[NDArray[np.int64]]:
    count = len(examples.labels)
    return [np.arange(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]


def count_correct(scores: Float, labels: NDArray[np.int64]) -> int:
    """Return how many images have their highest score at their label."""
    return int(np.count_nonzero(scores.argmax(axis=1) == labels))
