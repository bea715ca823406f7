"""K nearest neighbours by Euclidean distance between images (1998 paper, section III-C.3)."""

from dataclasses import dataclass, field

import numpy as np

from lenet5.methods.contract import CLASSES, Float, Labels, Pixels, UsesEachNumberOnce, rows

CHUNK = 500  # images that are compared with all the training images at once


def squared_distances(samples: Float, prototypes: Float) -> Float:
    """Return the squared Euclidean distances (N, M) between samples (N, D) and prototypes (M, D)."""
    lengths = (samples**2).sum(axis=1)[:, None] + (prototypes**2).sum(axis=1)
    distances: Float = np.maximum(lengths - 2 * samples @ prototypes.T, 0)
    return distances


def voted(distances: Float, labels: Labels, k: int) -> Float:
    """Return the scores (N, 10) by distances (N, M) to prototypes with labels (M,).

    A class's score is its number of votes among the k nearest, less up to 1/2 by the distance of its own nearest one,
    which breaks ties.
    """
    nearest = np.argpartition(distances, k - 1, axis=1)[:, :k]
    votes = np.zeros((len(distances), CLASSES))
    np.add.at(votes, (np.arange(len(distances))[:, None], labels[nearest]), 1)
    by_class = np.full((len(distances), CLASSES), distances.max())
    for c in np.unique(labels):
        by_class[:, c] = distances[:, labels == c].min(axis=1)
    scores: Float = votes - by_class / (2 * distances.max() + 1e-12)
    return scores


@dataclass
class NearestNeighbours(UsesEachNumberOnce):
    """The most frequent class among the k nearest training images; of equally frequent ones, the nearest."""

    k: int = 3
    seeded = False
    prototypes: Float = field(default_factory=lambda: np.empty((0, 0)), repr=False)
    labels: Labels = field(default_factory=lambda: np.empty(0, np.int64), repr=False)

    def _numbers(self) -> tuple[Float, ...]:
        return (self.prototypes,)

    def fit(self, images: Pixels, labels: Labels, seed: int) -> None:
        by_class = np.argsort(labels, kind="stable")
        self.prototypes, self.labels = rows(images)[by_class], labels[by_class]

    def scores(self, images: Pixels) -> Float:
        samples = rows(images)
        return np.concatenate(
            [
                voted(squared_distances(samples[begin : begin + CHUNK], self.prototypes), self.labels, self.k)
                for begin in range(0, len(samples), CHUNK)
            ]
        )
