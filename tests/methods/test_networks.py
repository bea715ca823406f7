"""Networks trained on any images are those that `lenet5 train` makes."""

from pathlib import Path

import numpy as np

from lenet5.data.batches import Examples
from lenet5.data.datasets import load
from lenet5.methods.networks import features, scored, trained
from lenet5.methods.run import of_model
from lenet5.models.file import read
from lenet5.recipes import catalogue
from lenet5.training.train import train


def test_the_weights_are_those_of_a_run(small_mnist: Path, tmp_path: Path) -> None:
    recipe = catalogue.load("lenet-4", ["epochs=2"])
    run = train(recipe, runs_folder=tmp_path, data_folder=small_mnist)
    model = read(run.path / "model.safetensors")
    digits = load("mnist", "train", small_mnist)
    network = trained(recipe, np.asarray(digits.images), digits.labels, 1)
    for name, array in network.weights().items():
        assert (array == model.weights[name]).all(), name
    test = load("mnist", "test", small_mnist)
    result = of_model(model, 1.0, small_mnist)
    wrong = scored(network, recipe, test.images).argmax(axis=1) != test.labels
    assert result.errors == np.count_nonzero(wrong)
    assert (result.multiply_adds, result.memory) == (264_386, 17_090)
    last = network.activations(Examples(test.images, test.labels, recipe.preparation).inputs(np.arange(3)))
    assert np.allclose(features(network, recipe, test.images[:3]), last["F5.scaled_tanh"].reshape(3, 120), atol=1e-5)
