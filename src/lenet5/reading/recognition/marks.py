"""Signs and unread ink put in their places between the digits of a line."""

from collections.abc import Sequence
from dataclasses import replace

from lenet5.reading.page import Box, Digit, Mark, Number

UNREAD = "?"


def around(boxes: Sequence[Box]) -> Box:
    """Return the box around boxes."""
    return Box(
        min(box.left for box in boxes), min(box.top for box in boxes),
        max(box.right for box in boxes), max(box.bottom for box in boxes),
    )  # fmt: skip


def with_marks(numbers: list[Number], marks: list[Mark], reach: float) -> list[Number]:
    """Return a line's numbers with marks in their places; two numbers with a sign close between them are one.

    numbers  from left to right
    marks    their `place` is found here
    reach    px between a sign and the digit beside it at most
    """
    result = list(numbers)
    for mark in sorted(marks, key=lambda mark: mark.box.left):
        after = next((index for index, number in enumerate(result) if _middle(mark) < number.box.right), len(result))
        before = after - 1
        inside = after < len(result) and result[after].box.left <= _middle(mark)
        near_after = after < len(result) and result[after].box.left - mark.box.right <= reach
        near_before = before >= 0 and mark.box.left - result[before].box.right <= reach
        if not inside and near_before and near_after and mark.text != UNREAD:
            result[before : after + 1] = [_joined(result[before], mark, result[after])]
        elif inside or near_after:
            result[after] = _added(result[after], mark)
        elif near_before:
            result[before] = _added(result[before], mark)
    return result


def _middle(item: Mark | Digit) -> float:
    return (item.box.left + item.box.right) / 2


def _added(number: Number, mark: Mark) -> Number:
    place = sum(_middle(digit) < _middle(mark) for digit in number.digits)
    marks = sorted((*number.marks, replace(mark, place=place)), key=_middle)
    return replace(number, box=around([number.box, mark.box]), marks=tuple(marks))


def _joined(one: Number, mark: Mark, other: Number) -> Number:
    """Return two numbers with a sign between as one; what else each might be is left out."""
    first = len(one.digits)
    marks = (*one.marks, replace(mark, place=first), *(replace(each, place=each.place + first) for each in other.marks))
    return Number(around([one.box, mark.box, other.box]), one.digits + other.digits, (), marks, one.column)
