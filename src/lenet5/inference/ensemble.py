"""Several models as one: the mean of their probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from lenet5.engines.contract import Float
from lenet5.errors import ModelError
from lenet5.inference.predictor import Predictor


class Ensemble:
    """Predicts like a single model. The scores are log mean probabilities, so their softmax is the mean."""

    def __init__(self, members: Sequence[Predictor]) -> None:
        """Combine models. Raises ModelError unless all have the same classes."""
        names = {member.model.card.class_names for member in members}
        if len(names) != 1:
            raise ModelError(
                f"the members of an ensemble must have the same classes; these have {len(names)} different sets."
            )
        self.members = tuple(members)

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self.members[0].classes

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes."""
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
