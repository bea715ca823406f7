"""Models to write and to read: one that is trained a little, and those of all recipes with their first weights."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lenet5.data.datasets import Images, load
from lenet5.engines.initial import first_weights
from lenet5.models import file as model_file
from lenet5.models.model import Model
from lenet5.recipes import catalogue
from lenet5.training.train import train


@pytest.fixture(scope="session")
def trained(mnist_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model file of archaeology after 500 steps."""
    plan = catalogue.load("archaeology", overrides=["images=4000", "epochs=1", "batch_size=8"])
    return train(plan, data_folder=mnist_folder, runs_folder=tmp_path_factory.mktemp("runs")).model


@pytest.fixture(scope="session")
def digits(mnist_folder: Path) -> Images:
    """The 10,000 test digits."""
    return load("mnist", "test", mnist_folder)


@pytest.fixture(scope="session")
def untrained(trained: Path) -> Callable[[str], Model]:
    """A recipe's name -> its model with first weights."""

    def of(name: str) -> Model:
        recipe = catalogue.load(name)
        weights = first_weights(recipe.architecture, recipe.initial, 1)
        random = np.random.default_rng(5)
        for biases in (array for array in weights.values() if array.ndim == 1):
            biases += random.normal(0, 0.05, biases.shape).astype(np.float32)  # many rules begin with zeros
        if name == "sigmoid-fashion":  # whose first weights let hardly anything of an image through
            weights = {part: array * np.float32(10 if array.ndim > 1 else 1) for part, array in weights.items()}
        card = model_file.read(trained).card
        return Model(recipe.architecture, recipe.preparation.centred(33.3), weights, card)

    return of
