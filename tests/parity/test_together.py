"""Networks trained together come out as each would alone: every layer, loss, optimiser and kind of augmentation."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lenet5.data.batches import Examples, examples_for_epoch
from lenet5.engines import registry
from lenet5.engines.contract import Float
from lenet5.engines.initial import first_weights
from lenet5.engines.torch.normalize import kept
from lenet5.engines.torch.stack import STEPS_AT_ONCE
from lenet5.errors import EngineError
from lenet5.recipes import catalogue
from lenet5.spec.architecture import Architecture
from lenet5.spec.distortion import Distortion
from lenet5.spec.initial import He
from lenet5.spec.layers import BatchNormalization, Dropout, Rbf
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Adam, Optimizer, Sdlm, Sgd
from lenet5.spec.preparation import Preparation

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
SEEDS = (1, 2, 3)
COUNT = 60
TOLERANCE = 1e-9  # float64: rounding alone
MOMENTUM = Sgd(learning_rate=0.01, momentum=0.9, weight_decay=1e-3)
OPTIMIZERS: list[Optimizer] = [Sgd(learning_rate=0.01), MOMENTUM, Adam(weight_decay=1e-3), Sdlm(learning_rate=0.001)]


def made_examples(preparation: Preparation, classes: int = 10) -> Examples:
    """Smooth blobs of ink: neighbouring pixels are alike, as in digits."""
    random = np.random.default_rng(7)
    noise = np.cumsum(np.cumsum(random.normal(size=(COUNT, 28, 28)), axis=1), axis=2)
    images = np.clip(128 + 8 * noise, 0, 255).astype(np.uint8)
    preparation = preparation.centred(100.0).model_copy(update={"background": -1.0, "ink": 1.0})
    return Examples(images, random.integers(0, classes, COUNT), preparation)


def batches(seed: int) -> list[np.ndarray]:
    """More steps than are taken at once, and a last batch that is smaller."""
    random = np.random.default_rng(seed)
    sizes = [6] * (STEPS_AT_ONCE + 2) + [5]
    return [random.choice(COUNT, size, replace=False) for size in sizes]


def assert_same_as_alone(
    architecture: Architecture,
    objective: Objective,
    optimizer: Optimizer,
    examples: list[Examples],
    device: str,
    frozen: tuple[str, ...] = (),
) -> None:
    engine = registry.get_together("torch", device)
    weights = [first_weights(architecture, He(), seed) for seed in SEEDS]
    build = {"frozen": frozen, "precision": "float64"}
    together = engine.build_together(architecture, weights, objective, optimizer, **build)  # type: ignore[arg-type]
    alone = [engine.build(architecture, first, objective, optimizer, **build) for first in weights]  # type: ignore[arg-type]
    rate = optimizer.learning_rate * (0.1 if isinstance(architecture.layers[-1], Rbf) else 1)
    for networks in (together.networks, alone):
        for network, held in zip(networks, examples, strict=True):
            if isinstance(optimizer, Sdlm):
                curvature = network.curvature(held.inputs(np.arange(20)))
                network.load(network.weights(), {f"curvature.{name}": h for name, h in curvature.items()})
            network.hold(held)
    steps = together.train([batches(seed) for seed in SEEDS], rate)
    inputs = examples[0].inputs(np.arange(9))
    scores = together.scores(inputs)
    for number, network in enumerate(alone):
        expected = network.train(batches(SEEDS[number]), rate)
        assert_close(steps[number].losses, expected.losses, "losses")
        assert steps[number].correct.tolist() == expected.correct.tolist()
        assert_close(scores[number], network.scores(inputs), "scores")
        one = together.networks[number]
        for key, array in (network.weights() | network.state()).items():
            assert_close((one.weights() | one.state())[key], array, key)
        for key, array in network.activations(inputs).items():
            assert_close(one.activations(inputs)[key], array, key)
        labels = examples[0].labels[:9]
        for key, array in network.gradients(inputs, labels)[1].items():
            assert_close(one.gradients(inputs, labels)[1][key], array, key)


def assert_close(ours: Float, theirs: Float, what: str) -> None:
    assert ours.shape == theirs.shape, what
    assert np.abs(ours - theirs).max() <= TOLERANCE * max(np.abs(theirs).max(), 1e-3), what


# One of those recipes that differ in their data alone.
RECIPES = {(r.architecture, r.objective, r.optimizer): r.name for r in map(catalogue.load, catalogue.names())}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", RECIPES.values())
def test_every_recipe(name: str, device: str) -> None:
    recipe = catalogue.load(name, overrides=["objective.reduction=mean"])
    held = [made_examples(recipe.preparation, min(recipe.architecture.classes, 10))] * len(SEEDS)
    optimizer = recipe.optimizer if isinstance(recipe.optimizer, Sdlm) else MOMENTUM
    assert_same_as_alone(recipe.architecture, recipe.objective, optimizer, held, device, recipe.frozen)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=["sgd", "momentum and decay", "adam", "sdlm"])
def test_every_optimizer(optimizer: Optimizer, device: str) -> None:
    recipe = catalogue.load("lab-report")  # its C1 pads
    held = [made_examples(recipe.preparation)] * len(SEEDS)
    assert_same_as_alone(recipe.architecture, recipe.objective, optimizer, held, device)


@pytest.mark.parametrize("device", DEVICES)
def test_batch_normalization_dropout_smoothing_and_frozen_layers(device: str) -> None:
    recipe, layers = catalogue.load("archaeology"), []
    for placed in recipe.architecture.placed:
        layers.append(placed.layer)
        if placed.name in ("C1", "C3", "C5", "F6"):
            layers.append(BatchNormalization(name=f"{placed.name}_norm"))
        if placed.name in ("S2", "C5.relu"):
            layers.append(Dropout(share=0.3))
    architecture = Architecture(input=recipe.architecture.input, layers=tuple(layers))
    held = [replace(made_examples(recipe.preparation), chance=seed * 12345) for seed in SEEDS]
    smoothing = Objective(label_smoothing=0.1)
    assert_same_as_alone(architecture, smoothing, MOMENTUM, held, device, frozen=("C1", "C3_norm"))


@pytest.mark.parametrize("device", DEVICES)
def test_pictures_of_their_own(device: str) -> None:
    """Each seed flips and distorts in its own way, and has teachers of its own."""
    recipe = catalogue.load("archaeology")
    plain = made_examples(recipe.preparation.model_copy(update={"flip": "horizontal"}))
    distortion = Distortion(copies=0, rotation=10.0, bending=2.0)
    own = [examples_for_epoch(plain, seed, 1, distortion=distortion) for seed in SEEDS]
    assert not np.array_equal(own[0].images, own[1].images)
    assert_same_as_alone(recipe.architecture, recipe.objective, MOMENTUM, own, device)
    random = np.random.default_rng(3)
    taught = [replace(held, targets=random.dirichlet(np.ones(10), COUNT).astype(np.float32)) for held in own]
    assert_same_as_alone(recipe.architecture, recipe.objective, MOMENTUM, taught, device)


def test_pictures_that_were_shared_are_parted_when_one_network_shows_others() -> None:
    recipe = catalogue.load("archaeology")
    shared = made_examples(recipe.preparation)
    others = replace(shared, images=255 - shared.images)
    engine = registry.get_together("torch", "cpu")
    weights = [first_weights(recipe.architecture, He(), seed) for seed in SEEDS]
    settings = (recipe.objective, MOMENTUM)
    together = engine.build_together(recipe.architecture, weights, *settings, precision="float64")
    alone = [engine.build(recipe.architecture, first, *settings, precision="float64") for first in weights]
    for held in ([shared] * 3, [shared, others, shared], [others, shared, shared]):
        for networks in (together.networks, alone):
            for network, examples in zip(networks, held, strict=True):
                network.hold(examples)
        losses = [step.losses for step in together.train([batches(seed) for seed in SEEDS], 0.01)]
        for loss, network, seed in zip(losses, alone, SEEDS, strict=True):
            assert_close(loss, network.train(batches(seed), 0.01).losses, "losses")


def test_one_that_has_ended_leaves_the_others_alone() -> None:
    recipe = catalogue.load("archaeology")
    engine = registry.get_together("torch", "cpu")
    weights = [first_weights(recipe.architecture, He(), seed) for seed in SEEDS]
    weights[1]["C1.weight"][:] = np.nan
    settings = (recipe.objective, recipe.optimizer)
    together = engine.build_together(recipe.architecture, weights, *settings)
    alone = engine.build(recipe.architecture, weights[2], *settings)
    for network in (*together.networks, alone):
        network.hold(made_examples(recipe.preparation))
    steps = together.train([batches(1), None, batches(3)], 0.01)
    np.testing.assert_allclose(steps[2].losses, alone.train(batches(3), 0.01).losses, rtol=1e-4)


def test_dropout_on_the_device_leaves_out_what_every_engine_does() -> None:
    from lenet5.engines import dropout_mask

    keys, images = [3, 2**32 - 1], np.array([[0, 5, 59_999], [7, 1, 2**31]])
    ours = kept(torch.tensor(keys), 4, torch.tensor(images), 300, 0.25).numpy()
    for key, numbers, stays in zip(keys, images, ours, strict=True):
        np.testing.assert_array_equal(stays, dropout_mask.kept(key, 4, numbers, 300, 0.25))


@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_engines_that_train_one_by_one_say_so(engine: str) -> None:
    with pytest.raises(EngineError, match='trains networks one by one; several together need engine "torch"'):
        registry.get_together(engine)
