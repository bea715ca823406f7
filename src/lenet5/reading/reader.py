"""Pictures in, pages of numbers out."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from lenet5 import metrics
from lenet5.errors import ModelError, ReadingError
from lenet5.inference.predictor import Predictor
from lenet5.reading.mnist import mnist_image
from lenet5.reading.page import Answer, Box, Digit, Line, Number, Page, Rejected
from lenet5.reading.pieces import Piece
from lenet5.reading.pipeline import Found, Trace, find
from lenet5.reading.source import Picture, pictures

NOT_A_DIGIT = "not a digit"  # the class of a model that tells digits from everything else
ANSWERS = 3
Cut = Callable[[Piece, float], tuple[Piece, ...]]


def whole(piece: Piece, height: float) -> tuple[Piece, ...]:
    """Return the digits in a piece of connected ink: the piece itself.

    height  of the writing, in the piece's pixels

    This is the door for what parts touching digits: `Reader` takes any function of this form as `cut`.
    """
    return (piece,)


class Reader:
    """Reads numbers in pictures with one model.

    model  its classes are the ten digits, and maybe "not a digit": pieces with this answer are rejected
    cut    parts a piece of connected ink into digits

    Raises ModelError for a model of something else.
    """

    def __init__(self, model: Predictor, *, cut: Cut = whole) -> None:
        names = model.model.card.class_names
        if not {str(digit) for digit in range(10)} <= set(names):
            raise ModelError(f"the model tells {', '.join(names[:3])} ... apart; reading numbers needs one of digits.")
        self.model, self.names, self._cut = model, names, cut

    def read(self, image: Any, *, bright: bool | None = None, trace: Trace | None = None) -> Page:
        """Return what one picture holds.

        image   a path, bytes, an open file, a Pillow image or an array; see `source.pictures`
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
        """Return what an opened picture holds."""
        found = find(picture, trace, bright=bright)
        lines = [[self._parted(number, found.height) for number in line] for line in found.lines]
        flat = [piece for line in lines for number in line for piece in number]
        read = iter(self._digits(flat, found, trace))
        rejected = [Rejected(found.box([piece]), why) for piece, why in found.rejected]
        done = []
        for line in lines:
            numbers = []
            for pieces in line:
                answers = [next(read) for _ in pieces]
                digits = [each for each in answers if isinstance(each, Digit)]
                rejected += [each for each in answers if isinstance(each, Rejected)]
                if digits:
                    numbers.append(Number(_around([digit.box for digit in digits]), tuple(digits)))
            if numbers:
                done.append(Line(tuple(numbers)))
        height, width = picture.pixels.shape[:2]
        return Page(picture.name, picture.page, width, height, tuple(done), tuple(rejected), tuple(found.notes))

    def _parted(self, number: list[Piece], height: float) -> list[Piece]:
        return [digit for piece in number for digit in self._cut(piece, height)]

    def _digits(self, pieces: list[Piece], found: Found, trace: Trace | None) -> list[Digit | Rejected]:
        """Answer for each piece."""
        if not pieces:
            return []
        images = np.stack([mnist_image(found.patch(piece)) for piece in pieces])
        if trace is not None:
            trace.note("prepared", images, "as the model sees them")
        scores = self.model.scores(images)
        shares, margins = metrics.softmax(scores), metrics.margin(scores)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :ANSWERS]
        result: list[Digit | Rejected] = []
        for index, piece in enumerate(pieces):
            answers = tuple(Answer(self.names[each], float(shares[index, each])) for each in best[index])
            box = found.box([piece])
            if answers[0].text == NOT_A_DIGIT:
                result.append(Rejected(box, f"not a digit, {answers[0].probability:.3f}"))
            else:
                result.append(Digit(box, answers, float(margins[index])))
        return result


def _around(boxes: list[Box]) -> Box:
    """Return the box around boxes."""
    return Box(
        min(box.left for box in boxes), min(box.top for box in boxes),
        max(box.right for box in boxes), max(box.bottom for box in boxes),
    )  # fmt: skip
