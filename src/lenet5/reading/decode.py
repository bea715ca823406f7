"""Numbers -> digits: pieces that are surely one digit as they stand, and a lattice for all other numbers."""

from lenet5.inference.predictor import Predictor
from lenet5.reading.constraints import Constraint
from lenet5.reading.page import Rejected
from lenet5.reading.pieces import Piece
from lenet5.reading.pipeline import Found
from lenet5.reading.touching import NumberReading, read_numbers
from lenet5.reading.whole import Decode, Decoded, whole

SURE = 0.9  # a number in which every piece is a digit with this probability need not be cut
LIKELY = 0.5  # where no piece is a digit as it stands, each digit that cuts make must be one with this probability


def decoder(constraint: Constraint | None = None) -> Decode:
    """Return what reads the numbers of a picture.

    constraint  what every number must be like; then all are weighed as a whole
    """

    def decode(numbers: list[list[Piece]], found: Found, model: Predictor) -> list[Decoded]:
        result = whole(numbers, found, model)
        doubtful = [index for index, plain in enumerate(result) if constraint or not _sure(plain)]
        readings = read_numbers([numbers[index] for index in doubtful], found, model, constraint)
        for index, reading in zip(doubtful, readings, strict=True):
            result[index] = _weighed(result[index], reading, numbers[index], found, constraint)
        return result

    return decode


def _sure(plain: Decoded) -> bool:
    return not plain.rejected and all(digit.answers[0].probability >= SURE for digit in plain.digits)


def _weighed(
    plain: Decoded, reading: NumberReading, pieces: list[Piece], found: Found, constraint: Constraint | None
) -> Decoded:
    """Return a number as the lattice reads it, unless it is no number at all."""
    likely = all(digit.answers[0].probability >= LIKELY for digit in reading.digits)
    if not constraint and not (plain.digits or (reading.digits and likely)):
        return plain  # a word, a drawing, a stain
    if not reading.digits:
        said = constraint.said if constraint else "any number"
        return Decoded((), (Rejected(found.box(pieces), f"cannot be read as {said}"),))
    return Decoded(reading.digits, (), reading.alternatives)
