"""Which choices are meant: all candidates read training images, and those that are clearly behind drop out.

Two measures compare two candidates, and each says "clearly" only where chance does so once in 2,000 times:
accuracy        b and c images are classified correctly by one of them alone; b - c is more than 3.3 sqrt(b + c)
                (McNemar 1947)
cross-entropy   which nearly every network was trained to make small; its mean difference is more than 3.3 of its
                standard errors
A candidate drops out where it is clearly behind by one measure and not clearly ahead by the other. A network that is
hardly trained can do better with inputs that it was not trained with; then the two disagree, and nothing is decided.
The test set is never used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from lenet5.data.datasets import Images
from lenet5.exchange.fit import Choices, Fit
from lenet5.inference.predictor import Predictor
from lenet5.models.model import Card, Model

ROUNDS = 300, 2_000, 10_000, 60_000  # images read by those who are left
CLEARLY = 3.3


@dataclass(frozen=True)
class Standing:
    """How a candidate did on each of the images that it read: whether it was correct, and its cross-entropy."""

    choices: Choices
    right: NDArray[np.bool_]
    losses: NDArray[np.float64]

    @property
    def percent(self) -> float:
        """Accuracy, in percent."""
        return 100 * float(self.right.mean())

    @property
    def loss(self) -> float:
        """The mean cross-entropy."""
        return float(self.losses.mean())


def race(
    fit: Fit, candidates: Sequence[Choices], data: Images, card: Card, *, engine: str, device: str
) -> tuple[list[Standing], list[Standing]]:
    """Return the candidates that none is clearly ahead of, the best first; and the last to drop out, the best first."""
    left = [Standing(choices, np.zeros(0, np.bool_), np.zeros(0)) for choices in candidates]
    out: list[Standing] = []
    for count in ROUNDS:
        left = sorted(
            (_read(fit, one, data, card, engine, device, count) for one in left), key=lambda one: -one.percent
        )
        leaders = left[0], min(left, key=lambda one: one.loss)
        behind = [any(beats(leader, one) for leader in leaders) for one in left]
        out = [one for one, is_behind in zip(left, behind, strict=True) if is_behind] or out
        left = [one for one, is_behind in zip(left, behind, strict=True) if not is_behind]
        if len(left) == 1:
            break
    return left, out


def beats(one: Standing, other: Standing) -> bool:
    """Whether one is clearly ahead of another by one measure, and not clearly behind it by the other measure."""
    reads, loses = _reads_better(one, other), _loses_less(one, other)
    return (reads and not _loses_less(other, one)) or (loses and not _reads_better(other, one))


def _read(fit: Fit, one: Standing, data: Images, card: Card, engine: str, device: str, count: int) -> Standing:
    """Let a candidate read on, up to `count` images."""
    rest = slice(len(one.right), count)
    architecture, preparation = fit.build(one.choices)
    model = Model(architecture, preparation, fit.weights_of(one.choices), card)
    scores = Predictor(model, engine=engine, device=device).scores(data.images[rest])
    labels = data.labels[rest]
    shifted = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    right = scores.argmax(axis=1) == labels
    return Standing(one.choices, np.concatenate([one.right, right]), np.concatenate([one.losses, losses]))


def _reads_better(leader: Standing, other: Standing) -> bool:
    """Whether a candidate clearly classifies more images correctly than another."""
    only_leader = int(np.count_nonzero(leader.right & ~other.right))
    only_other = int(np.count_nonzero(other.right & ~leader.right))
    return only_leader - only_other > CLEARLY * sqrt(only_leader + only_other)


def _loses_less(leader: Standing, other: Standing) -> bool:
    """Whether a candidate clearly has the smaller cross-entropy."""
    more = other.losses - leader.losses
    return float(more.mean()) > CLEARLY * float(more.std()) / sqrt(len(more))
