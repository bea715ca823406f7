"""The front door: every public name is there, sorted and explained."""

import pytest

import lenet5
from lenet5.errors import RecipeError


def test_names_are_sorted_and_complete() -> None:
    assert lenet5.__all__ == sorted(lenet5.__all__)
    assert set(dir(lenet5)) == set(lenet5.__all__)


def test_every_name_has_a_docstring() -> None:
    for name in lenet5.__all__:
        assert getattr(lenet5, name).__doc__, name


def test_overrides_in_a_list_are_one_clear_error() -> None:
    with pytest.raises(RecipeError, match=r"overrides is \['images=6000'\]; expected a dictionary"):
        lenet5.train("archaeology", overrides=["images=6000"])  # type: ignore[arg-type]
