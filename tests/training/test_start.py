"""Training that starts from a model's weights, with layers that stay as they are."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lenet5
from lenet5.data import datasets
from lenet5.errors import ModelError, RecipeError, RunError
from lenet5.models import file as model_file
from lenet5.models import shipped


@pytest.fixture(scope="module")
def three_classes(tmp_path_factory: pytest.TempPathFactory, mnist_folder: Path) -> Path:
    """Ten images each of three classes of MNIST's test set."""
    folder = tmp_path_factory.mktemp("own")
    data = datasets.load("mnist", "test", mnist_folder)
    for label in (1, 2, 3):
        (folder / str(label)).mkdir()
        for index in np.flatnonzero(data.labels == label)[:10]:
            Image.fromarray(data.images[index]).save(folder / str(label) / f"{index}.png")
    return folder


def test_the_first_weights_are_the_models_and_frozen_layers_keep_them(three_classes: Path, tmp_path: Path) -> None:
    run = lenet5.train(
        "archaeology", data=three_classes, start_from="modern", freeze=("C1", "C3"), epochs=2, runs_folder=tmp_path
    )
    before, after = shipped.read("modern"), model_file.read(run.model)
    assert after.preparation == before.preparation
    assert after.architecture.classes == 3
    for name in ("C1.weight", "C1.bias", "C3.weight", "C3.bias"):
        assert np.array_equal(after.weights[name], before.weights[name])
    assert not np.array_equal(after.weights["C5.weight"], before.weights["C5.weight"])
    assert np.abs(after.weights["C5.weight"] - before.weights["C5.weight"]).max() < 0.1  # it started there


def test_a_last_layer_of_the_same_size_is_kept(small_mnist: Path, tmp_path: Path) -> None:
    run = lenet5.train("archaeology", start_from="modern", epochs=1, overrides={"optimizer.learning_rate": 1e-5},
                       data_folder=small_mnist, runs_folder=tmp_path)  # fmt: skip
    assert run.result()["test_accuracy_percent"] > 98  # as good as before: nothing began anew


def test_a_run_starts_from_another_run_and_resumes_only_from_the_same_weights(
    three_classes: Path, tmp_path: Path
) -> None:
    first = lenet5.train("archaeology", data=three_classes, epochs=1, runs_folder=tmp_path / "a")
    second = lenet5.train(
        "archaeology", data=three_classes, start_from=first.path, epochs=1, runs_folder=tmp_path / "b"
    )
    second.model.unlink()
    again = lenet5.resume(second.path)
    assert again.is_whole()
    model = model_file.read(first.model)
    model.weights["C1.bias"][0] += 1
    model_file.write(model, first.model)
    with pytest.raises(RunError, match="weights to start from"):
        lenet5.resume(second.path)


def test_what_cannot_be_started_from_is_said(small_mnist: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="none"):
        lenet5.train("archaeology", start_from=tmp_path / "none", data_folder=small_mnist, runs_folder=tmp_path)
    with pytest.raises(RecipeError, match="`frozen` names C9; the layers with weights are C1"):
        lenet5.train("archaeology", start_from="modern", freeze=("C9",), data_folder=small_mnist, runs_folder=tmp_path)
