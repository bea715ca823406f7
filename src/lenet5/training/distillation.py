"""The teachers' probabilities for the images of an epoch, as targets for the student."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lenet5 import metrics
from lenet5.data.batches import Examples
from lenet5.engines.contract import Engine, Scorer
from lenet5.engines.scoring import score_all
from lenet5.models.model import Model
from lenet5.spec.teacher import Teacher


class Distillation:
    """Targets computed from the scores of trained networks, the teachers."""

    def __init__(self, teacher: Teacher, models: Sequence[Model], engine: Engine) -> None:
        self._teacher = teacher
        self._networks: list[tuple[Scorer, Model]] = [
            (engine.scorer(model.architecture, model.weights), model) for model in models
        ]

    def with_targets(self, examples: Examples) -> Examples:
        """Return the examples with targets: the teachers' mean probabilities, and the label's share."""
        classes = self._networks[0][1].architecture.classes
        total = np.zeros((len(examples.labels), classes))
        for network, model in self._networks:
            scores = score_all(network, replace(examples, preparation=model.preparation))
            total += metrics.softmax(scores.astype(np.float64) / self._teacher.temperature)
        targets = self._teacher.share * total / len(self._networks)
        targets[np.arange(len(targets)), examples.labels] += 1 - self._teacher.share
        return replace(examples, targets=targets.astype(np.float32))
