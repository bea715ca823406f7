"""Confidence of a page's digits, its doubtful digits and its unread marks, in sentences for a person."""

from collections.abc import Iterator

from lenet5.reading.page import Digit, Number, Page
from lenet5.reading.recognition.slashes import MAY_BE_A_SLASH, ONE, leaning

DOUBTFUL = 0.9  # a digit with a lower probability is named
NAMED = 5  # doubtful digits, and unread marks, named one by one


def sentences(page: Page) -> list[str]:
    """Return how sure the least sure digit is, then the doubtful digits and the unread marks with their places."""
    digits = [(number, digit) for number in page.numbers for digit in number.digits if not digit.rejected]
    doubtful = sorted(
        (each for each in digits if _probability(each[1]) < DOUBTFUL), key=lambda each: _probability(each[1])
    )
    slashes = [
        f"doubtful: {ONE} in {number.text} at x = {number.digits[place].box.left} {MAY_BE_A_SLASH}"
        for number in page.numbers
        for place in sorted(leaning(number))
        if not number.digits[place].rejected
    ]
    marks = [
        f"a mark at x = {each.box.left}, y = {each.box.top} was not read: {each.why}"
        for each in sorted(page.rejected, key=lambda each: (each.box.left, each.box.top))
    ]
    return [
        *_least_sure([digit for _, digit in digits]),
        *_some([_doubt(number, digit) for number, digit in doubtful] + slashes, "doubtful digits"),
        *_some(marks, "marks that were not read"),
    ]


def _least_sure(digits: list[Digit]) -> Iterator[str]:
    if digits:
        count = f"{len(digits):,} digits" if len(digits) > 1 else "1 digit"
        yield f"{count}, the least sure {_percent(min(map(_probability, digits)))}"


def _doubt(number: Number, digit: Digit) -> str:
    place = f"doubtful: {digit.text} in {number.text} at x = {digit.box.left}, {_percent(_probability(digit))} sure"
    other = digit.answers[1]
    if not other.text.isdigit() and other.probability > _probability(digit):
        return f"{place}; by itself it looks like {other.text}"
    digits = [answer.text for answer in digit.answers[1:] if answer.text.isdigit()]
    return f"{place}, perhaps {digits[0]}" if digits else place


def _some(named: list[str], what: str) -> list[str]:
    """Return the first sentences, and how many more there are."""
    more = len(named) - NAMED
    return named[:NAMED] + ([f"{more:,} more {what}; --json has them all"] if more > 0 else [])


def _probability(digit: Digit) -> float:
    return digit.answers[0].probability


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
