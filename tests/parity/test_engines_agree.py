"""The same parameters in every engine give the same scores, losses, gradients and updated parameters."""

import numpy as np
import pytest

from lenet5.data.batches import Examples
from lenet5.engines import registry
from lenet5.engines.contract import Float, Network, Precision
from lenet5.engines.initial import first_weights
from lenet5.recipes import catalogue
from lenet5.spec.initial import Pytorch
from lenet5.spec.layers import Rbf
from lenet5.spec.optimizer import Adam, Optimizer, Sgd
from lenet5.spec.recipe import Recipe

OPTIMIZERS: list[Optimizer] = [
    Sgd(learning_rate=0.01),
    Sgd(learning_rate=0.01, momentum=0.9, weight_decay=1e-3),
    Adam(weight_decay=1e-3),
]
# float64: rounding alone. float32: 24 bits over sums of up to 576 terms, and ten steps that build on each other.
TOLERANCES: dict[Precision, float] = {"float64": 1e-9, "float32": 1e-4}


def made_examples(recipe: Recipe) -> Examples:
    """Return eighty made images, smooth blobs of ink: neighbouring pixels are alike, as in digits."""
    random = np.random.default_rng(7)
    noise = np.cumsum(np.cumsum(random.normal(size=(80, 28, 28)), axis=1), axis=2)
    images = np.clip(128 + 8 * noise, 0, 255).astype(np.uint8)
    # In float32 the sums of raw pixels, 0 to 255, would say more about rounding than about the engines.
    preparation = recipe.preparation.centred(100.0).model_copy(update={"background": -1.0, "ink": 1.0})
    return Examples(images, random.integers(0, 10, 80), preparation)


# The native engine computes in float32 only; there it is held against NumPy in the same way.
OTHERS: list[tuple[str, Precision]] = [("torch", "float64"), ("torch", "float32"), ("native", "float32")]


def pair(recipe: Recipe, optimizer: Optimizer, other: str, precision: Precision) -> list[Network]:
    # Small first weights, not the recipe's rule: with 003's (loss of hundreds) float32 errors would be amplified.
    weights = first_weights(recipe.architecture, Pytorch(), seed=3)
    return [
        registry.get(name).build(
            recipe.architecture,
            weights,
            recipe.objective,
            optimizer,
            frozen=recipe.frozen,
            precision=precision,
        )
        for name in ("numpy", other)
    ]


def assert_close(ours: Float, theirs: Float, tolerance: float, what: str) -> None:
    assert ours.shape == theirs.shape, what
    scale = np.abs(ours).max() + 1e-12
    assert np.abs(ours - theirs).max() <= tolerance * max(scale, 1e-3), what


@pytest.mark.parametrize("name", catalogue.names())
@pytest.mark.parametrize(("other", "precision"), OTHERS)
def test_scores_activations_losses_and_gradients(name: str, other: str, precision: Precision) -> None:
    recipe = catalogue.load(name)
    examples = made_examples(recipe)
    inputs, labels = examples.inputs(np.arange(20)), examples.labels[:20]
    first, second = pair(recipe, recipe.optimizer, other, precision)
    tolerance = TOLERANCES[precision]
    theirs = second.activations(inputs)
    for layer, output in first.activations(inputs).items():
        assert_close(output, theirs[layer], tolerance, layer)
    (loss, gradients), (their_loss, their_gradients) = (n.gradients(inputs, labels) for n in (first, second))
    assert loss == pytest.approx(their_loss, rel=tolerance)
    assert gradients.keys() == their_gradients.keys()
    for key, gradient in gradients.items():
        assert_close(gradient, their_gradients[key], tolerance, key)


@pytest.mark.parametrize("name", catalogue.names())
@pytest.mark.parametrize(("other", "precision"), OTHERS)
def test_curvature(name: str, other: str, precision: Precision) -> None:
    recipe = catalogue.load(name)
    examples = made_examples(recipe)
    inputs = examples.inputs(np.arange(20))
    ours, theirs = (network.curvature(inputs) for network in pair(recipe, recipe.optimizer, other, precision))
    assert ours.keys() == theirs.keys()
    for key, array in ours.items():
        assert_close(array, theirs[key], TOLERANCES[precision], key)
        assert array.min() >= 0


@pytest.mark.parametrize(("other", "precision"), OTHERS)
def test_a_rate_for_each_weight(other: str, precision: Precision) -> None:
    """Ten patterns of lecun-1998, one by one, each engine with its own estimate of the second derivatives."""
    recipe = catalogue.load("lecun-1998")
    examples = made_examples(recipe)
    networks = pair(recipe, recipe.optimizer, other, precision)
    outcomes = []
    for network in networks:
        curvature = network.curvature(examples.inputs(np.arange(40)))
        network.load(network.weights(), {f"curvature.{name}": array for name, array in curvature.items()})
        network.hold(examples)
        outcomes.append(network.train([np.array([i]) for i in range(10)], recipe.optimizer.learning_rate))
    assert_close(outcomes[0].losses, outcomes[1].losses, TOLERANCES[precision], "losses")
    ours, theirs = (network.weights() for network in networks)
    for key, array in ours.items():
        assert_close(array, theirs[key], TOLERANCES[precision], key)


@pytest.mark.parametrize("name", catalogue.names())
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=["sgd", "momentum and decay", "adam"])
@pytest.mark.parametrize(("other", "precision"), OTHERS)
def test_ten_training_steps(name: str, optimizer: Optimizer, other: str, precision: Precision) -> None:
    recipe = catalogue.load(name, overrides=["objective.reduction=mean"])
    batches = [np.arange(8 * i, 8 * i + 8) for i in range(9)] + [np.arange(72, 77)]  # the last is smaller
    networks = pair(recipe, optimizer, other, precision)
    outcomes = []
    # The loss of an rbf layer is a sum of 84 squares: at the full rate it would grow, and every rounding error with it.
    rate = optimizer.learning_rate * (0.1 if isinstance(recipe.architecture.layers[-1], Rbf) else 1)
    for network in networks:
        network.hold(made_examples(recipe))
        outcomes.append(network.train(batches, rate))
    tolerance = TOLERANCES[precision]
    assert_close(outcomes[0].losses, outcomes[1].losses, tolerance, "losses")
    for kind in ("weights", "state"):
        ours, theirs = (getattr(network, kind)() for network in networks)
        assert ours.keys() == theirs.keys()
        for key, array in ours.items():
            # Adam divides by the root of a tiny square: where a gradient is near 0, float32 noise decides its sign.
            slack = 30 if isinstance(optimizer, Adam) and precision == "float32" else 1
            assert_close(array, theirs[key], tolerance * slack, f"{kind} {key}")


@pytest.mark.parametrize(("other", "precision", "tolerance"), [("torch", "float64", 1e-9), ("native", "float32", 3e-3)])
def test_state_travels_between_engines(other: str, precision: Precision, tolerance: float) -> None:
    recipe = catalogue.load("archaeology")
    batches = [np.arange(8 * i, 8 * i + 8) for i in range(6)]
    networks = pair(recipe, Adam(), other, precision)
    for network in networks:
        network.hold(made_examples(recipe))
    networks[0].train(batches[:3], 1e-3)
    networks[1].load(networks[0].weights(), networks[0].state())
    for network in networks:
        network.train(batches[3:], 1e-3)
    ours, theirs = (network.weights() for network in networks)
    for key, array in ours.items():
        assert_close(array, theirs[key], tolerance, key)
