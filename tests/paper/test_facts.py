"""What LeCun et al. (1998) print about LeNet-5, number by number. Pages are those of the 46-page preprint."""

import numpy as np
import pytest

from lenet5.engines.initial import first_weights
from lenet5.recipes import catalogue
from lenet5.spec import paper
from lenet5.spec.initial import LeCun1998

RECIPE = catalogue.load("lecun-1998")
LAYERS = {placed.name: placed for placed in RECIPE.architecture.placed}

# Written down again from Table I, map of C3 by map of C3, not from the drawing in spec/paper.py.
SEEN = [
    [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [0, 4, 5], [0, 1, 5],
    [0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [0, 3, 4, 5], [0, 1, 4, 5], [0, 1, 2, 5],
    [0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5], [0, 1, 2, 3, 4, 5],
]  # fmt: skip

# The 840 pixels of Figure 3 as bits, 1 for ink: digit by digit, line by line.
PIXELS = (
    "7c00e36c78f1e36c700001871e0c183060c18fc0007c01f638618e30c1fc000fe0c30c3c0c183c6f80007c0003367cf1e3cefc1837c03fe0c0"
    "f0f03c6f80003cc3060fdcf1e3e6f8000fe0c1861830c1830600007d8f1e37d8f1e3c6f80007d9f1e3cefc1830cf0000"
)


def test_every_cell_of_table_1() -> None:
    assert [list(seen) for seen in paper.maps_seen()] == SEEN


def test_every_pixel_of_every_code() -> None:
    bits = [1 if bit == "1" else -1 for bit in f"{int(PIXELS, 16):0840b}"]
    assert [number for code in paper.codes() for number in code] == bits


def test_codes_of_6_and_8_are_the_nearest() -> None:
    codes = np.array(paper.codes())
    distances = ((codes[:, None] - codes) ** 2).sum(2)
    nearest = distances + 1000 * np.eye(10, dtype=int)
    assert nearest.min() == nearest[6, 8] == 48  # twelve pixels
    assert distances.max() == distances[1, 4] == 200


def test_parameters_of_each_layer() -> None:
    trained = {name: placed.parameters for name, placed in LAYERS.items() if placed.parameters}
    assert trained == {"C1": 156, "S2": 12, "C3": 1516, "S4": 32, "C5": 48120, "F6": 10164}
    assert RECIPE.architecture.parameters == 60_000


def test_connections_of_each_layer() -> None:
    connections = {name: placed.connections for name, placed in LAYERS.items() if placed.connections}
    assert connections == {
        "C1": 122_304, "S2": 5_880, "C3": 151_600, "S4": 2_000, "C5": 48_120, "F6": 10_164, "output": 840,
    }  # fmt: skip
    assert RECIPE.architecture.connections == 340_908


def test_squash_is_1_at_1() -> None:
    value = paper.SQUASH_AMPLITUDE * np.tanh(paper.SQUASH_SLOPE)
    assert abs(value - 1) < 1e-5  # the paper's constants have five digits


def test_inputs_have_mean_about_0_and_variance_about_1() -> None:
    scale = np.array(RECIPE.preparation.scale())
    assert (scale[0], scale[255]) == (-0.1, 1.175)


@pytest.mark.parametrize(("gain", "exponent"), [(2.4, 1.0), (1.0, 0.5)])
def test_first_weights_lie_within_their_fan_in(gain: float, exponent: float) -> None:
    """By the paper's rule (p. 41), and by that of the recipe."""
    weights = first_weights(RECIPE.architecture, LeCun1998(gain=gain, exponent=exponent), seed=1)
    for name, inputs in {"C1": 25, "C5": 400, "F6": 120}.items():
        largest, bound = np.abs(weights[f"{name}.weight"]).max(), gain / inputs**exponent
        assert 0.9 * bound < largest <= np.float32(bound)
    for map_, seen in enumerate(SEEN):
        kernels = np.abs(weights["C3.weight"][map_]).max(axis=(1, 2))
        assert (kernels > 0).tolist() == [s2 in seen for s2 in range(6)]
        assert kernels.max() <= np.float32(gain / (25 * len(seen)) ** exponent)
    assert (weights["S2.coefficient"] == np.float32(gain / 4**exponent)).all()


def test_schedule_of_the_learning_rate() -> None:
    rates = [RECIPE.optimizer.learning_rate * RECIPE.schedule.factor(epoch - 0.5, 20) for epoch in range(1, 21)]
    published = [5e-4] * 2 + [2e-4] * 3 + [1e-4] * 3 + [5e-5] * 4 + [1e-5] * 8
    np.testing.assert_allclose(rates, published, rtol=1e-12)
