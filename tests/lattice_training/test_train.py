"""Steps on numbers: the engine's update is the gradient of the numbers' loss."""

import numpy as np
import pytest

from lenet5.data.datasets import Images, load
from lenet5.data.made import strings
from lenet5.engines import registry
from lenet5.errors import EngineError
from lenet5.inference.predictor import Predictor
from lenet5.lattice_training.examples import Example, segmented
from lenet5.lattice_training.gradient import loss_and_gradient
from lenet5.lattice_training.refined import refined
from lenet5.lattice_training.train import Pass, Schedule, trained
from lenet5.models import shipped
from lenet5.models.model import Model

COLUMNS = list(range(10))


@pytest.fixture(scope="module")
def numbers(mnist_folder) -> list[Example]:
    """Three numbers of touching digits that the shipped model does not find easy."""
    data = load("mnist", "train", mnist_folder)
    made = [strings.made_string(data, 0, "plain", place, seed=5, length=3) for place in range(3)]
    return [segmented(each.image, each.label, len(each.digits)) for each in made]


@pytest.fixture(scope="module")
def singles(mnist_folder) -> Images:
    return load("mnist", "train", mnist_folder).cut(0, 100, "train")


def mean_loss(model: Model, weights: dict[str, np.ndarray], numbers: list[Example]) -> float:
    """The mean over the digits."""
    scorer = Predictor(Model(model.architecture, model.preparation, weights, model.card), engine="numpy")
    losses = [loss_and_gradient(each.lattice, scorer.scores(each.images), each.label, COLUMNS)[0] for each in numbers]
    return sum(losses) / sum(len(each.label) for each in numbers)


@pytest.mark.parametrize("engine", ["numpy", "native"])
def test_a_small_step_lowers_the_loss_as_its_gradient_promises(numbers, singles, engine: str) -> None:
    model = shipped.read("digits")
    rate = 1e-4
    one = Schedule(passes=1, numbers=3, singles=0, learning_rate=2 * rate, momentum=0.0, weight_decay=0.0)
    moved = trained(model, numbers, singles, registry.get(engine, "cpu"), one, None)  # half-way down a cosine
    squared = sum(float(np.square(moved[name].astype(np.float64) - model.weights[name]).sum()) for name in moved)
    fallen = mean_loss(model, model.weights, numbers) - mean_loss(model, moved, numbers)
    assert fallen == pytest.approx(squared / rate, rel=0.05)  # the curvature's share is of the order of the rate


def test_training_is_repeated_byte_for_byte_and_reads_better(numbers, singles) -> None:
    model, seen = shipped.read("digits"), []
    plan = Schedule(passes=3, numbers=2, singles=16)
    once, again = (
        trained(model, numbers, singles, registry.get("numpy", "cpu"), plan, None, seen.append) for _ in range(2)
    )
    assert all((once[name] == again[name]).all() for name in once)
    assert seen[:3] == seen[3:] == [Pass(number, each.loss) for number, each in enumerate(seen[:3], 1)]
    assert mean_loss(model, once, numbers) < mean_loss(model, model.weights, numbers)


def test_an_engine_that_scales_the_gradient_is_refused_before_numbers_are_made() -> None:
    pytest.importorskip("torch")
    with pytest.raises(EngineError, match="take --engine native or numpy"):
        refined(shipped.read("digits"), registry.get("torch", "cpu"), Schedule())
