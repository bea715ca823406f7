"""Metrics of labels, scores and counts, as pure functions of arrays. Names of percentages end in `_percent`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.spec.objective import Objective

Float = NDArray[np.floating[Any]]


def accuracy_percent(correct: int, count: int) -> float:
    """Return the accuracy in percent."""
    return 100 * correct / count


def wilson_interval_percent(correct: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's (1927) score interval for a proportion, in percent.

    Unlike the normal approximation, it stays within 0 to 100 and is valid for accuracies near 100 %.
    """
    from scipy.stats import norm  # takes half a second to import

    z = float(norm.ppf(0.5 + confidence / 2))
    share, weight = correct / count, 1 + z**2 / count
    middle = (share + z**2 / (2 * count)) / weight
    half = z / weight * (share * (1 - share) / count + z**2 / (4 * count**2)) ** 0.5
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


def confusion(labels: NDArray[np.int64], answers: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return the confusion matrix (classes, classes): counts with truth in rows and answers in columns."""
    return np.bincount(labels * classes + answers, minlength=classes**2).reshape(classes, classes)


def recall_percent(matrix: NDArray[np.int64]) -> Float:
    """Return the recall of each class, in percent: (classes,), NaN for classes without images."""
    totals = matrix.sum(axis=1)
    shares: Float = np.divide(100.0 * np.diag(matrix), totals, where=totals > 0, out=np.full(len(matrix), np.nan))
    return shares


def precision_percent(matrix: NDArray[np.int64]) -> Float:
    """Return the precision of each class, in percent: (classes,), NaN for classes that were never answered."""
    return recall_percent(matrix.T)


def margin(scores: Float) -> Float:
    """Return the best score minus the second best: (N, classes) -> (N,)."""
    two_best = np.partition(scores, -2, axis=1)[:, -2:]
    lead: Float = two_best[:, 1] - two_best[:, 0]
    return lead


def error_by_rejection(confidence: Float, right: NDArray[np.bool_]) -> tuple[Float, Float]:
    """Return the error rate among the accepted answers as more and more of the least confident are rejected.

    confidence  (N,) any number that is larger for more confident answers, such as `margin`
    right       (N,) whether each answer is correct

    Returns (N,) rejection rates, in percent of all, from 0 up; and (N,) error rates of the accepted, in percent.
    """
    count = len(right)
    wrong_from = np.cumsum(~right[np.argsort(confidence, kind="stable")][::-1])[::-1]
    rejected = np.arange(count)
    return 100.0 * rejected / count, 100.0 * wrong_from / (count - rejected)


def rejection_for_error_percent(confidence: Float, right: NDArray[np.bool_], error_percent: float) -> float:
    """Return the rejection rate, in percent, needed for an error of at most `error_percent` among the others.

    The 1998 paper (figure 10) reports it for 0.5 %, by the `margin` of the scores. NaN if unattainable.
    """
    rejected, left = error_by_rejection(confidence, right)
    enough = np.flatnonzero(left <= error_percent)
    return float(rejected[enough[0]]) if len(enough) else float("nan")


def expected_calibration_error_percent(confidence: Float, right: NDArray[np.bool_], bins: int = 15) -> float:
    """Return the mean difference of confidence and accuracy over bins, in percent (Guo et al. 2017).

    confidence  (N,) probability of the answer, 0..1
    """
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    surplus = np.bincount(which, weights=confidence.astype(np.float64) - right, minlength=bins)
    return float(100 * np.abs(surplus).sum() / len(right))


def brier_score(probabilities: Float, labels: NDArray[np.int64]) -> float:
    """Return the mean over images of the squared distance of the probabilities to the one-hot truth, 0..2 (Brier 1950).

    probabilities  (N, classes), each row sums to 1
    """
    difference = probabilities.astype(np.float64)
    difference[np.arange(len(labels)), labels] -= 1
    return float(np.mean((difference**2).sum(axis=1)))


def softmax(scores: Float) -> Float:
    """Return scores (N, classes) as probabilities: each row is positive and sums to 1."""
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))  # exp of a large score would overflow
    probabilities: Float = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def log_softmax(scores: Float) -> Float:
    """Return the logarithms of the probabilities of scores (N, classes)."""
    logarithms: Float = scores - np.logaddexp.reduce(scores, axis=1)[:, None]
    return logarithms


def cross_entropy(scores: Float, labels: NDArray[np.int64]) -> float:
    """Return the mean of -log softmax at the label; computed in float64."""
    wide = scores.astype(np.float64)
    shifted = wide - wide.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]))


def mean_squared_error(scores: Float, labels: NDArray[np.int64]) -> float:
    """Return the mean of (score - one-hot)^2 over images and classes; computed in float64."""
    difference = scores.astype(np.float64)
    difference[np.arange(len(labels)), labels] -= 1
    return float(np.mean(difference**2))


def maximum_likelihood(scores: Float, labels: NDArray[np.int64]) -> float:
    """Return the mean of -score at the label (1998 paper, equation 8); computed in float64."""
    return float(-np.mean(scores[np.arange(len(labels)), labels], dtype=np.float64))


def maximum_a_posteriori(scores: Float, labels: NDArray[np.int64], j: float) -> float:
    """Return the mean of -score at the label + log(exp(-j) + sum of exp(score)) (equation 9); in float64."""
    return cross_entropy(np.hstack([scores, np.full((len(scores), 1), -j)]), labels)


def loss(objective: Objective, scores: Float, labels: NDArray[np.int64]) -> float:
    """Return the mean loss of an objective; computed in float64."""
    match objective.loss:
        case "cross_entropy":
            return cross_entropy(scores, labels)
        case "mean_squared_error":
            return mean_squared_error(scores, labels)
        case "maximum_likelihood":
            return maximum_likelihood(scores, labels)
        case "maximum_a_posteriori":
            return maximum_a_posteriori(scores, labels, objective.j or 0.0)
