"""Several models as one: the mean of their probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from lenet5.engines.contract import Float
from lenet5.errors import ModelError
from lenet5.inference.predictor import Predictor


class Ensemble:
    """Answers like one model. Its scores are logarithms of the mean probabilities, so their softmax is that mean."""

    def __init__(self, members: Sequence[Predictor]) -> None:
        """Take the members. Raises ModelError unless all tell the same classes apart."""
        names = {member.model.card.class_names for member in members}
        if len(names) != 1:
            raise ModelError(
                f"an ensemble's members tell the same classes apart; these tell {len(names)} sets of them."
            )
        self.members = tuple(members)

    @property
    def classes(self) -> int:
        """How many classes are told apart."""
        return self.members[0].classes

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the classes stand for."""
        return self.members[0].class_names

    @property
    def temperature(self) -> float:
        """1: the members' probabilities are calibrated before their mean is taken."""
        return 1.0

    def scores(self, images: ArrayLike) -> Float:
        """Return the scores (N, classes): large is good."""
        total = sum(member.probabilities(images).astype(np.float64) for member in self.members)
        scores: Float = np.log(np.maximum(total / len(self.members), np.finfo(np.float64).tiny))
        return scores
