"""Numbers -> digits: pieces that are surely one digit as they stand, and a lattice where they are not."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from lenet5.errors import ReadingError
from lenet5.inference.predictor import Predictor
from lenet5.reading.constraints import Constraint
from lenet5.reading.page import Alternative, Digit, Rejected
from lenet5.reading.recognition.by_lattice import NumberReading, read_numbers
from lenet5.reading.recognition.by_piece import Decode, Decoded, by_piece, gathered
from lenet5.reading.recognition.by_sdnn import by_sdnn
from lenet5.reading.recognition.second_opinion import second_network
from lenet5.reading.segmentation.found import Found
from lenet5.reading.segmentation.pieces import Piece

SURE = 0.9  # a piece that is a digit with this probability need not be cut
MAINLY = 0.5  # of its pieces are digits as they stand, then it is a number; otherwise
LIKELY = 0.5  # each digit that cuts make must be one with this probability,
SLENDER = 0.25  # and not all be as narrow as a 1, in parts of their height: a texture cut into strips
MOST_ALTERNATIVES = 2
COMBINED: Final = "combined"
LATTICE: Final = "lattice"
SLIDING: Final = "space-displacement"
METHODS = (COMBINED, LATTICE, SLIDING)


def decoder(constraint: Constraint | None = None, method: str = COMBINED) -> Decode:
    """Return what reads the numbers of a picture.

    constraint  what every number must be like; then all are weighed as a whole
    method      one of `METHODS`: cut at every candidate and choose; slid along without a cut; or the first, and where
                it is in doubt both

    Raises ReadingError for another method, and for a constraint that the method cannot hold to.
    """
    if method not in METHODS:
        raise ReadingError(f'there is no method "{method}"; there are {", ".join(METHODS)}.')
    if method == SLIDING and constraint:
        raise ReadingError(f"{SLIDING} cannot hold to {constraint.said}; leave that out, or take {COMBINED}.")
    if method == SLIDING:
        return by_sdnn

    def decode(numbers: list[list[Piece]], found: Found, model: Predictor) -> list[Decoded]:
        second = second_network(model.engine.name, model.engine.device) if method == COMBINED else None
        if constraint:
            return _constrained(numbers, found, model, constraint, second)
        return _free(numbers, found, model, second)

    return decode


def _constrained(
    numbers: list[list[Piece]], found: Found, model: Predictor, constraint: Constraint, second: Predictor | None
) -> list[Decoded]:
    readings = read_numbers(numbers, found, model, constraint, second=second)
    return [
        Decoded(reading.digits, (), reading.alternatives)
        if reading.digits
        else Decoded((), (Rejected(found.box(number), f"cannot be read as {constraint.said}"),))
        for number, reading in zip(numbers, readings, strict=True)
    ]


def _free(numbers: list[list[Piece]], found: Found, model: Predictor, second: Predictor | None) -> list[Decoded]:
    """Weigh what is doubtful: the lattice of all of a page would cost ten times as much, and say the same."""
    answers = by_piece(numbers, found, model)
    doubtful = [_doubtful(own) for own in answers]
    stretches = [number[own] for number, each in zip(numbers, doubtful, strict=True) for own in each]
    certain = [_is_number(own) for own, each in zip(answers, doubtful, strict=True) for _ in each]
    # The second network chooses between digits, and finds 1s in any texture: it is asked only about what is a number
    # without it.
    readings = read_numbers(
        stretches,
        found,
        model,
        second=second,
        ask=lambda place, reading: _is_read(reading, is_number=certain[place]),
    )
    judged: Iterator[NumberReading | None] = iter(
        reading if _is_read(reading, is_number=kind) else None for reading, kind in zip(readings, certain, strict=True)
    )
    return [
        _joined(own, [(stretch, reading) for stretch in each if (reading := next(judged)) is not None])
        for own, each in zip(answers, doubtful, strict=True)
    ]


def _is_number(answers: list[Digit | Rejected]) -> bool:
    return sum(isinstance(each, Digit) for each in answers) >= MAINLY * len(answers)


def _doubtful(answers: list[Digit | Rejected]) -> list[slice]:
    """Return the stretches of a number in which a piece is not surely a digit, with a neighbour on either side.

    A doubtful piece may be a part of the digit beside it. A sign is not, and ends a stretch.
    """
    signs = {place for place, each in enumerate(answers) if isinstance(each, Rejected) and each.sign}
    unsure = [
        place
        for place, each in enumerate(answers)
        if place not in signs and (isinstance(each, Rejected) or each.answers[0].probability < SURE)
    ]
    near = {place + step for place in unsure for step in (-1, 0, 1)}
    within = {place for place in near - signs if 0 <= place < len(answers)}
    starts = sorted(place for place in within if place - 1 not in within)
    ends = sorted(place + 1 for place in within if place + 1 not in within)
    return [slice(start, end) for start, end in zip(starts, ends, strict=True)]


def _joined(answers: list[Digit | Rejected], accepted: list[tuple[slice, NumberReading]]) -> Decoded:
    """Return a number: its stretches as they were weighed, and what stands between as it stands."""
    if not accepted:
        return gathered(answers)
    borders = [0, *(place for stretch, _ in accepted for place in (stretch.start, stretch.stop)), len(answers)]
    between = [gathered(answers[start:end]) for start, end in list(pairwise(borders))[::2]]
    digits = between[0].digits
    for (_, reading), after in zip(accepted, between[1:], strict=True):
        digits += reading.digits + after.digits
    rejected = tuple(each for part in between for each in part.rejected)
    return Decoded(digits, rejected, _alternatives(between, [reading for _, reading in accepted]))


def _is_read(reading: NumberReading, *, is_number: bool) -> bool:
    """Whether a reading is taken; a word, a drawing or a stain is cut into something like digits, too."""
    if is_number or not reading.digits:
        return bool(reading.digits)
    likely = all(digit.answers[0].probability >= LIKELY for digit in reading.digits)
    boxes = [digit.box for digit in reading.digits]
    slender = sum(box.right - box.left for box in boxes) < SLENDER * sum(box.bottom - box.top for box in boxes)
    return likely and not (slender and len(boxes) > 2)


def _alternatives(between: list[Decoded], readings: list[NumberReading]) -> tuple[Alternative, ...]:
    """Return a number's next best readings: one stretch read otherwise, the others at their best."""
    texts = ["".join(digit.text for digit in part.digits) for part in between]
    found = []
    for place, reading in enumerate(readings):
        others = 1.0
        for other in readings[:place] + readings[place + 1 :]:
            others *= other.posterior
        for each in reading.alternatives:
            chosen = [other.text for other in readings]
            chosen[place] = each.text
            text = texts[0] + "".join(own + after for own, after in zip(chosen, texts[1:], strict=True))
            found.append(Alternative(text, each.posterior * others))
    return tuple(sorted(found, key=lambda each: -each.posterior)[:MOST_ALTERNATIVES])
