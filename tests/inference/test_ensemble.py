"""Several models as one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lenet5 import api, metrics
from lenet5.data.datasets import load
from lenet5.errors import ModelError
from lenet5.inference.ensemble import Ensemble
from lenet5.inference.predictor import Predictor


@pytest.fixture(scope="module")
def runs(small_mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    return [
        api.train("archaeology", epochs=1, seed=seed, runs_folder=folder, data_folder=small_mnist).path
        for seed in (1, 2)
    ]


def test_it_answers_by_the_mean_of_the_probabilities(runs: list[Path], small_mnist: Path) -> None:
    members = [api.load(run) for run in runs]
    data = load("mnist", "test", small_mnist)
    together = Ensemble(members)
    expected = (members[0].probabilities(data.images) + members[1].probabilities(data.images)) / 2
    np.testing.assert_allclose(metrics.softmax(together.scores(data.images)), expected, atol=1e-6)
    outcome = api.evaluate(runs, data_folder=small_mnist)
    assert np.array_equal(outcome.answers, expected.argmax(axis=1))


def test_members_of_other_classes_are_refused(runs: list[Path]) -> None:
    one = api.load(runs[0])
    card = one.model.card.model_copy(update={"class_names": tuple("abcdefghij")})
    with pytest.raises(ModelError, match="must have the same classes"):
        Ensemble([one, Predictor(replace(one.model, card=card))])
