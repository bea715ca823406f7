"""Shapes, parameters and costs follow from the layers; layers that do not fit are refused."""

import pytest
from pydantic import ValidationError

from lenet5.errors import ShapeError
from lenet5.recipes import catalogue
from lenet5.spec import paper
from lenet5.spec.architecture import Architecture
from lenet5.spec.layers import Activation, AveragePool, Convolution, Dense, Flatten, Layer

# Reproduction 000, section 2: layer, output, parameters.
ARCHAEOLOGY = [
    ("C1", (6, 24, 24), 156),
    ("C1.relu", (6, 24, 24), 0),
    ("S2", (6, 12, 12), 0),
    ("C3", (16, 8, 8), 2_416),
    ("C3.relu", (16, 8, 8), 0),
    ("S4", (16, 4, 4), 0),
    ("flatten", (256,), 0),
    ("C5", (120,), 30_840),
    ("C5.relu", (120,), 0),
    ("F6", (84,), 10_164),
    ("F6.relu", (84,), 0),
    ("output", (10,), 850),
]
TEN = (Flatten(), Dense(name="output", units=10))


def built(*layers: Layer) -> Architecture:
    return Architecture(input=(1, 28, 28), layers=layers)


def test_archaeology_is_the_published_table_cell_by_cell() -> None:
    placed = catalogue.load("archaeology").architecture.placed
    assert [(row.name, row.output_shape, row.parameters) for row in placed] == ARCHAEOLOGY


def test_archaeology_needs_281640_multiply_adds() -> None:
    by_hand = 24 * 24 * 6 * 25 + 8 * 8 * 16 * 150 + 256 * 120 + 120 * 84 + 84 * 10
    assert catalogue.load("archaeology").architecture.multiply_adds == by_hand == 281_640


def test_connections_count_each_weight_of_each_unit_and_its_bias() -> None:
    rows = {row.name: row.connections for row in catalogue.load("lab-report").architecture.placed}
    # C1, C5 and F6 are the paper's own, so these are the paper's numbers (p. 7).
    assert (rows["C1"], rows["C5"], rows["F6"]) == (122_304, 48_120, 10_164)
    # Full where the paper's C3 is partial, and pooling has no bias: by hand.
    assert (rows["S2"], rows["C3"], rows["S4"]) == (4 * 6 * 14 * 14, 151 * 16 * 10 * 10, 4 * 16 * 5 * 5)


def test_archaeology_has_290814_connections() -> None:
    convolutions = 26 * 6 * 24 * 24 + 151 * 16 * 8 * 8
    pools = 4 * 6 * 12 * 12 + 4 * 16 * 4 * 4
    dense = 257 * 120 + 121 * 84 + 85 * 10
    assert catalogue.load("archaeology").architecture.connections == convolutions + pools + dense == 290_814


def test_parameter_shapes_are_named_in_the_order_of_the_layers() -> None:
    shapes = built(Convolution(name="C1", maps=6), *TEN).parameter_shapes
    assert list(shapes) == ["C1.weight", "C1.bias", "output.weight", "output.bias"]
    assert shapes["C1.weight"] == (6, 1, 5, 5)


def test_padding_of_2_keeps_the_size() -> None:
    assert built(Convolution(name="C1", maps=6, padding=2), *TEN).placed[0].output_shape == (6, 28, 28)


def test_with_classes_changes_the_last_layer_alone() -> None:
    full = catalogue.load("archaeology").architecture
    small = full.with_classes(3)
    assert (full.classes, small.classes) == (10, 3)
    assert small.layers[:-1] == full.layers[:-1]


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        (
            (Convolution(name="C1", maps=6, kernel=29), *TEN),
            "C1: a 29x29 kernel does not fit into maps of 28x28",
        ),
        ((AveragePool(name="S2", size=3), *TEN), "S2: maps of 28x28 cannot be divided into squares of 3x3"),
        ((Dense(name="F6", units=10),), "F6 needs a flat input.*Insert a flatten layer before it"),
        ((*TEN, AveragePool(name="S2"), TEN[1]), "S2 needs maps"),
        ((Convolution(name="C1", maps=6), Activation(function="relu")), "the last layer must be dense"),
        ((), "the last layer must be dense"),
        ((Convolution(name="C1", maps=6), Convolution(name="C1", maps=6), *TEN), "two layers are called C1"),
    ],
)
def test_layers_that_do_not_fit_are_refused(layers: tuple[Layer, ...], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        built(*layers)


def test_a_drawn_table_says_which_maps_are_seen() -> None:
    layer = Convolution(name="C", maps=3, kernel=5, table="X.X\n.XX\n")
    assert layer.maps_seen(2) == ((0,), (1,), (0, 1))
    assert layer.parameters((2, 12, 12)) == 4 * 25 + 3


def test_a_drawn_table_of_another_size_is_refused() -> None:
    layer = Convolution(name="C", maps=3, kernel=5, table="X.X\n.XX\n")
    with pytest.raises(ShapeError, match="the table connects 2 maps to 3; here 4 would be connected to 3"):
        layer.output_shape((4, 12, 12))


def test_every_connection_of_table_i_can_be_drawn() -> None:
    drawn = Convolution(name="C3", maps=16, table=paper.TABLE_1)
    assert drawn.maps_seen(6) == Convolution(name="C3", maps=16, table="lecun-1998").maps_seen(6)
