"""Signs between digits: each is in the text, or a question mark is; none becomes a digit in silence."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lenet5.reading.doubts import sentences
from lenet5.reading.orientation import turned_back
from lenet5.reading.page import Box, Line, Mark, Number, Page
from lenet5.reading.reader import Reader

STROKES = {  # from point to point, in heights of the writing, at a gap one wide; y is 1 on the base line
    "-": (((0.3, 0.55), (0.75, 0.55)),),
    "=": (((0.3, 0.45), (0.8, 0.45)), ((0.3, 0.7), (0.8, 0.7))),
    ".": (((0.5, 0.96), (0.5, 0.97)),),
    ",": (((0.52, 0.95), (0.44, 1.2)),),
    ":": (((0.5, 0.4), (0.5, 0.41)), ((0.5, 0.95), (0.5, 0.96))),
    "+": (((0.2, 0.55), (0.8, 0.55)), ((0.5, 0.25), (0.5, 0.85))),
    "x": (((0.25, 0.3), (0.75, 0.9)), ((0.75, 0.3), (0.25, 0.9))),
    "$": (
        (
            (0.7, 0.3),
            (0.62, 0.22),
            (0.45, 0.18),
            (0.3, 0.25),
            (0.28, 0.4),
            (0.4, 0.52),
            (0.6, 0.62),
            (0.7, 0.75),
            (0.66, 0.92),
            (0.5, 1.0),
            (0.34, 0.95),
            (0.27, 0.85),
        ),
        ((0.5, 0.05), (0.48, 1.15)),
    ),
    "%": (
        ((0.3, 0.15), (0.2, 0.22), (0.2, 0.35), (0.3, 0.42), (0.4, 0.35), (0.4, 0.22), (0.3, 0.15)),
        ((0.75, 0.12), (0.3, 1.0)),
        ((0.75, 0.7), (0.65, 0.77), (0.65, 0.9), (0.75, 0.97), (0.85, 0.9), (0.85, 0.77), (0.75, 0.7)),
    ),
    "/": (((0.75, 0.1), (0.25, 1.05)),),
    "slanted dash": (((0.2, 0.68), (0.8, 0.43)),),
}


def with_sign(page: np.ndarray, sign: str, place: int = 2) -> np.ndarray:
    """Draw a sign into the gap after some digits of a page that `compose` drew with a step of 40."""
    canvas = Image.fromarray(page)
    draw, left, top, height = ImageDraw.Draw(canvas), 40 + place * 40, 48, 40
    for stroke in STROKES[sign]:
        points = [(left + x * height, top + y * height) for x, y in stroke]
        draw.line(points, fill=0, width=5)
        for x, y in points:
            draw.ellipse((x - 2.5, y - 2.5, x + 2.5, y + 2.5), fill=0)
    return np.array(canvas)


@pytest.mark.parametrize(
    ("sign", "text"),
    [
        ("-", "27-39"),
        ("=", "27=39"),
        (".", "27.39"),
        (",", "27,39"),
        (":", "27:39"),
        ("+", "27+39"),
        ("x", "27x39"),
        ("$", "27$39"),
        ("%", "27%39"),
    ],
)
def test_a_sign_between_digits_is_in_the_text(digits, compose, sign: str, text: str) -> None:
    page = with_sign(compose("27 39", step=40), sign)
    assert digits.read(page).text == text


@pytest.mark.parametrize("sign", ["-", ".", ",", ":", "+"])
def test_signs_can_be_left_out(digits, compose, sign: str) -> None:
    page = with_sign(compose("27 39", step=40), sign)
    assert "".join(Reader(digits, digits_only=True).read(page).text.split()) == "2739"


@pytest.mark.parametrize(
    ("page", "places", "text"), [("27 03 98", (2, 5), "27/03/98"), ("3 8 2026", (1, 3), "3/8/2026")]
)
def test_slashes_of_a_date_are_in_the_text(digits, compose, page: str, places: tuple[int, ...], text: str) -> None:
    image = compose(page, step=40)
    for place in places:
        image = with_sign(image, "/", place)
    assert digits.read(image).text == text
    assert "".join(Reader(digits, digits_only=True).read(image).text.split()) == text.replace("/", "")


def test_a_single_slash_is_a_doubt(digits, compose) -> None:
    image = with_sign(compose("27 39", step=40), "/")
    assert any("slash" in sentence for sentence in sentences(digits.read(image)))
    assert digits.read(image, max_error_percent=1).text == "27?39"


def test_a_slanted_dash_after_an_amount_is_no_digit(digits, compose) -> None:
    page = digits.read(with_sign(compose("2739 ", step=40), "slanted dash", 4))
    assert page.text == "2739"
    assert [each.why for each in page.rejected] == ["a dash"]


def test_an_upright_1_is_no_slash(digits, compose) -> None:
    page = digits.read(compose("2713", step=40))
    assert page.text == "2713"
    assert not any("slash" in sentence for sentence in sentences(page))


def test_marks_have_a_box_a_place_and_a_reason(digits, compose) -> None:
    [number] = digits.read(with_sign(compose("27 39", step=40), "-")).numbers
    [mark] = number.marks
    assert (mark.text, mark.place, mark.why) == ("-", 2, "a sign")
    assert 110 < mark.box.left < mark.box.right < 170
    assert "".join(digit.text for digit in number.digits) == "2739"


def test_a_minus_stands_before_a_single_digit(digits, compose) -> None:
    page = compose(" 5", step=44)
    page[62:67, 40:68] = 0
    assert digits.read(page).text == "-5"


def test_columns_far_apart_are_numbers_of_their_own(digits, compose) -> None:
    assert digits.read(compose("97    7", step=44)).text == "97 7"


def test_a_page_read_turned_has_its_signs_where_they_lie() -> None:
    mark = Mark(Box(5, 2, 6, 3), "-", "a sign", 1)
    number = Number(Box(0, 0, 10, 4), (), (), (mark,))
    page = Page("image", 1, 10, 4, (Line((number,)),), (), ())
    [back] = turned_back(page, 1).numbers
    assert back.marks[0].box == Box(1, 5, 2, 6)


def test_a_number_without_signs_has_no_marks(digits, compose) -> None:
    assert not any(number.marks for number in digits.read(compose("2713 90", "5")).numbers)
