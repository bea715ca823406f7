"""Loss of a number's lattice, and its gradient by the network's scores.

Discriminative forward training (LeCun 1998, section VI): the loss is the forward score of all paths minus that of the
paths that spell the right number, -log(posterior). Its gradient by an arc's weight is the posterior of the arc among
all paths minus its posterior among the right ones; `by_scores` takes it through the weighing of
`reading/recognition/by_lattice.py` to the scores of the arc's image.

In the lattice of a word or a texture every path of digits is wrong; right are the same paths with "not a digit" on
each of their arcs, weighed as a digit would be.
"""

import numpy as np
from numpy.typing import NDArray

from lenet5 import metrics
from lenet5.reading.constraints import pattern
from lenet5.reading.recognition.by_lattice import WEIGHING, evidence
from lenet5.reading.recognition.lattice import Float, Lattice, shares, total

NOTHING = ""  # the label of what holds no digit
OF_DIGIT, OF_ALL = WEIGHING[:2]  # factors of log P(digit) and of log(sum of exp(scores of the digits))


def loss_and_gradient(
    lattice: Lattice, scores: NDArray[np.float32], label: str, columns: list[int]
) -> tuple[float, Float]:
    """Return -log(posterior of the label), and its gradient by the scores, (arcs, classes).

    scores   (arcs, classes) of the images of the arcs
    label    the digits, or `NOTHING`
    columns  of the ten digits among the classes; the one class beside them is "not a digit"

    The loss is inf, and the gradient not defined, where no path spells the label.
    """
    if label == NOTHING:
        return _of_nothing(lattice, scores, columns)
    weights = evidence(lattice, scores, columns) @ WEIGHING
    right = pattern(label)
    loss = total(lattice, weights) - total(lattice, weights, right)
    if not np.isfinite(loss):
        return np.inf, np.zeros(scores.shape)
    return loss, by_scores(shares(lattice, weights) - shares(lattice, weights, right), scores, columns)


def _of_nothing(lattice: Lattice, scores: NDArray[np.float32], columns: list[int]) -> tuple[float, Float]:
    """Return -log(posterior of "not a digit" on every arc of a path), and its gradient by the scores."""
    none = np.setdiff1d(np.arange(scores.shape[1]), columns).tolist()
    digits = evidence(lattice, scores, columns) @ WEIGHING
    nothing = np.full_like(digits, -np.inf)  # on every arc one class, in the place of one digit
    nothing[:, :1] = evidence(lattice, scores, none) @ WEIGHING
    right, wrong = total(lattice, nothing), total(lattice, digits)
    loss = np.logaddexp(right, wrong) - right
    down = by_scores(shares(lattice, digits), scores, columns)
    up = by_scores(shares(lattice, nothing)[:, :1], scores, none)
    return float(loss), -np.expm1(-loss) * (down - up)


def by_scores(by_weights: Float, scores: NDArray[np.float32], columns: list[int]) -> Float:
    """Return the gradient by the scores, (arcs, classes), given that by the weights of the classes in `columns`."""
    of_arc = by_weights.sum(axis=1, keepdims=True)
    wide = scores.astype(np.float64)
    gradient = -OF_DIGIT * of_arc * metrics.softmax(wide)
    gradient[:, columns] += OF_DIGIT * by_weights + OF_ALL * of_arc * metrics.softmax(wide[:, columns])
    return np.asarray(gradient)
