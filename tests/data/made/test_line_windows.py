"""Windows of lines: the same every time, labelled by the digit in their middle, and by nothing else."""

import numpy as np
import pytest

from lenet5.data.made import line_windows
from lenet5.data.made.line_windows import windows
from lenet5.data.made.not_digits import Digits
from lenet5.data.made.printed_characters import glyph
from lenet5.spec.digits import NOT_A_DIGIT_LABEL

COUNT = 600


@pytest.fixture(scope="module")
def digits() -> Digits:
    """Printed digits stand in for MNIST's."""
    faces = ("DejaVuSans", "DejaVuSerif", "STIXGeneral", "cmr10")
    return Digits(np.stack([glyph(str(n), face) for n in range(10) for face in faces]), np.repeat(np.arange(10), 4))


@pytest.fixture
def undegraded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows in which every pixel is a digit's."""
    monkeypatch.setattr(line_windows, "DEGRADED", 0.0)


def test_a_part_is_the_same_every_time_and_has_all_classes(digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(line_windows.COUNTS, "validation", COUNT)
    first, again = (line_windows.made_of(digits.images, digits.labels, "validation") for _ in range(2))
    assert first[0].tobytes() == again[0].tobytes()
    images, labels = first
    assert (images.shape, images.dtype, labels.dtype) == ((COUNT, 28, 28), np.uint8, np.int64)
    counts = np.bincount(labels, minlength=11)
    assert counts[:10].min() > 0
    assert 0.3 * COUNT < counts[NOT_A_DIGIT_LABEL] < 0.55 * COUNT


@pytest.mark.usefixtures("undegraded")
def test_a_window_on_a_digit_without_neighbours_has_its_middle_near_the_digits(
    digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_windows, "PRESENT", (1.0, 0.0, 0.0))
    images, labels = windows(digits, COUNT, np.random.default_rng(1))
    columns = (images > line_windows.FAINT).any(axis=1)
    first, end = columns.argmax(axis=1), 28 - columns[:, ::-1].argmax(axis=1)
    whole = columns.any(axis=1) & (first > 0) & (end < 28)  # not cut off at the window's side
    aside = np.abs((first + end) / 2 - 14)
    assert np.array_equal(labels[whole] != NOT_A_DIGIT_LABEL, aside[whole] <= line_windows.NEAR)
    assert 0.5 < whole.mean() < 1


@pytest.mark.usefixtures("undegraded")
def test_the_label_is_that_of_the_ink_in_the_middle() -> None:
    """Digits are blocks of a brightness of their own, so that the pixel in the middle says whose it is."""
    blocks = np.zeros((10, 28, 28), np.uint8)
    blocks[:, 4:24, 8:20] = (100 + 15 * np.arange(10))[:, None, None]
    images, labels = windows(Digits(blocks, np.arange(10)), COUNT, np.random.default_rng(1))
    on_one = labels != NOT_A_DIGIT_LABEL
    middle = images[on_one, 14, 14].astype(int)
    # Where two overlap, the neighbour's ink may cover the middle.
    assert np.mean(middle == 100 + 15 * labels[on_one]) > 0.9
    other = (labels[on_one] + 1) % 10
    assert np.mean(middle == 100 + 15 * other) < 0.05


@pytest.mark.usefixtures("undegraded")
def test_lines_end_so_some_windows_hold_half_a_digit_and_nothing_else(
    digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_windows, "PRESENT", (1.0, 0.0, 0.0))
    images, labels = windows(digits, COUNT, np.random.default_rng(1))
    ink = images > line_windows.FAINT
    cut_off = ink[:, :, [0, -1]].any(axis=(1, 2))
    assert cut_off.mean() > 0.1
    assert (labels[cut_off] == NOT_A_DIGIT_LABEL).all()
