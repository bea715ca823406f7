"""Linear classifiers: one unit for each class, and one for each pair of classes (1998 paper, section III-C.1 and 2).

The paper says that gradient descent and the direct solution of the linear system gave similar results; this is the
direct solution: least squares.
"""

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lenet5.methods.contract import CLASSES, Float, Labels, Pixels, UsesEachNumberOnce, rows

CHUNK = 5000  # images at a time, so that memory stays bounded
LEAST_RIDGE = 1e-6  # relative to the mean diagonal: pixels that never change leave the system singular
TIE_BREAKER = 0.05  # nine units' outputs together weigh less than one sign

Matrix = NDArray[np.float64]


def with_bias(features: Float) -> Float:
    """Return features (N, D) with a column of ones: (N, D + 1)."""
    return np.hstack([features, np.ones((len(features), 1), features.dtype)])


def moments(features: Float, targets: Float) -> tuple[Matrix, Matrix]:
    """Return X'X (D + 1, D + 1) and X'T (D + 1, K) of features X (N, D) with a bias, and targets T (N, K)."""
    size = features.shape[1] + 1
    gram, moment = np.zeros((size, size)), np.zeros((size, targets.shape[1]))
    for begin in range(0, len(features), CHUNK):
        chunk = with_bias(features[begin : begin + CHUNK]).astype(np.float64)
        gram += chunk.T @ chunk
        moment += chunk.T @ targets[begin : begin + CHUNK]
    return gram, moment


def solved(gram: Matrix, moment: Matrix, ridge: float = LEAST_RIDGE) -> Matrix:
    """Return the weights (D + 1, K) of least squares; `ridge` times the mean diagonal is added to the diagonal."""
    return np.linalg.solve(gram + ridge * np.trace(gram) / len(gram) * np.eye(len(gram)), moment)


def signs(labels: Labels) -> Matrix:
    """Return targets (N, 10): 1 for the right class, -1 for the others."""
    return 2 * np.eye(CLASSES)[labels] - 1


def pair_votes() -> Matrix:
    """Return what each pair's unit says of each class: (45, 10), 1 for its first class, -1 for its second."""
    votes = np.zeros((CLASSES * (CLASSES - 1) // 2, CLASSES))
    for unit, pair in enumerate(combinations(range(CLASSES), 2)):
        votes[unit, pair] = 1, -1
    return votes


def votes_of(outputs: Float) -> Float:
    """Return the scores (N, 10) of the 45 pairs' outputs (N, 45): votes by their signs, ties broken by the outputs."""
    scores: Float = (np.sign(outputs) + TIE_BREAKER * outputs.clip(-1, 1)) @ pair_votes()
    return scores


@dataclass
class Linear(UsesEachNumberOnce):
    """Ten linear units, each trained by least squares to give 1 for its class and -1 for the others."""

    seeded = False
    weights: Matrix = field(default_factory=lambda: np.empty((0, 0)), repr=False)

    def _numbers(self) -> tuple[Float, ...]:
        return (self.weights,)

    def fit(self, images: Pixels, labels: Labels, seed: int) -> None:
        self.weights = solved(*moments(rows(images), signs(labels)))

    def scores(self, images: Pixels) -> Float:
        return with_bias(rows(images)) @ self.weights


@dataclass
class Pairwise(UsesEachNumberOnce):
    """A linear unit for each of the 45 pairs of classes: 1 for the first, -1 for the second, other classes unseen.

    A class's score is the sum of the units that have it first minus the sum of those that have it second. What a unit
    is summed as is not said: as its plain output, patterns of other classes outweigh all others and 20 % of 5,000
    training images kept apart are misclassified; as its sign, 6 %. Here it is the sign, and outputs break ties.
    """

    seeded = False
    weights: Matrix = field(default_factory=lambda: np.empty((0, 0)), repr=False)

    def _numbers(self) -> tuple[Float, ...]:
        return (self.weights,)

    def fit(self, images: Pixels, labels: Labels, seed: int) -> None:
        features = rows(images)
        of_class = [moments(x := features[labels == c], np.ones((len(x), 1))) for c in range(CLASSES)]
        units = [
            solved(of_class[first][0] + of_class[second][0], of_class[first][1] - of_class[second][1])
            for first, second in combinations(range(CLASSES), 2)
        ]
        self.weights = np.hstack(units)  # (D + 1, 45)

    def scores(self, images: Pixels) -> Float:
        outputs = with_bias(rows(images)) @ self.weights  # (N, 45)
        return votes_of(outputs)
