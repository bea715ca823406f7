"""Second derivatives by back-propagation against the exact Gauss-Newton diagonal.

That is the diagonal of J^T H J: J the Jacobian of a network's outputs, by finite differences in float64; H the second
derivative of the loss for them. Back-propagation leaves cross terms out, so it is exact only where there are none: in
these networks every output hangs on at most one unit for each weight.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from lenet5.data.batches import Examples
from lenet5.data.datasets import load
from lenet5.engines import registry
from lenet5.engines.connection_table import connection_mask
from lenet5.engines.contract import Float, Network, Precision, Weights
from lenet5.engines.initial import first_weights
from lenet5.recipes import catalogue
from lenet5.spec.architecture import Architecture
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Sdlm

STEP = 1e-6
CONVOLUTION = {"kind": "convolution", "name": "C", "maps": 1, "kernel": 5}
ACTIVATIONS = {"kind": "activation", "function": "scaled_tanh"}
FLATTEN = {"kind": "flatten"}
RBF = {"kind": "rbf", "name": "output"}
EXACT: dict[str, tuple[list[int], list[dict[str, object]]]] = {
    "weights shared by 84 places": ([1, 11, 16], [CONVOLUTION, ACTIVATIONS, FLATTEN, RBF]),
    "padding": ([1, 7, 12], [{**CONVOLUTION, "padding": 2}, ACTIVATIONS, FLATTEN, RBF]),
    "coefficient shared by 84 squares": (
        [1, 14, 24],
        [{"kind": "subsample", "name": "S", "size": 2}, ACTIVATIONS, FLATTEN, RBF],
    ),
    "table of 1998": (
        [6, 5, 5],
        [
            {**CONVOLUTION, "maps": 16, "table": "lecun-1998"},
            ACTIVATIONS,
            FLATTEN,
            {"kind": "dense", "name": "F6", "units": 84},
            ACTIVATIONS,
            RBF,
        ],
    ),
    "two dense layers": (
        [1, 2, 3],
        [
            FLATTEN,
            {"kind": "dense", "name": "A", "units": 5},
            {"kind": "activation", "function": "tanh"},
            {"kind": "dense", "name": "B", "units": 84},
            {"kind": "activation", "function": "sigmoid"},
            RBF,
        ],
    ),
}


def made(shape: list[int], layers: list[dict[str, object]]) -> tuple[Architecture, Weights, Float]:
    architecture = Architecture.model_validate_json(json.dumps({"input": shape, "layers": layers}))
    random = np.random.default_rng(3)
    weights: Weights = {name: 0.3 * random.normal(size=s) for name, s in architecture.parameter_shapes.items()}
    for placed in architecture.placed:
        mask = connection_mask(placed)
        if mask is not None:
            weights[f"{placed.name}.weight"] *= mask[:, :, None, None]
    return architecture, weights, random.normal(size=(4, *shape))


def built(engine: str, architecture: Architecture, weights: Weights, objective: Objective) -> Network:
    precision: Precision = "float32" if engine == "native" else "float64"
    return registry.get(engine).build(architecture, weights, objective, Sdlm(learning_rate=1.0), precision=precision)


def jacobian(network: Network, layer: str, inputs: Float, name: str) -> Float:
    """Return the derivative of a layer's output for each number of one array: (N, outputs, numbers)."""
    weights = network.weights()
    columns = []
    for place in np.ndindex(weights[name].shape):
        sides = []
        for step in (STEP, -STEP):
            moved = {key: array.copy() for key, array in weights.items()}
            moved[name][place] += step
            network.load(moved, network.state())
            sides.append(network.activations(inputs)[layer])
        columns.append((sides[0] - sides[1]) / (2 * STEP))
    network.load(weights, network.state())
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("engine", registry.NAMES)
@pytest.mark.parametrize("case", EXACT)
def test_it_is_exact_where_no_cross_terms_are(engine: str, case: str) -> None:
    architecture, weights, inputs = made(*EXACT[case])
    objective = Objective(loss="maximum_likelihood")
    ours = built(engine, architecture, weights, objective).curvature(inputs)
    judge = built("numpy", architecture, weights, objective)
    codes_see = architecture.placed[-2].name
    for name in weights:
        if name == "C.weight" and case == "table of 1998":  # a missing connection may not be moved at all
            continue
        exact = (2 * jacobian(judge, codes_see, inputs, name) ** 2).sum(axis=1).mean(axis=0)
        tolerance = 1e-4 if engine == "native" else 1e-6  # float32; finite differences
        np.testing.assert_allclose(ours[name].reshape(-1), exact, rtol=tolerance, atol=tolerance * exact.max())


@pytest.mark.parametrize("engine", registry.NAMES)
@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error", "maximum_a_posteriori"])
def test_it_begins_with_the_second_derivative_of_the_loss(engine: str, loss: str) -> None:
    architecture, weights, inputs = made([1, 2, 3], [FLATTEN, {"kind": "dense", "name": "output", "units": 4}])
    objective = Objective.model_validate({"loss": loss, "j": 0.5 if loss == "maximum_a_posteriori" else None})
    judge = built("numpy", architecture, weights, objective)

    def bias_slope(step: float, unit: int) -> float:
        moved = {name: array.copy() for name, array in weights.items()}
        moved["output.bias"][unit] += step
        judge.load(moved, judge.state())
        return float(judge.gradients(inputs, np.zeros(4, np.int64))[1]["output.bias"][unit])

    # For a network that is one dense layer the Gauss-Newton diagonal is the true second derivative.
    exact = [(bias_slope(STEP, unit) - bias_slope(-STEP, unit)) / (2 * STEP) for unit in range(4)]
    ours = built(engine, architecture, weights, objective).curvature(inputs)["output.bias"]
    np.testing.assert_allclose(ours, exact, rtol=1e-4)


@pytest.mark.parametrize("engine", registry.NAMES)
def test_missing_connections_have_none(engine: str) -> None:
    architecture, weights, inputs = made(*EXACT["table of 1998"])
    curvature = built(engine, architecture, weights, Objective()).curvature(inputs)["C.weight"]
    mask = connection_mask(architecture.placed[0])
    assert mask is not None
    assert (curvature[mask == 0] == 0).all()
    assert (curvature[mask == 1] > 0).all()


def test_rates_of_the_first_pass_are_those_that_the_paper_saw(mnist_folder: Path) -> None:
    """Between about 7e-5 and 0.016 over all parameters in the first pass (p. 42)."""
    recipe = catalogue.load("lecun-1998")
    data = load("mnist", "train", mnist_folder)
    inputs = Examples(data.images, data.labels, recipe.preparation).inputs(np.arange(500))
    weights = first_weights(recipe.architecture, recipe.initial, seed=1)
    network = registry.get("numpy").build(recipe.architecture, weights, recipe.objective, recipe.optimizer)
    masks = {placed.name: connection_mask(placed) for placed in recipe.architecture.placed}
    h = network.curvature(inputs)
    h["C3.weight"] = h["C3.weight"][masks["C3"] == 1]
    rates = 0.0005 / (0.02 + np.concatenate([array.ravel() for array in h.values()]))
    assert 7e-5 / 2 < rates.min() < 7e-5 * 2  # other first weights, other 500 patterns
    assert 0.016 / 1.2 < rates.max() < 0.016 * 1.2
