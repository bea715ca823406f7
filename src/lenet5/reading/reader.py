"""Pictures in, pages of numbers out."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from lenet5.errors import ModelError, ReadingError
from lenet5.inference.predictor import Predictor
from lenet5.reading import cut_close, fine_pattern, orientation
from lenet5.reading.constraints import Constraint
from lenet5.reading.opening.pictures import Picture, pictures
from lenet5.reading.page import Digit, Line, Mark, Number, Page, Rejected
from lenet5.reading.pipeline import Trace, find
from lenet5.reading.recognition.by_piece import Decoded
from lenet5.reading.recognition.decode import COMBINED, SLIDING, decoder
from lenet5.reading.recognition.marks import UNREAD, around, with_marks
from lenet5.reading.recognition.rejection import threshold
from lenet5.reading.recognition.slashes import MAY_BE_A_SLASH, leaning, with_slashes
from lenet5.reading.segmentation.found import Found
from lenet5.reading.segmentation.pieces import Piece
from lenet5.reading.segmentation.signs import REACH
from lenet5.spec.digits import NOT_A_DIGIT, knows_digits

IN_A_WORD = f"{NOT_A_DIGIT}: most marks beside it are none"
MANY = 6  # marks: one of two may be a sign beside a digit
DEFAULT = "digits-large"  # the shipped model that reads unless another is named
DEFAULTS = {SLIDING: "space-displacement"}  # of a method that needs another


class Reader:
    """Reads numbers in pictures with one model.

    model              its classes are the ten digits, and maybe "not a digit": pieces with this answer are rejected
    max_error_percent  reject answers until at most this percentage is wrong, by the calibration; None rejects none
    constraint         what every number must be like; see `constraints.parse`
    digits_only        leave signs and unread ink out of the text, as is done with a constraint; they are in `rejected`
    method             "combined", "lattice", or "space-displacement" with the model of that name; see `decode.decoder`

    Raises ModelError for a model of something else, ReadingError where its calibration knows no such error, for an
    unknown method, and for a constraint that the method cannot hold to.
    """

    def __init__(
        self,
        model: Predictor,
        *,
        max_error_percent: float | None = None,
        constraint: Constraint | None = None,
        method: str = COMBINED,
        digits_only: bool = False,
    ) -> None:
        names = model.model.card.class_names
        if not knows_digits(names):
            raise ModelError(f"the model tells {', '.join(names[:3])} ... apart; reading numbers needs one of digits.")
        self.model, self._decode = model, decoder(constraint, method)
        self.constrained = constraint is not None
        self.digits_only = digits_only or self.constrained
        self.threshold = None if max_error_percent is None else threshold(model.model.card, max_error_percent)

    def read(self, image: Any, *, bright: bool | None = None, trace: Trace | None = None) -> Page:
        """Return what one picture holds.

        image   a path, bytes, an open file, a Pillow image or an array; see `pictures.pictures`
        bright  whether the writing is brighter than its paper; found out where it is None
        trace   gets the stages

        Raises ReadingError, also where the file has several pages: then use `read_all`.
        """
        first = list(islice(pictures(image), 2))
        if len(first) > 1:
            raise ReadingError(f"{first[0].name}: has several pages; read them with read_all.")
        return self.page(first[0], bright=bright, trace=trace)

    def read_all(self, image: Any, *, bright: bool | None = None) -> Iterator[Page]:
        """Yield what each page of a picture holds; a TIFF or PDF may have several. Raises ReadingError."""
        return (self.page(picture, bright=bright) for picture in pictures(image))

    def page(self, picture: Picture, *, bright: bool | None = None, trace: Trace | None = None) -> Page:
        """Return what an opened picture holds, turned or given a margin where that reads better."""
        page = self._as_it_lies(picture, bright, trace)
        if orientation.is_doubtful(page):
            quarters, best = orientation.best(page, picture, lambda other: self._as_it_lies(other, bright, None))
            if quarters:
                if trace is not None:
                    trace.stages.clear()
                    best = self._as_it_lies(orientation.turned(picture, quarters), bright, trace)
                return orientation.turned_back(best, quarters)
        if bright is None and cut_close.is_doubtful(page):
            page = self._cut_close(page, picture, trace)
        if not bright and fine_pattern.is_doubtful(page):
            page = self._without_pattern(page, picture, trace)
        return page

    def _cut_close(self, page: Page, picture: Picture, trace: Trace | None) -> Page:
        bright, page = cut_close.best(page, picture, lambda other, bright: self._as_it_lies(other, bright, None))
        if bright is not None and trace is not None:
            trace.stages.clear()
            self._as_it_lies(cut_close.with_margin(picture, bright), bright, trace)
        return page

    def _without_pattern(self, page: Page, picture: Picture, trace: Trace | None) -> Page:
        plain, page = fine_pattern.best(page, picture, lambda other: self._as_it_lies(other, False, None))
        if plain is not picture and trace is not None:
            trace.stages.clear()
            self._as_it_lies(plain, False, trace)
        return page

    def _as_it_lies(self, picture: Picture, bright: bool | None, trace: Trace | None) -> Page:
        found = find(picture, trace, bright=bright)
        rejected = [Rejected(found.box([piece]), why) for piece, why in found.rejected]
        decoded = iter(self._decode([number for line in found.lines for number in line], found, self.model))
        lines = []
        for line, columns in zip(found.lines, found.columns, strict=True):
            own = list(islice(decoded, len(line)))
            if not self.constrained:
                own = [_without_words(number) for number in own]
            numbers = [
                self._number(number, column) for number, column in zip(own, columns, strict=True) if number.digits
            ]
            slashes = [mark for number in numbers for mark in number.marks]
            unread = [each for number in own for each in number.rejected]
            signs = _signs(found, line)
            if self.digits_only:
                rejected += unread + signs + [Rejected(mark.box, mark.why, mark.text) for mark in slashes]
                numbers = [replace(number, marks=()) for number in numbers]
            else:
                within = [each for number in own for each in _within(number)]
                marks = [Mark(each.box, each.sign or UNREAD, each.why, 0) for each in signs + within]
                numbers = with_marks(numbers, marks, REACH * found.height * found.factor)
                rejected += [each for each in unread if not each.sign or each not in within]
            if numbers:
                lines.append(Line(tuple(numbers)))
        page = Page(
            picture.name, picture.page, picture.width, picture.height, tuple(lines), tuple(rejected), tuple(found.notes)
        )
        if trace is not None and (seen := [digit.image for number in page.numbers for digit in number.digits]):
            trace.note("prepared", np.stack(seen), "as the model sees them")
        return page

    def _number(self, decoded: Decoded, column: int | None) -> Number:
        """Return a number, the slashes of a date and its unsure digits marked."""
        boxes = [digit.box for digit in decoded.digits]
        number = Number(around(boxes), decoded.digits, decoded.alternatives, column=column)
        if not self.constrained:
            number = with_slashes(number)
        doubtful = leaning(number) if self.threshold and not self.constrained else set()
        digits = (
            replace(digit, rejected=digit.rejected or MAY_BE_A_SLASH) if place in doubtful else self._judged(digit)
            for place, digit in enumerate(number.digits)
        )
        return replace(number, digits=tuple(digits))

    def _judged(self, digit: Digit) -> Digit:
        sure, least = digit.answers[0].probability, self.threshold.probability if self.threshold else 0.0
        if digit.rejected or sure >= least:
            return digit
        return replace(digit, rejected=f"probability {sure:.3f} is below {least:.3f}")


def _signs(found: Found, line: list[list[Piece]]) -> list[Rejected]:
    """Return the signs beside a line's pieces."""
    pieces = {id(piece) for number in line for piece in number}
    return [Rejected(found.box(sign.pieces), "a sign", sign.text) for sign in found.signs if id(sign.beside) in pieces]


def _without_words(number: Decoded) -> Decoded:
    """Return a number as read; where most of its marks, of many half, are no digits, as in a word, none of them is."""
    none, marks = len(number.rejected), len(number.rejected) + len(number.digits)
    if 2 * none < marks or (2 * none == marks and marks < MANY):
        return number
    words = tuple(Rejected(digit.box, IN_A_WORD) for digit in number.digits)
    return replace(number, digits=(), rejected=number.rejected + words)


def _within(number: Decoded) -> tuple[Rejected, ...]:
    """Return what stands unread in a number that was read."""
    return number.rejected if number.digits else ()
