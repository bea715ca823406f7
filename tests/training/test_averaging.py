"""Averaged weights: the mean over the last epochs, in the model file and in the scores, also after a stop."""

from pathlib import Path

import numpy as np
import pytest
from interrupted import interrupted

from lenet5 import api
from lenet5.models import file as model_file
from lenet5.training import checkpoint

OVERRIDES = {"images": 500, "epochs": 4, "averaged_epochs": 3}


def train(tmp_path: Path, small_mnist: Path, **changes: object) -> Path:
    overrides = OVERRIDES | changes
    return api.train("archaeology", overrides=overrides, runs_folder=tmp_path, data_folder=small_mnist).path


def test_the_model_is_the_mean_of_the_last_epochs(tmp_path: Path, small_mnist: Path) -> None:
    ends = [
        model_file.read(
            train(tmp_path / str(epochs), small_mnist, epochs=epochs, averaged_epochs=0) / "model.safetensors"
        )
        for epochs in (2, 3, 4)
    ]
    run = train(tmp_path / "mean", small_mnist)
    model = model_file.read(run / "model.safetensors")
    for name, array in model.weights.items():
        np.testing.assert_allclose(array, np.mean([end.weights[name] for end in ends], axis=0), atol=1e-6)
    scored = api.evaluate(run, data_folder=small_mnist).accuracy_percent
    assert scored == pytest.approx(model.card.test_accuracy_percent)


def test_a_stopped_run_averages_the_same_epochs(tmp_path: Path, small_mnist: Path) -> None:
    whole = train(tmp_path, small_mnist)
    cut = interrupted(whole, tmp_path / "cut")
    newest = max((cut / "checkpoints").iterdir(), key=lambda path: int(path.name.rsplit("-", 1)[1]))
    found = checkpoint.read(newest)
    assert len(found.sums) == len(found.weights)
    api.resume(cut, data_folder=small_mnist)
    first, second = (model_file.read(run / "model.safetensors").weights for run in (whole, cut))
    assert all(array.tobytes() == second[name].tobytes() for name, array in first.items())
