"""The front door: every public name is there, sorted and explained."""

import lenet5


def test_names_are_sorted_and_complete() -> None:
    assert lenet5.__all__ == sorted(lenet5.__all__)
    assert set(dir(lenet5)) == set(lenet5.__all__)


def test_every_name_has_a_docstring() -> None:
    for name in lenet5.__all__:
        assert getattr(lenet5, name).__doc__, name
