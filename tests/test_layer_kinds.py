"""Every kind of layer in every place that must know it; a new kind fails here with the list of what is missing."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from lenet5.data.batches import Examples
from lenet5.engines import registry
from lenet5.engines.initial import first_weights
from lenet5.exchange import to_c, to_onnx
from lenet5.models import fold, shipped
from lenet5.models.model import Model
from lenet5.reports import diagram, summary
from lenet5.spec import layers as plan
from lenet5.spec.architecture import Architecture
from lenet5.spec.initial import Pytorch
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Sgd
from lenet5.spec.preparation import Preparation

ROOT = Path(__file__).parents[1]
KINDS: list[str] = [layer.model_fields["kind"].default for layer in get_args(get_args(plan.Layer)[0])]
ONLY_IN_TRAINING = {"batch_normalization", "dropout"}  # models have them folded into other layers, or left out

ARCHITECTURE = Architecture(
    input=(1, 28, 28),
    layers=(
        plan.Convolution(name="C1", maps=4),
        plan.BatchNormalization(name="C1norm"),
        plan.Activation(function="tanh"),
        plan.MaxPool(name="S2"),
        plan.AveragePool(name="S3"),
        plan.Subsample(name="S4"),
        plan.Flatten(),
        plan.Dropout(share=0.2),
        plan.Dense(name="F6", units=84),
        plan.Rbf(name="output"),
    ),
)
WEIGHTS = first_weights(ARCHITECTURE, Pytorch(), seed=1)
Place = Callable[[], set[str]]  # returns the kinds that it knows


def engine(name: str) -> Place:
    """Train for one step and look at every layer; the native engine's plain loops compute the activations."""

    def known() -> set[str]:
        network = registry.get(name).build(ARCHITECTURE, WEIGHTS, Objective(), Sgd(learning_rate=0.01))
        images = np.random.default_rng(1).integers(0, 256, (8, 28, 28), np.uint8)
        examples = Examples(images, np.arange(8), Preparation())
        network.hold(examples)
        network.train([np.arange(8)], 0.01)
        outputs = network.activations(examples.inputs(np.arange(2)))
        network.scores(examples.inputs(np.arange(2)))
        return {placed.layer.kind for placed in ARCHITECTURE.placed if np.isfinite(outputs[placed.name]).all()}

    return known


def exported(write: Callable[[Model], object]) -> Place:
    def known() -> set[str]:
        architecture, weights = fold.for_use(ARCHITECTURE, WEIGHTS)
        write(Model(architecture, Preparation(), weights, shipped.read("archaeology").card))
        return {layer.kind for layer in architecture.layers} | ONLY_IN_TRAINING

    return known


def page() -> set[str]:
    text = (ROOT / "src/lenet5/web/page/network.js").read_text(encoding="utf-8")
    return {kind for kind in KINDS if f'case "{kind}"' in text} | ONLY_IN_TRAINING


def in_diagram() -> set[str]:
    diagram.diagram(ARCHITECTURE, "all kinds")
    return {layer.kind for layer in ARCHITECTURE.layers}


def in_summary() -> set[str]:
    return {placed.layer.kind for placed in ARCHITECTURE.placed if summary.kind_of(placed)}


def handbook() -> set[str]:
    """The table of kinds, each with its chapter."""
    rows = [line.split("|") for line in (ROOT / "docs/layers/index.md").read_text(encoding="utf-8").splitlines()]
    chapters = {row[1].strip(" `"): row[2].strip().partition("](")[2].rstrip(")") for row in rows if len(row) == 4}
    return {kind for kind, chapter in chapters.items() if (ROOT / "docs/layers" / chapter).is_file()}


PLACES: dict[str, Place] = {
    "engine numpy": engine("numpy"),
    "engine native": engine("native"),
    "engine torch": engine("torch"),
    "export to C": exported(to_c.build),
    "export to ONNX": exported(to_onnx.build),
    "page": page,
    "diagram": in_diagram,
    "summary": in_summary,
    "handbook": handbook,
}


def test_the_example_has_every_kind() -> None:
    assert {layer.kind for layer in ARCHITECTURE.layers} == set(KINDS)


@pytest.mark.parametrize("place", PLACES)
def test_every_place_knows_every_kind_of_layer(place: str) -> None:
    assert set(KINDS) - PLACES[place]() == set()
