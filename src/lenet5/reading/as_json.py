"""A page as plain values for JSON, one form for `lenet5 read --json` and the HTTP API.

Boxes are [left, top, right, bottom] in pixels, ends excluded. `rejected` of a digit says why its answer is not given,
null where it is; that of the page lists ink that was not taken for digits.
"""

from dataclasses import asdict, astuple
from typing import Any

from lenet5.reading.page import Digit, Number, Page


def page_as_json(page: Page) -> dict[str, Any]:
    """Return a page as dictionaries, lists, strings and numbers."""
    return {
        "name": page.name,
        "page": page.page,
        "width": page.width,
        "height": page.height,
        "text": page.text,
        "lines": [{"text": line.text, "numbers": [_number(each) for each in line.numbers]} for line in page.lines],
        "rejected": [{"box": astuple(each.box), "why": each.why} for each in page.rejected],
        "notes": list(page.notes),
    }


def _number(number: Number) -> dict[str, Any]:
    return {
        "text": number.text,
        "box": astuple(number.box),
        "column": number.column,
        "rejected": any(digit.rejected for digit in number.digits),
        "digits": [_digit(each) for each in number.digits],
        "marks": [
            {"text": each.text, "box": astuple(each.box), "why": each.why, "place": each.place} for each in number.marks
        ],
        "alternatives": [asdict(each) for each in number.alternatives],
    }


def _digit(digit: Digit) -> dict[str, Any]:
    return {
        "text": digit.text,
        "box": astuple(digit.box),
        "answers": [asdict(answer) for answer in digit.answers],
        "margin": digit.margin,
        "rejected": digit.rejected or None,
    }
