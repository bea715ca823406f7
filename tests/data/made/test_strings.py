import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lenet5.data.datasets import Images
from lenet5.data.made import strings
from lenet5.errors import DataError


@pytest.fixture
def bars() -> Images:
    """Ten digits, each an upright bar 20 x 4, labelled 0 to 9."""
    images = np.zeros((10, 28, 28), np.uint8)
    images[:, 4:24, 12:16] = 255
    return Images("bars", "test", images, np.arange(10), tuple("0123456789"))


def columns_of_ink(image: np.ndarray) -> np.ndarray:
    return np.flatnonzero((image < 229).any(axis=0))


def test_a_string_is_the_same_every_time(bars: Images) -> None:
    one, other = (strings.made_string(bars, 2, "all", 3, seed=1) for _ in range(2))
    assert one.label == other.label
    assert np.array_equal(one.image, other.image)


def test_the_label_names_the_digits_that_were_drawn(bars: Images) -> None:
    made = strings.made_string(bars, 2, "plain", 0, seed=1, length=6)
    assert made.label == "".join(str(digit) for digit in made.digits)
    assert len(made.label) == 6


def test_lengths_are_2_to_10(bars: Images) -> None:
    lengths = {len(strings.made_string(bars, 2, "plain", number, seed=1).label) for number in range(100)}
    assert lengths == set(range(2, 11))


def test_spacing_is_between_the_digits_ink(bars: Images) -> None:
    ink = columns_of_ink(strings.made_string(bars, 6, "plain", 0, seed=1, length=2).image)
    assert np.diff(ink).max() - 1 == 12  # 6 pixels at the picture's scale of 2


def test_negative_spacing_lets_digits_overlap(bars: Images) -> None:
    ink = columns_of_ink(strings.made_string(bars, -2, "plain", 0, seed=1, length=2).image)
    assert len(ink) == ink[-1] - ink[0] + 1 == 2 * 10 - 4  # two bars of 10 columns with their soft edges, less 2 x 2


def test_another_condition_is_refused_with_those_there_are(bars: Images) -> None:
    with pytest.raises(DataError, match="plain, slant"):
        strings.made_string(bars, 2, "rain", 0, seed=1)


def test_written_pictures_stand_in_the_table(bars: Images, tmp_path: Path) -> None:
    count = strings.write(bars, tmp_path / "made", count=1, seed=1, length=2)
    rows = list(csv.DictReader((tmp_path / "made" / strings.LABELS).read_text().splitlines()))
    assert count == len(rows) == len(strings.CONDITIONS) * len(strings.SPACINGS)
    made = strings.made_string(bars, 8, "plain", 0, seed=1, length=2)
    assert rows[0]["label"] == made.label
    assert np.array_equal(np.asarray(Image.open(tmp_path / "made" / rows[0]["file"])), made.image)


def test_a_folder_that_cannot_be_made_is_named(bars: Images, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="no folder can be made"):
        strings.write(bars, tmp_path / "file", count=1, seed=1)
