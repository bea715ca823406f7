"""The result of reading: a page of lines of numbers of digits, with boxes, answers and rejections.

Boxes are in pixels of the upright picture, ends excluded.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from lenet5.display import Shown


@dataclass(frozen=True)
class Box:
    """A rectangle of the picture: pixels left <= x < right, top <= y < bottom."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Answer:
    """One reading of a digit: its class's name, and the model's probability 0..1."""

    text: str
    probability: float


@dataclass(frozen=True)
class Digit:
    """One digit.

    answers   the three best, the best first
    margin    by how much the best score leads the second best
    image     (28, 28) uint8: what the model saw
    rejected  why the best answer is not given; "" where it is
    """

    box: Box
    answers: tuple[Answer, ...]
    margin: float
    image: NDArray[np.uint8] = field(compare=False, repr=False)
    rejected: str = ""

    @property
    def text(self) -> str:
        """The best answer; "?" where it is rejected."""
        return "?" if self.rejected else self.answers[0].text


@dataclass(frozen=True)
class Mark:
    """Ink in a number that is no digit.

    text   the sign that it is, "?" where it is not known
    why    it is no digit
    place  how many of the number's digits stand before it
    """

    box: Box
    text: str
    why: str
    place: int


@dataclass(frozen=True)
class Alternative:
    """Another reading of a whole number, and how probable it is, 0..1."""

    text: str
    posterior: float


@dataclass(frozen=True)
class Number:
    """Digits that stand together.

    alternatives  the next best readings of the digits, where they were weighed as a whole; see `by_lattice.py`
    marks         what stands between the digits, from left to right
    column        its column in a ruled table, counted from 1; None outside
    """

    box: Box
    digits: tuple[Digit, ...]
    alternatives: tuple[Alternative, ...] = ()
    marks: tuple[Mark, ...] = ()
    column: int | None = None

    @property
    def text(self) -> str:
        """The digits' best answers, and the marks between them."""
        before = [
            "".join(mark.text for mark in self.marks if mark.place == place) for place in range(len(self.digits) + 1)
        ]
        return "".join(mark + digit.text for mark, digit in zip(before, self.digits, strict=False)) + before[-1]


@dataclass(frozen=True)
class Line:
    """A line of writing, its numbers from left to right."""

    numbers: tuple[Number, ...]

    @property
    def text(self) -> str:
        """The numbers, a space between."""
        return " ".join(number.text for number in self.numbers)


@dataclass(frozen=True)
class Rejected:
    """A piece of ink that was not taken for a digit, why, and the sign that it looks like; "" for none."""

    box: Box
    why: str
    sign: str = ""


@dataclass(frozen=True, repr=False)
class Page(Shown):
    """What one picture holds.

    name      the picture's path, or "image"
    page      its place in its file, counted from 1
    lines     from top to bottom
    rejected  pieces that are no digits; specks are not listed
    notes     what was done that a person should know, a sentence each
    """

    name: str
    page: int
    width: int
    height: int
    lines: tuple[Line, ...]
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Page({self.name!r}, page {self.page}: {self.text!r})"

    @property
    def text(self) -> str:
        """The lines, one below another; "" where no digit is sure enough to be given."""
        return "\n".join(line.text for line in self.lines) if self.digits else ""

    @property
    def digits(self) -> int:
        """How many digits are given: read, and not rejected."""
        return sum(not digit.rejected for number in self.numbers for digit in number.digits)

    @property
    def numbers(self) -> Iterator[Number]:
        """All numbers in reading order."""
        return (number for line in self.lines for number in line.numbers)


def with_boxes(page: Page, moved: Callable[[Box], Box]) -> Page:
    """Return a page with every box replaced by `moved` of it."""

    def number(old: Number) -> Number:
        digits = tuple(replace(each, box=moved(each.box)) for each in old.digits)
        marks = tuple(replace(each, box=moved(each.box)) for each in old.marks)
        return replace(old, box=moved(old.box), digits=digits, marks=marks)

    lines = tuple(Line(tuple(number(each) for each in line.numbers)) for line in page.lines)
    return replace(page, lines=lines, rejected=tuple(replace(each, box=moved(each.box)) for each in page.rejected))
