"""Figures from labels and answers; pure functions of arrays. Percentages are named so."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from typing import Any

Float = NDArray[np.floating[Any]]


def accuracy_percent(correct: int, count: int) -> float:
    return 100 * correct / count


def wilson_interval_percent(correct: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    z = float(norm.ppf(0.5 + confidence / 2))
    share = correct / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return 100 * (middle - half), 100 * (middle + half)


def confusion(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def softmax(scores: Float) -> Float:
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(scores: Float, labels: NDArray[np.int64]) -> float:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]))


def mean_squared_error(scores: Float, labels: NDArray[np.int64]) -> float:
    difference = scores.copy()
    difference[np.arange(len(labels)), labels] -= 1
    return float(np.mean(difference**2))
