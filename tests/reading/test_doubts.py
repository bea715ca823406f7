"""What a reading says of its own doubts."""

import numpy as np

from lenet5.reading.doubts import sentences
from lenet5.reading.page import Answer, Box, Digit, Line, Number, Page, Rejected

IMAGE = np.zeros((28, 28), np.uint8)


def digit(left: int, *answers: tuple[str, float], rejected: str = "") -> Digit:
    return Digit(Box(left, 10, left + 20, 40), tuple(Answer(*each) for each in answers), 1.0, IMAGE, rejected)


def page(digits: list[Digit], rejected: list[Rejected]) -> Page:
    lines = (Line((Number(Box(0, 10, 400, 40), tuple(digits)),)),) if digits else ()
    return Page("image", 1, 400, 50, lines, tuple(rejected), ())


def test_the_least_sure_digit_and_each_doubtful_one_are_named() -> None:
    digits = [
        digit(20, ("1", 0.62), ("7", 0.3), ("4", 0.05)),
        digit(50, ("4", 0.03), ("not a digit", 0.96), ("1", 0.005)),
        digit(80, ("7", 0.998), ("1", 0.001), ("9", 0.0005)),
    ]
    assert sentences(page(digits, [])) == [
        "3 digits, the least sure 3.0 %",
        "doubtful: 4 in 147 at x = 50, 3.0 % sure; by itself it looks like not a digit",
        "doubtful: 1 in 147 at x = 20, 62.0 % sure, perhaps 7",
    ]


def test_unread_marks_are_named_by_place_and_the_rest_counted() -> None:
    marks = [Rejected(Box(left, 7, left + 5, 12), "a dash") for left in range(310, 240, -10)]
    said = sentences(page([], marks))
    assert said[0] == "a mark at x = 250, y = 7 was not read: a dash"
    assert said[-1] == "2 more marks that were not read; --json has them all"
    assert len(said) == 6


def test_a_digit_that_is_not_given_is_no_doubt() -> None:
    assert sentences(page([digit(20, ("1", 0.5), ("7", 0.4), rejected="probability 0.500 is below 0.772")], [])) == []
