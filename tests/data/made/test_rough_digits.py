"""Rough digits: the same every time, of their own MNIST digits only, readable, and a third no digits."""

import numpy as np
import pytest

from lenet5.data.made import not_digits, rough_digits
from lenet5.data.made.degrade import restroked
from lenet5.data.made.not_digits import KINDS_OF, Digits
from lenet5.data.made.printed_characters import glyph


@pytest.fixture(scope="module")
def digits() -> Digits:
    """Printed digits stand in for MNIST's."""
    faces = ("DejaVuSans", "DejaVuSerif", "STIXGeneral", "cmr10")
    return Digits(np.stack([glyph(str(n), face) for n in range(10) for face in faces]), np.repeat(np.arange(10), 4))


def test_a_part_is_the_same_every_time_and_has_all_classes(digits: Digits) -> None:
    first, again = (rough_digits.made_of(digits.images, digits.labels, "validation") for _ in range(2))
    assert first[0].tobytes() == again[0].tobytes()
    images, labels = first
    assert (images.shape, images.dtype) == ((2540, 28, 28), np.uint8)
    assert np.bincount(labels).tolist() == [4] * 10 + [2500]


def test_printed_digits_fill_mnists_box() -> None:
    for character in "0147":
        rows, columns = np.nonzero(glyph(character, "DejaVuSans"))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        assert abs(rows.min() + rows.max() - 27) <= 1


@pytest.mark.parametrize("make", [make for make, _ in KINDS_OF], ids=lambda make: make.__name__)
def test_every_kind_of_no_digit_gives_as_many_as_asked(make: not_digits.Maker, digits: Digits) -> None:
    images = make(digits, 50, np.random.default_rng(1))
    assert (images.shape, images.dtype) == ((50, 28, 28), np.uint8)
    if make is not not_digits.blanks:
        assert (images.reshape(50, -1).max(axis=1) > 0).all()


def test_a_pair_is_wider_than_either_of_its_digits(digits: Digits) -> None:
    made = not_digits.pairs(digits, 100, np.random.default_rng(1)) > 60
    width, height = made.any(axis=1).sum(axis=1), made.any(axis=2).sum(axis=1)
    assert np.mean(width > height) > 0.6
    assert width.max() <= 24


def test_pieces_are_not_as_narrow_as_a_1(digits: Digits) -> None:
    made = not_digits.pieces(digits, 100, np.random.default_rng(1)) > 60
    width, height = made.any(axis=1).sum(axis=1), made.any(axis=2).sum(axis=1)
    assert np.mean(width > 0.4 * height) > 0.95


def test_restroking_changes_the_ink_and_wipes_no_digit_out(digits: Digits) -> None:
    many = np.repeat(digits.images, 10, axis=0)
    written = restroked(many, np.random.default_rng(1))
    ink, before = written.astype(int).sum(axis=(1, 2)), many.astype(int).sum(axis=(1, 2))
    assert np.quantile(ink / before, 0.9) > 1.3
    assert np.quantile(ink / before, 0.1) < 0.8
    assert (written.reshape(len(many), -1).max(axis=1) >= 128).all()
