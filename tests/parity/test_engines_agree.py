"""The same parameters in every engine give the same scores, losses, gradients and updated parameters."""

from dataclasses import replace

import numpy as np
import pytest

from lenet5.data.batches import Examples
from lenet5.engines import registry
from lenet5.engines.contract import Engine, Float, Network, Precision
from lenet5.engines.initial import first_weights
from lenet5.errors import EngineError, RecipeError
from lenet5.models.fold import for_use
from lenet5.recipes import catalogue
from lenet5.spec.architecture import Architecture
from lenet5.spec.initial import He, Pytorch
from lenet5.spec.layers import BatchNormalization, Dropout, Rbf
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Adam, Optimizer, Sgd
from lenet5.spec.recipe import Recipe

OPTIMIZERS: list[Optimizer] = [
    Sgd(learning_rate=0.01),
    Sgd(learning_rate=0.01, momentum=0.9, weight_decay=1e-3),
    Sgd(learning_rate=0.02, momentum=0.9, dampening=0.5, weight_decay=1e-3),
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
    return Examples(images, random.integers(0, min(recipe.architecture.classes, 10), 80), preparation)


# The native engine computes in float32 only; there it is held against NumPy in the same way.
OTHERS: list[tuple[str, Precision]] = [("native", "float32")]
if registry.missing_because("torch") is None:  # wheels are tried without it
    import torch

    OTHERS += [("torch", "float64"), ("torch", "float32")]
    if torch.cuda.is_available():
        OTHERS += [("torch on cuda", "float64"), ("torch on cuda", "float32")]
    if torch.backends.mps.is_available():
        OTHERS += [("torch on mps", "float32")]
ENGINES = ["numpy", *dict.fromkeys(name for name, _ in OTHERS if " on " not in name)]


def engine(name: str) -> Engine:
    """Return an engine, on the CPU unless the name says where: the CPU is the judge on a machine with a GPU, too."""
    name, _, device = name.partition(" on ")
    return registry.get(name, device or "cpu")


def pair(recipe: Recipe, optimizer: Optimizer, other: str, precision: Precision) -> list[Network]:
    # Small first weights, not the recipe's rule: with 003's (loss of hundreds) float32 errors would be amplified.
    weights = first_weights(recipe.architecture, Pytorch(), seed=3)
    return [
        engine(name).build(
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
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=["sgd", "momentum and decay", "dampening", "adam"])
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


@pytest.mark.parametrize(
    ("other", "precision", "tolerance"),
    [case for case in (("torch", "float64", 1e-9), ("native", "float32", 3e-3)) if case[0] in ENGINES],
)
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


# What acts in training alone: batch normalisation, dropout, soft targets, a rate for each step.
UNEVEN = [np.arange(0, 24), np.arange(24, 35), np.arange(35, 40), np.arange(40, 80)]  # blocks that are not full
RATES = np.array([0.02, 0.01, 0.005, 0.02])
LABEL_SMOOTHING = Objective(label_smoothing=0.1)


def normalized_architecture(
    recipe: str = "archaeology", normalized: tuple[str, ...] = ("C1", "C3", "C5", "F6")
) -> Architecture:
    layers = []
    for placed in catalogue.load(recipe).architecture.placed:
        layers.append(placed.layer)
        if placed.name in normalized:
            layers.append(BatchNormalization(name=f"{placed.name}_norm"))
        if placed.name == "C5.relu":
            layers.append(Dropout(share=0.3))
    return Architecture(input=catalogue.load(recipe).architecture.input, layers=tuple(layers))


def networks(
    architecture: Architecture, other: str, precision: Precision, objective: Objective, **build: object
) -> list[Network]:
    weights = first_weights(architecture, He(), seed=3)
    optimizer = Sgd(learning_rate=0.01, momentum=0.9, weight_decay=1e-3)
    return [
        engine(name).build(architecture, weights, objective, optimizer, precision=precision, **build)
        for name in ("numpy", other)
    ]


def drawn_examples(recipe: str = "archaeology") -> Examples:
    return replace(made_examples(catalogue.load(recipe)), chance=12345)


@pytest.mark.parametrize("recipe", ["archaeology", "lab-report", "sigmoid-fashion"])
@pytest.mark.parametrize(("other", "precision"), OTHERS)
def test_training_with_everything(recipe: str, other: str, precision: Precision) -> None:
    both = networks(normalized_architecture(recipe), other, precision, LABEL_SMOOTHING)
    # Smoothed labels sum to 1 as float32 does; and where a variance near 0 is divided by, rounding comes out enlarged.
    tolerance = 1e-6 if precision == "float64" else 50 * TOLERANCES[precision]
    steps = []
    for network in both:
        network.hold(drawn_examples(recipe))
        steps.append(network.train(UNEVEN, RATES))
    assert_close(steps[0].losses, steps[1].losses, tolerance, "losses")
    ours, theirs = (network.weights() for network in both)
    for key, array in ours.items():
        assert_close(array, theirs[key], tolerance, key)
    inputs = drawn_examples(recipe).inputs(np.arange(20))
    assert_close(both[0].scores(inputs), both[1].scores(inputs), tolerance, "scores in use")


@pytest.mark.parametrize(("other", "precision"), OTHERS)
def test_gradients_take_the_statistics_of_the_batch(other: str, precision: Precision) -> None:
    both = networks(normalized_architecture(), other, precision, Objective())
    held = drawn_examples()
    (loss, ours), (their_loss, theirs) = (
        network.gradients(held.inputs(np.arange(21)), held.labels[:21]) for network in both
    )
    assert loss == pytest.approx(their_loss, rel=TOLERANCES[precision])
    assert ours.keys() == theirs.keys()
    assert not any(name.endswith((".mean", ".variance")) for name in ours)
    for key, array in ours.items():
        assert_close(array, theirs[key], TOLERANCES[precision] * (10 if precision == "float32" else 1), key)


@pytest.mark.parametrize(("other", "precision"), OTHERS)
def test_a_frozen_normalization_keeps_its_weights(other: str, precision: Precision) -> None:
    both = networks(normalized_architecture(), other, precision, Objective(), frozen=("C1", "C1_norm", "C3_norm"))
    for network in both:
        before = network.weights()
        network.hold(drawn_examples())
        network.train(UNEVEN, RATES)
        after = network.weights()
        for name in ("C1.weight", "C1_norm.weight", "C1_norm.bias", "C3_norm.bias"):
            assert np.array_equal(before[name], after[name])
        assert not np.array_equal(before["C3.weight"], after["C3.weight"])
    assert_close(both[0].weights()["C3.weight"], both[1].weights()["C3.weight"], 30 * TOLERANCES[precision], "C3")


@pytest.mark.parametrize(("other", "precision"), OTHERS)
def test_targets_in_place_of_labels(other: str, precision: Precision) -> None:
    random = np.random.default_rng(3)
    shares = random.dirichlet(np.ones(10), 80).astype(np.float32)
    tolerance = max(TOLERANCES[precision], 1e-7)  # the shares sum to 1 as float32 does, whatever the precision
    both = networks(catalogue.load("archaeology").architecture, other, precision, Objective())
    steps = []
    for network in both:
        network.hold(replace(drawn_examples(), targets=shares))
        steps.append(network.train(UNEVEN, 0.01))
    assert_close(steps[0].losses, steps[1].losses, tolerance, "losses")
    for key, array in both[0].weights().items():
        assert_close(array, both[1].weights()[key], tolerance, key)


@pytest.mark.parametrize("name", ENGINES)
def test_a_rate_for_each_step_is_what_steps_with_those_rates_are(name: str) -> None:
    recipe = catalogue.load("archaeology")
    weights = first_weights(recipe.architecture, recipe.initial, 1)
    outcomes = []
    for apart in (True, False):
        network = registry.get(name).build(recipe.architecture, weights, recipe.objective, recipe.optimizer)
        network.hold(drawn_examples())
        if apart:
            for batch, rate in zip(UNEVEN, RATES, strict=True):
                network.train([batch], float(rate))
        else:
            network.train(UNEVEN, RATES)
        outcomes.append(network.weights())
    assert all(np.array_equal(array, outcomes[1][key]) for key, array in outcomes[0].items())


def test_dropout_leaves_out_its_share_and_every_epoch_others() -> None:
    plan = normalized_architecture(normalized=())
    weights = first_weights(plan, He(), 3)
    losses = []
    for chance in (1, 2, 1):
        network = registry.get("native").build(plan, weights, Objective(), Sgd(learning_rate=0.01))
        network.hold(replace(drawn_examples(), chance=chance))
        losses.append(network.train([np.arange(40)], 0.01).losses[0])
    assert losses[0] == losses[2] != losses[1]


@pytest.mark.parametrize("name", ["numpy", "native"])
def test_a_network_folded_for_use_gives_the_same_scores(name: str) -> None:
    plan = normalized_architecture("lab-report")
    machine = registry.get(name)
    network = machine.build(plan, first_weights(plan, He(), 3), Objective(), Sgd(learning_rate=0.01))
    network.hold(drawn_examples("lab-report"))
    network.train(UNEVEN, 0.05)
    folded, weights = for_use(plan, network.weights())
    assert folded == catalogue.load("lab-report").architecture
    assert folded.parameters == 61_706
    in_use = machine.build(folded, weights, Objective(), Sgd(learning_rate=0.01))
    inputs = drawn_examples("lab-report").inputs(np.arange(30))
    assert_close(network.scores(inputs), in_use.scores(inputs), 1e-5, "scores")
    for one in (network, in_use):
        assert_close(one.activations(inputs)["output"], one.scores(inputs), 1e-5, "activations")
    assert_close(network.scores(inputs)[:1], network.scores(inputs[:1]), 1e-5, "one image")


@pytest.mark.parametrize("name", ENGINES)
def test_second_derivatives_of_a_normalized_network_are_refused(name: str) -> None:
    plan = normalized_architecture()
    network = registry.get(name).build(plan, first_weights(plan, He(), 3), Objective(), Sgd(learning_rate=0.01))
    with pytest.raises(EngineError, match="C1_norm couples the images of a batch"):
        network.curvature(drawn_examples().inputs(np.arange(3)))


def test_normalization_with_sdlm_is_refused_by_the_recipe() -> None:
    layers = [layer.model_dump(mode="json") for layer in normalized_architecture().layers]
    with pytest.raises(RecipeError, match="C1_norm couples the images of a batch"):
        catalogue.load(
            "archaeology",
            [f"architecture.layers={_toml(layers)}", 'optimizer={kind="sdlm",learning_rate=1e-4,mu=0.02,patterns=10}'],
        )


def _toml(layers: list[dict[str, object]]) -> str:
    def value(each: object) -> str:
        return f'"{each}"' if isinstance(each, str) else str(each)

    return "[" + ",".join("{" + ",".join(f"{k}={value(v)}" for k, v in layer.items()) + "}" for layer in layers) + "]"
