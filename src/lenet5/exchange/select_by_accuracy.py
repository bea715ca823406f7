"""Selection among candidate networks by accuracy and cross-entropy on training images (a racing algorithm).

Two measures compare two candidates, each at a significance level of 1 in 2,000:
accuracy        b and c images are classified correctly by only one of them; b - c exceeds 3.3 sqrt(b + c)
                (McNemar 1947)
cross-entropy   the training objective of nearly every network; the mean difference exceeds 3.3 standard errors

A candidate is eliminated when it is significantly worse by one measure and not significantly better by the other. A
barely trained network can do better with inputs that it was not trained on; then the measures disagree, and nothing is
decided. The test set is never used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from lenet5.data.datasets import Images
from lenet5.exchange.match_shapes import Choices, Fit
from lenet5.inference.predictor import Predictor
from lenet5.models.model import Card, Model

ROUNDS = 300, 2_000, 10_000, 60_000  # images seen by the remaining candidates
CLEARLY = 3.3


@dataclass(frozen=True)
class Standing:
    """A candidate's results on each image so far: correctness and cross-entropy."""

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
    """Return the candidates that none beats, best first; and the last ones to be eliminated, best first."""
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
    """Whether one is significantly better by one measure, and not significantly worse by the other."""
    reads, loses = _reads_better(one, other), _loses_less(one, other)
    return (reads and not _loses_less(other, one)) or (loses and not _reads_better(other, one))


def _read(fit: Fit, one: Standing, data: Images, card: Card, engine: str, device: str, count: int) -> Standing:
    """Evaluate a candidate on further images, up to `count` in all."""
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
    """Whether a candidate classifies significantly more images correctly than another."""
    only_leader = int(np.count_nonzero(leader.right & ~other.right))
    only_other = int(np.count_nonzero(other.right & ~leader.right))
    return only_leader - only_other > CLEARLY * sqrt(only_leader + only_other)


def _loses_less(leader: Standing, other: Standing) -> bool:
    """Whether a candidate has a significantly smaller cross-entropy."""
    more = other.losses - leader.losses
    return float(more.mean()) > CLEARLY * float(more.std()) / sqrt(len(more))
