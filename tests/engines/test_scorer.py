"""Scoring apart from training: the same numbers as the network's own, and windows slid along a line."""

import numpy as np
import pytest

from lenet5.engines import registry
from lenet5.engines.contract import Scorer
from lenet5.errors import EngineError, ModelError, ShapeError
from lenet5.models import shipped
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Adam

ENGINES = registry.NAMES


def scorer(engine: str, name: str) -> Scorer:
    model = shipped.read(name)
    return registry.get(engine, "cpu").scorer(model.architecture, model.weights)


@pytest.mark.parametrize("name", ["archaeology", "lecun-1998", "space-displacement"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_scorer_says_what_the_trainable_network_says(engine: str, name: str) -> None:
    model, machine = shipped.read(name), registry.get(engine, "cpu")
    inputs = np.random.default_rng(1).random((5, *model.architecture.input), np.float32)
    network = machine.build(model.architecture, model.weights, Objective(), Adam(learning_rate=0.1))
    alone = machine.scorer(model.architecture, model.weights)
    np.testing.assert_array_equal(alone.scores(inputs), network.scores(inputs))
    of_layers, expected = alone.activations(inputs), network.activations(inputs)
    assert list(of_layers) == [placed.name for placed in model.architecture.placed]
    for layer, output in of_layers.items():
        np.testing.assert_array_equal(output, expected[layer], err_msg=layer)


@pytest.mark.parametrize("name", ["modern", "space-displacement", "lecun-1998"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_line_gives_the_scores_of_the_window_at_each_column(engine: str, name: str) -> None:
    own = scorer(engine, name)
    _, height, width = own.architecture.input
    line = np.random.default_rng(2).random((1, height, width + 38), np.float32)  # 39 windows, no multiple of 4
    windows = np.stack([line[:, :, at : at + width] for at in range(39)])
    # float32, 400 terms and another order of summing; the RBF scores of 1998 reach 1000
    np.testing.assert_allclose(own.line_scores(line), own.scores(windows), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_line_that_does_not_fit_is_refused(engine: str) -> None:
    with pytest.raises(ShapeError, match=r"a line has shape \(1, 32, 31\); this network needs \(1, 32, 32 or more\)"):
        scorer(engine, "modern").line_scores(np.zeros((1, 32, 31), np.float32))
    with pytest.raises(ModelError, match="4 rows are left before the dense layers"):
        scorer(engine, "scratch").line_scores(np.zeros((1, 28, 60), np.float32))
    with pytest.raises(ModelError, match="pads its input"):
        scorer(engine, "sunnyhaze").line_scores(np.zeros((1, 28, 60), np.float32))


def test_weights_that_do_not_fit_are_refused() -> None:
    model = shipped.read("modern")
    for engine in ENGINES:
        with pytest.raises(ModelError, match="the weights lack C1"):
            registry.get(engine, "cpu").scorer(model.architecture, {})
    with pytest.raises(EngineError, match="computes in float32"):
        registry.get("native").scorer(model.architecture, model.weights, precision="float64")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_state_of_an_optimiser_is_set_without_touching_the_weights(engine: str) -> None:
    model, machine = shipped.read("archaeology"), registry.get(engine, "cpu")
    network = machine.build(model.architecture, model.weights, Objective(), Adam(learning_rate=0.1))
    state = {name: np.full_like(array, 3) for name, array in network.state().items()}
    network.set_state(state)
    for name, array in network.state().items():
        np.testing.assert_array_equal(array, state[name], err_msg=name)
    for name, array in network.weights().items():
        np.testing.assert_array_equal(array, model.weights[name], err_msg=name)
    with pytest.raises(ModelError, match="the optimiser state belongs to another optimiser"):
        network.set_state({})
