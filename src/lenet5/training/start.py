"""Training that starts from a model's weights: the recipe that fits the model, and the first weights."""

from pathlib import Path

from lenet5.data.datasets import class_names
from lenet5.engines.contract import Weights
from lenet5.engines.initial import first_weights
from lenet5.models import shipped
from lenet5.models.model import Model
from lenet5.spec.recipe import Recipe


def started_from(recipe: Recipe, model: str) -> Recipe:
    """Return a recipe that trains a model on: its network and preparation, with an output for each class of the data.

    model  a shipped model's name, a model file or a run folder

    Raises ModelError, DataError.
    """
    found = shipped.find(model)
    classes = len(class_names(recipe.data))
    tree = recipe.model_dump() | {
        "start_from": model if shipped.is_shipped(Path(model)) else str(Path(model).resolve()),
        "architecture": found.architecture.with_classes(classes),
        "preparation": found.preparation,
    }
    return Recipe.model_validate(tree)


def weights_to_start(recipe: Recipe, model: Model | None, seed: int) -> Weights:
    """Return the first weights: drawn, and those of the model to start from in every array that has its size there."""
    weights = first_weights(recipe.architecture, recipe.initial, seed)
    for name, array in model.weights.items() if model else ():
        if name in weights and weights[name].shape == array.shape:
            weights[name] = array.copy()
    return weights
