"""Single images: the network of 1998, one step for each pattern, and second derivatives for every network."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lenet5.data.batches import Examples, examples_for_epoch
from lenet5.data.datasets import load
from lenet5.engines.initial import first_weights
from lenet5.engines.native.network import NativeEngine, NativeNetwork
from lenet5.recipes import catalogue
from lenet5.spec.initial import LeCun1998
from lenet5.spec.optimizer import Optimizer, Sdlm, Sgd

RECIPE = catalogue.load("lecun-1998")
SMALL_ENOUGH = LeCun1998(gain=1.0, exponent=0.5)  # of the first weights, to learn from the first pattern on


def network(optimizer: Optimizer = RECIPE.optimizer, frozen: tuple[str, ...] = ()) -> NativeNetwork:
    weights = first_weights(RECIPE.architecture, SMALL_ENOUGH, seed=1)
    return NativeEngine().build(RECIPE.architecture, weights, RECIPE.objective, optimizer, frozen=frozen)


def made_examples(random: np.random.Generator, count: int = 60) -> Examples:
    images = random.integers(0, 256, (count, 28, 28), np.uint8)
    return Examples(images, random.integers(0, 10, count), RECIPE.preparation)


def with_rates(network: NativeNetwork, examples: Examples) -> NativeNetwork:
    """Give each weight the rate that its second derivative asks for."""
    curvature = network.curvature(examples.inputs(np.arange(min(len(examples.labels), 100))))
    network.load(network.weights(), {f"curvature.{name}": array for name, array in curvature.items()})
    network.hold(examples)
    return network


def one_by_one(start: int, stop: int) -> list[NDArray[np.int64]]:
    return [np.array([index]) for index in range(start, stop)]


@pytest.mark.parametrize("name", ["archaeology", "sigmoid-fashion", "lecun-1998"])
def test_second_derivatives_are_finite_and_not_negative(name: str, random: np.random.Generator) -> None:
    recipe = catalogue.load(name)
    weights = first_weights(recipe.architecture, SMALL_ENOUGH, seed=1)
    network = NativeEngine().build(recipe.architecture, weights, recipe.objective, recipe.optimizer)
    curvature = network.curvature(random.normal(size=(5, *recipe.architecture.input)).astype(np.float32))
    assert curvature.keys() == weights.keys()
    for array in curvature.values():
        assert np.isfinite(array).all()
        assert (array >= 0).all()
        assert array.max() > 0


TRAINED = """
import hashlib, numpy as np
from lenet5.data.batches import Examples
from lenet5.engines.initial import first_weights
from lenet5.engines.native.network import NativeEngine
from lenet5.recipes import catalogue
recipe = catalogue.load("lecun-1998")
weights = first_weights(recipe.architecture, recipe.initial, seed=1)
network = NativeEngine().build(recipe.architecture, weights, recipe.objective, recipe.optimizer)
random = np.random.default_rng(0)
examples = Examples(random.integers(0, 256, (60, 28, 28), np.uint8), random.integers(0, 10, 60), recipe.preparation)
curvature = network.curvature(examples.inputs(np.arange(60)))
network.load(weights, {f"curvature.{name}": array for name, array in curvature.items()})
network.hold(examples)
losses = network.train([np.array([index]) for index in range(60)], 1e-5).losses
print(hashlib.sha256(b"".join(array.tobytes() for array in [*network.weights().values(), losses])).hexdigest())
"""


def test_steps_of_one_image_do_not_depend_on_the_number_of_threads() -> None:
    said = set()
    for threads in ("1", "2", "3"):
        environment = os.environ | {"OMP_NUM_THREADS": threads}
        said.add(subprocess.check_output([sys.executable, "-c", TRAINED], env=environment, text=True))
    assert len(said) == 1


def test_single_images_teach_it(small_mnist: Path) -> None:
    data = load("mnist", "train", small_mnist)
    net = with_rates(network(), Examples(data.images, data.labels, RECIPE.preparation))
    steps = net.train(one_by_one(0, 2000), 0.0002)
    assert steps.losses[-500:].mean() < steps.losses[:500].mean() / 2
    assert steps.correct[-500:].mean() > 0.8


def test_weights_and_rates_travel_to_another_network(random: np.random.Generator) -> None:
    examples = made_examples(random)
    first = with_rates(network(), examples)
    first.train(one_by_one(0, 30), 0.0005)
    second = network()
    second.hold(examples)
    second.load(first.weights(), first.state())
    for net in (first, second):
        net.train(one_by_one(30, 60), 0.0005)
    for ours, theirs in ((first.weights(), second.weights()), (first.state(), second.state())):
        assert ours.keys() == theirs.keys()
        for name, array in ours.items():
            np.testing.assert_array_equal(array, theirs[name])


def test_the_state_begins_with_zeros() -> None:
    state = network().state()
    assert list(state) == [f"curvature.{name}" for name in RECIPE.architecture.parameter_shapes]
    assert not any(array.any() for array in state.values())


@pytest.mark.parametrize("batch_size", [1, 7])
def test_missing_connections_and_frozen_layers_stay_as_they_are(batch_size: int, random: np.random.Generator) -> None:
    net = with_rates(network(frozen=("S2", "C5")), made_examples(random))
    before = net.weights()
    net.train([np.arange(i, i + batch_size) for i in range(0, 56, batch_size)], 0.0005)
    for name, after in net.weights().items():
        if name.startswith(("S2", "C5")):
            np.testing.assert_array_equal(after, before[name])
        elif name != "C3.weight":
            assert (after != before[name]).all(), name
    missing = before["C3.weight"] == 0
    assert missing.sum() == 25 * (6 * 16 - 60)
    np.testing.assert_array_equal(net.weights()["C3.weight"] == 0, missing)


def test_scores_do_not_depend_on_the_neighbours_of_an_image(random: np.random.Generator) -> None:
    inputs = random.normal(size=(37, *RECIPE.architecture.input)).astype(np.float32)
    net = network()
    together = net.scores(inputs)
    for start, count in ((0, 1), (7, 5), (3, 30)):
        np.testing.assert_array_equal(net.scores(inputs[start : start + count]), together[start : start + count])


@pytest.mark.parametrize("optimizer", [Sgd(learning_rate=0.001), Sgd(learning_rate=0.001, momentum=0.5)])
def test_one_batch_is_the_sum_of_its_images(optimizer: Optimizer, random: np.random.Generator) -> None:
    examples = made_examples(random)
    net = network(optimizer)
    inputs = examples.inputs(np.arange(9))
    loss, together = net.gradients(inputs, examples.labels[:9])
    alone = [net.gradients(inputs[i : i + 1], examples.labels[i : i + 1]) for i in range(9)]
    assert loss == pytest.approx(np.mean([own for own, _ in alone]), rel=1e-6)
    for name, array in together.items():
        mean = np.mean([gradients[name] for _, gradients in alone], axis=0)
        np.testing.assert_allclose(array, mean, atol=1e-5 * np.abs(mean).max())  # float32, another order of the sums


@pytest.mark.parametrize("flip", ["none", "horizontal", "vertical"])
@pytest.mark.parametrize("size", [["preparation.padding=0"], ["preparation.padding=2"], ["preparation.resize=32"]])
def test_bytes_become_the_same_inputs_as_in_python(small_mnist: Path, flip: str, size: list[str]) -> None:
    side = 28 if size[0].endswith("0") else 32
    recipe = catalogue.load(
        "archaeology",
        overrides=[*size, f"architecture.input=[1,{side},{side}]", f'preparation.flip="{flip}"', "preparation.ink=2.5"],
    )
    data = load("mnist", "train", small_mnist)
    examples = examples_for_epoch(Examples(data.images, data.labels, recipe.preparation), seed=1, epoch=1)
    weights = first_weights(recipe.architecture, recipe.initial, seed=1)
    net = NativeEngine().build(recipe.architecture, weights, recipe.objective, Sdlm(learning_rate=1.0))
    net.hold(examples)
    losses = net.train(one_by_one(0, 20), 0.0).losses
    expected = [net.gradients(examples.inputs(i), data.labels[i])[0] for i in one_by_one(0, 20)]
    np.testing.assert_allclose(losses, expected, rtol=1e-6)
