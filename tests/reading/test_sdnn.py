import numpy as np
import pytest

import lenet5
from lenet5.errors import ModelError
from lenet5.inference.predictor import Predictor
from lenet5.reading.sdnn import answers, at_every_column


@pytest.fixture(scope="module")
def model() -> Predictor:
    return lenet5.load("modern")


@pytest.fixture
def windows() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, 28, 28)).astype(np.uint8)


def test_a_line_of_one_window_gives_the_networks_own_scores(model: Predictor, windows: np.ndarray) -> None:
    line = np.pad(windows[0] / np.float32(255), 2).astype(np.float32)
    # float32, 400 terms and another order of summing
    assert answers(line, model.model) == pytest.approx(model.scores(windows[:1]), abs=1e-4)


def test_every_fourth_column_begins_a_window(model: Predictor, windows: np.ndarray) -> None:
    padded = [np.pad(window / np.float32(255), 2).astype(np.float32) for window in windows]
    together = answers(np.hstack(padded), model.model)
    assert len(together) == 1 + (96 - 32) // 4
    assert together[[0, 8, 16]] == pytest.approx(model.scores(windows), abs=1e-4)


def test_four_runs_give_the_window_of_every_column(model: Predictor, windows: np.ndarray) -> None:
    padded = [np.pad(window / np.float32(255), 2).astype(np.float32) for window in windows]
    for shift in range(4):
        line = np.hstack([np.zeros((32, 3 + shift), np.float32), *padded])
        together = at_every_column(line, model.model)
        assert len(together) >= 1 + line.shape[1] - 32
        # float32, 400 terms and another order of summing
        assert together[[3 + shift, 35 + shift, 67 + shift]] == pytest.approx(model.scores(windows), abs=1e-4)


def test_columns_that_begin_no_window_change_nothing(model: Predictor, windows: np.ndarray) -> None:
    line = np.pad(windows[0] / np.float32(255), 2).astype(np.float32)
    assert np.array_equal(answers(np.pad(line, ((0, 0), (0, 3))), model.model), answers(line, model.model))


def test_a_network_that_cannot_be_slid_is_refused() -> None:
    with pytest.raises(ModelError, match=r"pads|rows are left"):
        answers(np.zeros((32, 64), np.float32), lenet5.load("archaeology").model)
