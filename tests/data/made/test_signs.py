"""Signs: the same every time, all classes, labelled by what they show."""

import numpy as np
import pytest

from lenet5.data.made import signs
from lenet5.data.made.printed_characters import glyph
from lenet5.inference.predictor import Predictor
from lenet5.models import shipped
from lenet5.reading.recognition.which_sign import which_signs
from lenet5.spec.digits import SIGNS


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, np.ndarray]:
    """A small part, of printed digits in place of MNIST's."""
    monkeypatch.setitem(signs.COUNTS, "validation", (20, 10, 100))
    return np.stack([glyph(str(n), "DejaVuSans") for n in range(10)]), np.arange(10)


def test_a_part_is_the_same_every_time_and_has_all_classes(few) -> None:
    first, again = (signs.made_of(*few, "validation") for _ in range(2))
    assert first[0].tobytes() == again[0].tobytes()
    images, labels = first
    assert (images.shape, images.dtype, labels.dtype) == ((len(labels), 28, 28), np.uint8, np.int64)
    assert np.bincount(labels).tolist() == [30, 30, 30, 30, 100]


def test_printed_signs_are_told_and_a_letter_is_none() -> None:
    model = Predictor(shipped.read("signs"), engine="numpy")
    shown = np.stack([glyph(each, "DejaVuSans") for each in (*signs.PRINTED, "E")])
    assert which_signs(shown, model) == [*SIGNS, ""]
