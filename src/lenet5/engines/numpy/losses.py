"""The losses, each with its gradient with respect to the scores.

scores  (N, classes)     labels  (N,) int64
Returns the mean loss over the batch, and the gradient (N, classes) of its mean or sum.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.contract import Float
from lenet5.spec.objective import Objective


def cross_entropy(scores: Float, targets: Float) -> tuple[float, Float]:
    """Minus the log-softmax, averaged over the classes with weights `targets` (N, classes) that sum to 1.

    A label's targets are its one-hot row. Gradient of the sum: softmax - targets.
    """
    shifted = scores - scores.max(axis=1, keepdims=True)  # exp of a large score would overflow
    exponentials = np.exp(shifted)
    totals = exponentials.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(totals[:, 0]) - (targets * shifted).sum(axis=1))
    gradient: Float = exponentials / totals - targets
    return float(loss), gradient


def mean_squared_error(scores: Float, labels: NDArray[np.int64]) -> tuple[float, Float]:
    """(score - one-hot)^2, its mean over images and classes; gradient of the sum: 2 (score - one-hot)."""
    difference = scores.copy()
    difference[np.arange(len(labels)), labels] -= 1
    return float(np.mean(difference**2)), 2 * difference


def maximum_likelihood(scores: Float, labels: NDArray[np.int64]) -> tuple[float, Float]:
    """The penalty of the correct class, -score (1998 paper, equation 8); gradient of the sum: -one-hot."""
    rows = np.arange(len(labels))
    gradient = np.zeros_like(scores)
    gradient[rows, labels] = -1
    return float(np.mean(-scores[rows, labels])), gradient


def maximum_a_posteriori(scores: Float, labels: NDArray[np.int64], j: float) -> tuple[float, Float]:
    """-score + log(exp(-j) + sum of exp(score)) (equation 9): cross-entropy with one additional class, "rubbish".

    The score of that class is -j, and it is never the label.
    """
    rubbish = np.full((len(scores), 1), -j, scores.dtype)
    loss, gradient = cross_entropy(np.hstack([scores, rubbish]), _one_hot(labels, scores.shape[1] + 1, scores.dtype))
    return loss, gradient[:, :-1]


def _one_hot(labels: NDArray[np.int64], classes: int, dtype: np.dtype[Any]) -> Float:
    rows: Float = np.eye(classes, dtype=dtype)[labels]
    return rows


def loss_and_gradient(
    objective: Objective, scores: Float, labels: NDArray[np.int64], targets: Float | None = None
) -> tuple[float, Float]:
    """Return the mean loss, and the gradient of the mean or sum, as the objective's reduction says.

    targets  for cross-entropy: (N, classes) in place of the labels
    """
    match objective.loss:
        case "cross_entropy":
            answers = _one_hot(labels, scores.shape[1], scores.dtype) if targets is None else targets
            loss, gradient = cross_entropy(scores, answers.astype(scores.dtype, copy=False))
        case "mean_squared_error":
            loss, gradient = mean_squared_error(scores, labels)
        case "maximum_likelihood":
            loss, gradient = maximum_likelihood(scores, labels)
        case "maximum_a_posteriori":
            loss, gradient = maximum_a_posteriori(scores, labels, objective.j or 0.0)
    # As in PyTorch, the mean of the squared error runs over the classes too.
    terms = scores.size if objective.loss == "mean_squared_error" else len(labels)
    return loss, gradient / terms if objective.reduction == "mean" else gradient


def curvature_of_scores(objective: Objective, scores: Float) -> Float:
    """Return the second derivative of each image's loss with respect to each of its scores: (N, classes).

    Exact for all four losses: none of these second derivatives depends on the label.
    """
    match objective.loss:
        case "cross_entropy":
            p = _softmax(scores)
        case "maximum_a_posteriori":
            rubbish = np.full((len(scores), 1), -(objective.j or 0.0), scores.dtype)
            p = _softmax(np.hstack([scores, rubbish]))[:, :-1]
        case "mean_squared_error":
            return np.full_like(scores, 2 / scores.shape[1] if objective.reduction == "mean" else 2)
        case "maximum_likelihood":
            return np.zeros_like(scores)
    return p * (1 - p)


def _softmax(scores: Float) -> Float:
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))  # exp of a large score would overflow
    probabilities: Float = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities
