"""The same parameters in every engine give the same scores, losses, gradients and updated parameters."""

import numpy as np
import pytest

from lenet5.engines import registry
from lenet5.engines.contract import Float, Network, Precision
from lenet5.engines.initial import first_weights
from lenet5.recipes import catalogue
from lenet5.spec.optimizer import Adam, Optimizer, Sgd
from lenet5.spec.preparation import Preparation
from lenet5.spec.recipe import Recipe

OPTIMIZERS: list[Optimizer] = [
    Sgd(learning_rate=0.01),
    Sgd(learning_rate=0.01, momentum=0.9, weight_decay=1e-3),
    Adam(weight_decay=1e-3),
]
# float64: rounding alone. float32: 24 bits over sums of up to 576 terms, and ten steps that build on each other.
TOLERANCES: dict[Precision, float] = {"float64": 1e-9, "float32": 1e-4}


class MadeExamples:
    """Eighty made images, prepared already: what passes through the door of an engine."""

    def __init__(self, recipe: Recipe) -> None:
        random = np.random.default_rng(7)
        self.images = np.zeros((80, 28, 28), np.uint8)
        self.labels = random.integers(0, 10, 80)
        self.preparation = Preparation()
        # Smooth blobs of ink: neighbouring pixels are alike, as in digits.
        noise = random.normal(size=(80, *recipe.architecture.input))
        self._inputs = (np.cumsum(noise, axis=3) / 3).astype(np.float32)

    def inputs(self, indices: np.ndarray) -> np.ndarray:
        return self._inputs[indices]


def pair(recipe: Recipe, optimizer: Optimizer, precision: Precision) -> list[Network]:
    # Small first weights, not the recipe's rule: with 003's (loss of hundreds) float32 errors would be amplified.
    weights = first_weights(recipe.architecture.parameter_shapes, "pytorch", seed=3)
    return [
        registry.get(name).build(
            recipe.architecture,
            weights,
            recipe.objective,
            optimizer,
            frozen=recipe.frozen,
            precision=precision,
        )
        for name in ("numpy", "torch")
    ]


def assert_close(ours: Float, theirs: Float, tolerance: float, what: str) -> None:
    assert ours.shape == theirs.shape, what
    scale = np.abs(ours).max() + 1e-12
    assert np.abs(ours - theirs).max() <= tolerance * max(scale, 1e-3), what


@pytest.mark.parametrize("name", catalogue.names())
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_scores_activations_losses_and_gradients(name: str, precision: Precision) -> None:
    recipe = catalogue.load(name)
    examples = MadeExamples(recipe)
    inputs, labels = examples.inputs(np.arange(20)), examples.labels[:20]
    first, second = pair(recipe, recipe.optimizer, precision)
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
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=["sgd", "momentum and decay", "adam"])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_ten_training_steps(name: str, optimizer: Optimizer, precision: Precision) -> None:
    recipe = catalogue.load(name, overrides=["objective.reduction=mean"])
    batches = [np.arange(8 * i, 8 * i + 8) for i in range(9)] + [np.arange(72, 77)]  # the last is smaller
    networks = pair(recipe, optimizer, precision)
    outcomes = []
    for network in networks:
        network.hold(MadeExamples(recipe))
        outcomes.append(network.train(batches, optimizer.learning_rate))
    tolerance = TOLERANCES[precision]
    assert_close(outcomes[0].losses, outcomes[1].losses, tolerance, "losses")
    for kind in ("weights", "state"):
        ours, theirs = (getattr(network, kind)() for network in networks)
        assert ours.keys() == theirs.keys()
        for key, array in ours.items():
            # Adam divides by the root of a tiny square: where a gradient is near 0, float32 noise decides its sign.
            slack = 30 if isinstance(optimizer, Adam) and precision == "float32" else 1
            assert_close(array, theirs[key], tolerance * slack, f"{kind} {key}")


def test_state_travels_between_engines() -> None:
    recipe = catalogue.load("archaeology")
    batches = [np.arange(8 * i, 8 * i + 8) for i in range(6)]
    networks = pair(recipe, Adam(), "float64")
    for network in networks:
        network.hold(MadeExamples(recipe))
    networks[0].train(batches[:3], 1e-3)
    networks[1].load(networks[0].weights(), networks[0].state())
    for network in networks:
        network.train(batches[3:], 1e-3)
    ours, theirs = (network.weights() for network in networks)
    for key, array in ours.items():
        assert_close(array, theirs[key], 1e-9, key)
