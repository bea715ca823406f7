"""Scoring of a whole data set in bounded memory, one chunk of prepared inputs at a time."""

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.contract import Examples, Float, Network, Scorer, Together
from lenet5.spec.architecture import Architecture

CHUNK = 250  # images; the outputs of all layers of LeNet-5 take 53 MB for them
MOST_BYTES = 1 << 28  # for the outputs of all layers; larger networks score smaller chunks


def score_all(network: Network | Scorer, examples: Examples) -> Float:
    """Return the scores (N, classes) of all examples, in their order."""
    return np.concatenate([network.scores(examples.inputs(chunk)) for chunk in _chunks(examples, network.architecture)])


def score_all_together(together: Together, examples: Examples) -> Float:
    """Return the scores (M, N, classes) that each network gives all examples."""
    chunks = _chunks(examples, together.networks[0].architecture)
    return np.concatenate([together.scores(examples.inputs(chunk)) for chunk in chunks], axis=1)


def _chunks(examples: Examples, architecture: Architecture) -> list[NDArray[np.int64]]:
    count = len(examples.labels)
    size = min(CHUNK, max(1, MOST_BYTES // (4 * architecture.numbers_an_image)))
    return [np.arange(start, min(start + size, count)) for start in range(0, count, size)]


def count_correct(scores: Float, labels: NDArray[np.int64]) -> int:
    """Return the number of images whose highest score is that of their label."""
    return int(np.count_nonzero(scores.argmax(axis=1) == labels))
