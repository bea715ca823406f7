"""Score a whole data set in bounded memory: one chunk of prepared inputs at a time."""

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.contract import Examples, Float, Network

CHUNK = 250  # images; the patches of so many in the numpy engine take about 15 MB


def score_all(network: Network, examples: Examples) -> Float:
    """Return the scores (N, classes) of all examples, in their order."""
    count = len(examples.labels)
    chunks = [np.arange(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    return np.concatenate([network.scores(examples.inputs(chunk)) for chunk in chunks])


def count_correct(scores: Float, labels: NDArray[np.int64]) -> int:
    """Return how many images have their highest score at their label."""
    return int(np.count_nonzero(scores.argmax(axis=1) == labels))
