"""A model that reads, trained on through lattices: its data, its weights, its card."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lenet5 import metrics
from lenet5.data import datasets
from lenet5.data.batches import Examples
from lenet5.data.datasets import Images
from lenet5.data.made.rough_digits import KEPT_OF
from lenet5.engines.contract import Engine, Float
from lenet5.engines.scoring import count_correct, score_all
from lenet5.errors import ModelError
from lenet5.lattice_training.examples import numbers, words
from lenet5.lattice_training.train import Pass, Schedule, check_engine, trained
from lenet5.models.calibration import calibrated
from lenet5.models.model import Model
from lenet5.recipes import catalogue
from lenet5.spec.digits import NOT_A_DIGIT

RECIPE = "digits"  # its single images and their distortion
COUNT = 3000  # numbers
NUMBERS_TO_A_WORD = 4
SEED = 1998  # of their pictures


def refined(
    model: Model, engine: Engine, schedule: Schedule, *, count: int = COUNT, data_folder: Path | None = None,
    report: Callable[[Pass], None] = lambda _: None,
) -> Model:  # fmt: skip
    """Return a model of the classes of `digits` after training through lattices and on single images.

    count  pictures of numbers; a fourth as many of words and textures join them

    Test accuracy and calibration of its card are measured anew, on single images that it was not trained on. Raises
    ModelError for other classes, EngineError for another engine than native and numpy, DataNotFoundError without MNIST.
    """
    check_engine(engine)  # before the numbers are made, which takes minutes
    recipe = catalogue.load(RECIPE)
    if model.card.class_names != datasets.class_names(recipe.data):
        raise ModelError(f'lattices need a model of ten digits and "{NOT_A_DIGIT}", as `{RECIPE}` is.')
    mnist = datasets.load("mnist", "train", data_folder)
    made = list(numbers(mnist.cut(0, len(mnist) - len(mnist) // KEPT_OF, "train"), count, SEED))
    made += words(count // NUMBERS_TO_A_WORD, SEED)
    singles = datasets.load(recipe.data, "train", data_folder)
    weights = trained(model, made, singles, engine, schedule, recipe.distortion, report)
    return with_new_card(replace(model, weights=weights), engine, data_folder)


def with_new_card(model: Model, engine: Engine, data_folder: Path | None) -> Model:
    """Return a model whose card gives accuracy and calibration of its present weights."""
    name = catalogue.load(RECIPE).data
    test, kept = (datasets.load(name, part, data_folder) for part in ("test", "validation"))
    correct = count_correct(_scores(model, test, engine), test.labels)
    calibration = calibrated(
        _scores(model, kept, engine), kept.labels,
        images=f"{len(kept.labels):,} images of {name} kept from training",
        none=kept.class_names.index(NOT_A_DIGIT),
    )  # fmt: skip
    accuracy = metrics.accuracy_percent(correct, len(test.labels))
    card = model.card.model_copy(update={"test_accuracy_percent": accuracy, "calibration": calibration})
    return replace(model, card=card)


def _scores(model: Model, images: Images, engine: Engine) -> Float:
    scorer = engine.scorer(model.architecture, model.weights)
    return score_all(scorer, Examples(images.images, images.labels, model.preparation))
