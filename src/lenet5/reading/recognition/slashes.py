"""Slashes, which the network takes for 1s: straight strokes that lean far more than the digits beside them.

Between the parts of a date they are slashes. Elsewhere a leaning 1 may be either, which is a doubt.
"""

import re
from dataclasses import replace
from itertools import combinations
from statistics import median

import numpy as np

from lenet5.reading.page import Digit, Mark, Number

ONE, SLASH = "1", "/"
THINNEST = 0.22  # a straight stroke's extent across, in parts of that along it
LEAN = 18.0  # degrees more than the other digits
LEAN_IN_DATE, ALIKE = 8.0, 12.0  # of both slashes of a date, and the difference between them
FEWEST = 9  # pixels of a shape
DATE = re.compile(r"\d{1,2}/\d{1,2}/(\d{2}|\d{4})|\d{4}/\d{1,2}/\d{1,2}")
MAY_BE_A_SLASH = "leans like a slash"
WHY = "a stroke that leans more than the digits beside it"


def with_slashes(number: Number) -> Number:
    """Return a number with the slashes of a date as marks; any other number unchanged."""
    leans = _leans(number)
    straight = [place for place, lean in leans.items() if lean >= LEAN_IN_DATE]
    for first, second in combinations(straight, 2):
        text = "".join(SLASH if k in (first, second) else digit.text for k, digit in enumerate(number.digits))
        if abs(leans[first] - leans[second]) <= ALIKE and DATE.fullmatch(text):
            digits = tuple(digit for k, digit in enumerate(number.digits) if k not in (first, second))
            marks = (_mark(number, first, first), _mark(number, second, second - 1))
            return replace(number, digits=digits, marks=marks, alternatives=())
    return number


def leaning(number: Number) -> set[int]:
    """Return the places of a number's 1s that may be slashes."""
    return {place for place, lean in _leans(number).items() if lean >= LEAN}


def _mark(number: Number, digit: int, place: int) -> Mark:
    return Mark(number.digits[digit].box, SLASH, WHY, place)


def _leans(number: Number) -> dict[int, float]:
    """Return by how many degrees each straight 1 leans to the right of the other digits, by its place."""
    ones = [place for place, digit in enumerate(number.digits) if digit.answers[0].text == ONE]
    shapes = [_shape(digit) for digit in number.digits] if ones else []
    straight = {place: shapes[place][0] for place in ones if shapes[place][1] <= THINNEST}
    others = [lean for place, (lean, _) in enumerate(shapes) if place not in straight] or [0.0]
    return {place: lean - median(others) for place, lean in straight.items()}


def _shape(digit: Digit) -> tuple[float, float]:
    """Return how far a digit leans to the right, in degrees, and its extent across in parts of that along it."""
    rows, columns = np.nonzero(digit.image)
    if len(rows) < FEWEST:
        return 0.0, 1.0
    (down, both), (_, across) = np.cov(rows, columns, aweights=digit.image[rows, columns])
    low, high = np.linalg.eigvalsh([[down, both], [both, across]])
    return float(np.degrees(np.arctan2(-both, down))), float(np.sqrt(max(low, 0.0) / high))
