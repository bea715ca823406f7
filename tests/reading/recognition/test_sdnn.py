import numpy as np
import pytest

import lenet5
from lenet5.errors import ModelError
from lenet5.inference.predictor import Predictor
from lenet5.reading.recognition.sdnn import at_every_column
from lenet5.reading.recognition.second_opinion import second_network


@pytest.fixture(scope="module")
def model() -> Predictor:
    return lenet5.load("modern")


@pytest.fixture
def windows() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, 28, 28)).astype(np.uint8)


def test_every_column_begins_a_window(model: Predictor, windows: np.ndarray) -> None:
    padded = [np.pad(window / np.float32(255), 2).astype(np.float32) for window in windows]
    for shift in range(4):
        line = np.hstack([np.zeros((32, 3 + shift), np.float32), *padded])
        together = at_every_column(line, model)
        assert len(together) >= 1 + line.shape[1] - 32
        # float32, 400 terms and another order of summing
        assert together[[3 + shift, 35 + shift, 67 + shift]] == pytest.approx(model.scores(windows), abs=1e-4)


def test_the_engine_of_the_model_computes_the_line(model: Predictor, windows: np.ndarray) -> None:
    line = np.hstack([window / np.float32(255) for window in windows])
    line = np.pad(line, ((2, 2), (0, 0)))
    by_engine = [at_every_column(line, Predictor(model.model, engine=name)) for name in ("numpy", "native")]
    assert by_engine[0] == pytest.approx(by_engine[1], abs=1e-4)
    assert by_engine[0].tobytes() != by_engine[1].tobytes(), "two engines round differently"
    assert second_network("numpy", "cpu").engine.name == "numpy"


def test_a_network_that_cannot_be_slid_is_refused() -> None:
    with pytest.raises(ModelError, match=r"pads|rows are left"):
        at_every_column(np.zeros((32, 64), np.float32), lenet5.load("archaeology"))
