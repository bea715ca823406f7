"""Training on the page: the recipe in the form that the page's engine takes, and the images that it learns from.

The engine is the native one, compiled to WebAssembly by native/packaging/wasm.py. The page draws initial weights,
order and patterns from the same streams as `training/trainer.py`: the same seed and images give the same bytes as the
native engine with LENET5_INSTRUCTIONS=baseline on x86.
"""

import gzip
from pathlib import Path
from typing import Any

import numpy as np

from lenet5.data import datasets
from lenet5.data.datasets import Images
from lenet5.engines.initial import bound_1998
from lenet5.recipes import catalogue
from lenet5.spec import layers, paper
from lenet5.spec.architecture import PlacedLayer
from lenet5.spec.initial import LeCun1998
from lenet5.spec.optimizer import Sdlm
from lenet5.spec.recipe import Recipe

RECIPE = "lecun-1998"
ENGINE = Path(__file__).parent / "engine" / "lenet5.wasm.gz"
IMAGES = 10_000  # of the training set; the page holds out the last tenth
# What the engine asks of every layer, where a layer has no such thing.
LAYER = {"maps": 0, "size": 0, "padding": 0, "function": "none", "seen": [], "codes": [], "factor": 1.0}


def plan(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as JSON for the page.

    Only what the recipe `lecun-1998` needs: the initial weights, the optimiser and the batches of one image of 1998.
    """
    optimizer, initial = recipe.optimizer, recipe.initial
    assert isinstance(optimizer, Sdlm)
    assert isinstance(initial, LeCun1998)
    assert recipe.epochs
    assert recipe.batch_size == 1
    placed = recipe.architecture.placed
    return {
        "recipe": recipe.name,
        "seed": recipe.seed,
        "side": recipe.architecture.input[1],
        "layers": [LAYER | {"kind": each.layer.kind} | _settings(each) for each in placed],
        "weights": [array for each in placed for array in _initial(each, initial)],
        "loss": recipe.objective.loss,
        "j": recipe.objective.j,
        "optimizer": optimizer.kind,
        "mu": optimizer.mu,
        "rbf_curvature": optimizer.rbf_curvature,
        "patterns": optimizer.patterns,
        "constant_order": recipe.sampling == "constant",
        "learning_rates": [
            optimizer.learning_rate * recipe.schedule.factor(epoch + 0.5, recipe.epochs)
            for epoch in range(recipe.epochs)
        ],
        "padding": recipe.preparation.padding,
        "scale": recipe.preparation.scale(),
    }


def _settings(placed: PlacedLayer) -> dict[str, Any]:
    """Return what distinguishes a layer from others of its kind."""
    match placed.layer:
        case layers.Convolution(maps=maps, kernel=kernel, padding=padding, table=table):
            seen = [] if table == "full" else placed.layer.maps_seen(placed.input_shape[0])
            return {"maps": maps, "size": kernel, "padding": padding, "seen": seen}
        case layers.Subsample(size=size):
            return {"size": size}
        case layers.Dense(units=units):
            return {"maps": units}
        case layers.Rbf(factor=factor):
            codes = paper.codes()
            return {"maps": len(codes), "codes": [float(pixel) for code in codes for pixel in code], "factor": factor}
        case layers.Activation(function=function):
            return {"function": function}
        case _:
            return {}


def _initial(placed: PlacedLayer, rule: LeCun1998) -> list[dict[str, Any]]:
    """Return name, shape, bounds and whether to draw, for each array of a layer: its weights, then its biases."""
    if not placed.parameter_shapes:
        return []
    bounds = bound_1998(placed, rule).tolist()
    drawn = (
        not (isinstance(placed.layer, layers.Subsample) and rule.coefficients == "constant"),
        rule.biases == "uniform",
    )
    return [
        {"name": name, "shape": list(shape), "bounds": bounds if i == 0 or drawn[i] else [0.0], "drawn": drawn[i]}
        for i, (name, shape) in enumerate(placed.parameter_shapes.items())
    ]


def page_plan() -> dict[str, Any]:
    """Return the plan of the recipe that the page trains."""
    return plan(catalogue.load(RECIPE))


def images(folder: Path | None = None) -> bytes:
    """Return the first images of MNIST's training set for the page.

    folder  the data folder; None as in `data.fetch.data_folder`

    Raises DataNotFoundError where MNIST is missing, and as `datasets.load`.
    """
    return packed(datasets.load("mnist", "train", folder).cut(0, IMAGES, "train"))


def packed(some: Images) -> bytes:
    """Return all pixels, then all labels, one byte each, compressed by gzip."""
    pixels = np.ascontiguousarray(some.images).tobytes()
    return gzip.compress(pixels + some.labels.astype(np.uint8).tobytes(), compresslevel=6, mtime=0)
