"""What training makes small: each loss with its gradient for the scores.

scores  (N, classes)     labels  (N,) int64
Returns the mean loss over the batch, and the gradient (N, classes) of its mean or sum.
"""

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.contract import Float
from lenet5.spec.objective import Objective


def cross_entropy(scores: Float, labels: NDArray[np.int64]) -> tuple[float, Float]:
    """-log of the softmax at the label; gradient of the sum: softmax - one-hot."""
    shifted = scores - scores.max(axis=1, keepdims=True)  # exp of a large score would overflow
    exponentials = np.exp(shifted)
    totals = exponentials.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = np.mean(np.log(totals[:, 0]) - shifted[rows, labels])
    gradient = exponentials / totals
    gradient[rows, labels] -= 1
    return float(loss), gradient


def mean_squared_error(scores: Float, labels: NDArray[np.int64]) -> tuple[float, Float]:
    """(score - one-hot)^2, its mean over images and classes; gradient of the sum: 2 (score - one-hot)."""
    difference = scores.copy()
    difference[np.arange(len(labels)), labels] -= 1
    return float(np.mean(difference**2)), 2 * difference


def loss_and_gradient(objective: Objective, scores: Float, labels: NDArray[np.int64]) -> tuple[float, Float]:
    """Return the mean loss and the gradient that the objective's reduction asks for."""
    if objective.loss == "cross_entropy":
        loss, gradient = cross_entropy(scores, labels)
        terms = len(labels)
    else:
        loss, gradient = mean_squared_error(scores, labels)
        terms = scores.size  # as in PyTorch, this mean runs over the classes too
    return loss, gradient / terms if objective.reduction == "mean" else gradient
