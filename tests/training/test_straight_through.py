"""Quantization-aware training: weights stay on the grid, small updates are not lost, a stopped run goes on alike."""

from pathlib import Path

import numpy as np
import pytest
from interrupted import interrupted

from lenet5 import api
from lenet5.data.batches import Examples
from lenet5.data.datasets import load
from lenet5.engines import registry
from lenet5.engines.initial import first_weights
from lenet5.errors import Lenet5Error
from lenet5.models import file as model_file
from lenet5.models import grid
from lenet5.recipes import catalogue
from lenet5.training import checkpoint
from lenet5.training.straight_through import EXACT, StraightThrough

OVERRIDES = {"images": 300, "epochs": 3, "quantized_weights": "int4"}


def train(tmp_path: Path, small_mnist: Path) -> Path:
    return api.train("archaeology", overrides=OVERRIDES, runs_folder=tmp_path, data_folder=small_mnist).path


def test_the_model_has_weights_of_four_bits_and_the_accuracy_on_its_card(tmp_path: Path, small_mnist: Path) -> None:
    run = train(tmp_path, small_mnist)
    model = model_file.read(run / "model.safetensors")
    for name, array in grid.rounded(model.architecture, model.weights, "int4").items():
        np.testing.assert_array_equal(array, model.weights[name], err_msg=name)
    e = grid.exponents(model.weights["C5.weight"], 7)
    assert set(np.unique(grid.numbers(model.weights["C5.weight"], e, 7))) <= set(range(-7, 8))
    scored = api.evaluate(run, data_folder=small_mnist).accuracy_percent
    assert scored == pytest.approx(model.card.test_accuracy_percent)


def test_a_stopped_run_ends_with_the_same_weights(tmp_path: Path, small_mnist: Path) -> None:
    whole = train(tmp_path, small_mnist)
    cut = interrupted(whole, tmp_path / "cut")
    newest = max((cut / "checkpoints").iterdir(), key=lambda path: int(path.name.rsplit("-", 1)[1]))
    assert any(name.startswith(EXACT) for name in checkpoint.read(newest).state)
    api.resume(cut, data_folder=small_mnist)
    first, second = (model_file.read(run / "model.safetensors").weights for run in (whole, cut))
    assert all(array.tobytes() == second[name].tobytes() for name, array in first.items())


def test_a_step_moves_the_exact_weights_by_the_update_at_the_rounded_ones(small_mnist: Path) -> None:
    recipe, images = catalogue.load("archaeology"), load("mnist", "train", small_mnist)
    weights = first_weights(recipe.architecture, recipe.initial, 1)
    rounded = grid.rounded(recipe.architecture, weights, "int4")
    engine = registry.get("numpy")
    plain = engine.build(recipe.architecture, rounded, recipe.objective, recipe.optimizer)
    network = StraightThrough(engine.build(recipe.architecture, weights, recipe.objective, recipe.optimizer), "int4")
    batches = [np.arange(16)]
    for each in (plain, network):
        each.hold(Examples(images.images, images.labels, recipe.preparation))
        each.train(batches, 0.01)
    for name, after in plain.weights().items():
        exact = network.state()[EXACT + name]
        np.testing.assert_allclose(exact - weights[name], after - rounded[name], atol=1e-7, err_msg=name)  # float32
        assert (exact != weights[name]).any()


@pytest.mark.parametrize("name", ["modern", "lecun-1998"])
def test_averaging_and_second_derivatives_which_leave_the_grid_are_refused(name: str) -> None:
    with pytest.raises(Lenet5Error, match="`quantized_weights` must stay rounded"):
        catalogue.load(name, ['quantized_weights="int4"'])
