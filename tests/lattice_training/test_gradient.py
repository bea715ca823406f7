import numpy as np
import pytest

from lenet5.lattice_training.gradient import NOTHING, loss_and_gradient
from lenet5.reading.recognition.lattice import Lattice, lattice
from lenet5.reading.segmentation.cuts import Slice
from lenet5.reading.segmentation.pieces import Piece

COLUMNS = list(range(10))


@pytest.fixture
def four() -> tuple[Lattice, np.ndarray]:
    """Four parts in writing 10 pixels high, the first two of one piece; scores of eleven classes, drawn."""
    bars = [
        Slice(Piece(0, 10, 5 * n, 5 * n + 4, np.ones((10, 4), bool)), 0.1, None if n == 1 else 0.1) for n in range(4)
    ]
    made = lattice(bars, 10.0)
    return made, np.random.default_rng(1).normal(size=(len(made.arcs), 11))


@pytest.mark.parametrize("label", ["380", NOTHING])
def test_gradient_by_the_scores_is_that_of_finite_differences(four: tuple[Lattice, np.ndarray], label: str) -> None:
    made, scores = four
    _, gradient = loss_and_gradient(made, scores, label, COLUMNS)
    step, numeric = 1e-5, np.zeros_like(scores)
    for place in np.ndindex(*scores.shape):
        moved = scores.copy()
        moved[place] += step
        above = loss_and_gradient(made, moved, label, COLUMNS)[0]
        moved[place] -= 2 * step
        numeric[place] = (above - loss_and_gradient(made, moved, label, COLUMNS)[0]) / (2 * step)
    assert gradient == pytest.approx(numeric, abs=1e-7)  # float64, error of the order of step squared


def test_a_likelier_label_has_a_smaller_loss(four: tuple[Lattice, np.ndarray]) -> None:
    made, scores = four
    before, gradient = loss_and_gradient(made, scores, "380", COLUMNS)
    after, _ = loss_and_gradient(made, scores - 0.1 * gradient, "380", COLUMNS)
    assert 0 < after < before


def test_a_label_that_no_path_spells_has_an_infinite_loss_and_no_gradient(four: tuple[Lattice, np.ndarray]) -> None:
    loss, gradient = loss_and_gradient(*four, "38000", COLUMNS)
    assert loss == np.inf
    assert not gradient.any()
