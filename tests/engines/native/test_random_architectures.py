"""Networks that nobody designed: every pair of layer kinds, odd sizes, few images."""

from itertools import pairwise

import numpy as np
import pytest
import random_architectures
from numpy.typing import NDArray
from random_architectures import compare, pairs

from lenet5.engines import registry
from lenet5.engines.contract import Network
from lenet5.engines.initial import first_weights
from lenet5.engines.native.network import NativeEngine
from lenet5.spec.architecture import Architecture
from lenet5.spec.initial import He
from lenet5.spec.layers import Activation, BatchNormalization, Convolution, Dense, Flatten, MaxPool
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Sgd

ENGINES = ("native", "torch")


def test_every_pair_of_layer_kinds_is_drawn() -> None:
    drawn = [random_architectures.case(number).architecture.layers for number in range(len(pairs()))]
    for number, pair in enumerate(pairs()):
        assert pair in [(a.kind, b.kind) for a, b in pairwise(drawn[number])]


def test_all_engines_agree_on_random_architectures() -> None:
    compared, found = compare(range(100, 100 + len(pairs())), ENGINES, seconds=25)
    assert compared > 0
    assert not found, "\n".join(found)


@pytest.mark.slow
def test_all_engines_agree_on_two_thousand_random_architectures() -> None:
    _, found = compare(range(10_000, 12_000), ENGINES, seconds=1200)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", ["numpy", "native", "torch"])
def test_one_image_of_a_network_that_is_not_yet_folded(name: str) -> None:
    layers = (Convolution(name="C0", maps=33), BatchNormalization(name="B1"), Flatten(), Dense(name="output", units=10))
    plan = Architecture(input=(1, 30, 30), layers=layers)
    network = registry.get(name).build(plan, first_weights(plan, He(), 1), Objective(), Sgd(learning_rate=0.01))
    inputs = np.random.default_rng(1).normal(size=(9, 1, 30, 30)).astype(np.float32)
    np.testing.assert_allclose(network.scores(inputs[:1]), network.scores(inputs)[:1], atol=1e-4)  # 22,308 terms


def numpy_and_native(plan: Architecture) -> list[Network]:
    """Return a network of the same first weights in each of the two engines."""
    return [
        registry.get(name).build(plan, first_weights(plan, He(), 1), Objective(), Sgd(learning_rate=0.01))
        for name in ("numpy", "native")
    ]


def agree_on_scores(plan: Architecture, images: int) -> tuple[list[Network], NDArray[np.float32]]:
    """Compare the scores of two new networks; return them and the images, (N, *input)."""
    first, second = numpy_and_native(plan)
    inputs = np.random.default_rng(1).normal(size=(images, *plan.input)).astype(np.float32)
    np.testing.assert_allclose(second.scores(inputs), first.scores(inputs), atol=1e-5)  # float32, up to 72 terms
    return [first, second], inputs


def test_a_pool_of_one_behind_a_kernel_that_covers_its_input() -> None:
    layers = (
        Convolution(name="C1", kernel=6, maps=5),
        MaxPool(name="P1", size=1),
        Flatten(),
        Dense(name="F1", units=3),
    )
    agree_on_scores(Architecture(input=(1, 6, 6), layers=layers), images=3)


def test_a_margin_behind_a_kernel_that_covers_its_input() -> None:
    layers = (
        Convolution(name="C1", kernel=5, maps=8),
        Activation(function="tanh"),
        Convolution(name="C2", kernel=3, maps=3, padding=1),
        Flatten(),
        Dense(name="output", units=10),
    )
    networks, inputs = agree_on_scores(Architecture(input=(1, 5, 5), layers=layers), images=17)
    (_, expected), (_, found) = (network.gradients(inputs, np.arange(17) % 10) for network in networks)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=1e-5)


def test_one_image_leaves_a_normalized_network_where_it_is() -> None:
    """One image has no variance: what is normalised is exactly 0, where the slope of relu is 0, too."""
    layers = (
        Flatten(),
        Dense(name="D1", units=9),
        BatchNormalization(name="B1"),
        Activation(function="relu"),
        Dense(name="output", units=10),
    )
    plan = Architecture(input=(1, 8, 8), layers=layers)
    network = NativeEngine().build(plan, first_weights(plan, He(), 1), Objective(), Sgd(learning_rate=0.01))
    inputs = np.random.default_rng(1).normal(size=(1, 1, 8, 8)).astype(np.float32)
    _, gradients = network.gradients(inputs, np.array([3]))
    for name in ("D1.weight", "D1.bias", "B1.weight", "B1.bias"):
        assert not gradients[name].any()
