"""Numbers -> digits by the space displacement network: the same answers as the lattice gives, without a cut."""

from itertools import pairwise

import numpy as np

from lenet5 import metrics
from lenet5.data.pixels import extent
from lenet5.inference.predictor import Predictor
from lenet5.reading.page import Answer, Box, Digit, Rejected
from lenet5.reading.recognition.alignment import Run, aligned
from lenet5.reading.recognition.by_piece import ANSWERS, Decoded
from lenet5.reading.recognition.sdnn import at_every_column, evidence, line_image
from lenet5.reading.segmentation.found import Found
from lenet5.reading.segmentation.pieces import Piece, union
from lenet5.spec.digits import SIDE


def by_sdnn(numbers: list[list[Piece]], found: Found, model: Predictor) -> list[Decoded]:
    """Return what numbers say. Raises ModelError for a network that cannot be slid, see `engines/line.py`."""
    return [_read(number, found, model) for number in numbers]


def _read(number: list[Piece], found: Found, model: Predictor) -> Decoded:
    side, names = model.model.architecture.input[1], model.class_names
    line = line_image(number, found, side)
    scores = at_every_column(line, model)
    runs = aligned(evidence(scores, names))
    if not runs:
        return Decoded((), (Rejected(found.box(number), "no window on it sees a digit"),))
    shares, margins = metrics.softmax(scores / np.float32(model.temperature)), metrics.margin(scores)
    longer = np.rint(255 * np.pad(line, ((0, 0), (0, side)))).astype(np.uint8)
    edge = (side - SIDE) // 2
    digits = []
    for run, box in zip(runs, _boxes(union(*number), found, runs, line.shape[1] - side), strict=True):
        place, text = run.best, str(run.digit)
        others = [index for index in np.argsort(-scores[place], kind="stable") if names[index] != text]
        order = [names.index(text), *others[: ANSWERS - 1]]
        best = tuple(Answer(names[index], float(shares[place, index])) for index in order)
        window = longer[edge : edge + SIDE, place + edge : place + edge + SIDE]
        digits.append(Digit(box, best, float(margins[place]), window))
    return Decoded(tuple(digits))


def _boxes(number: Piece, found: Found, runs: list[Run], width: int) -> list[Box]:
    """Return the box around each digit's ink: up to halfway between its middle and the next one's.

    width  of the number in its line, where a window that begins at a column has its middle on that of the number
    """
    middles = [(run.first + run.last) / 2 * number.width / width for run in runs]
    borders = [round((one + other) / 2) for one, other in pairwise(middles)]
    boxes = []
    for start, end in zip([0, *borders], [*borders, number.width], strict=True):
        start = min(start, number.width - 1)
        mask = number.mask[:, start : max(end, start + 1)]
        if not mask.any():  # a digit that was seen in a gap
            mask = np.ones_like(mask)
        rows, columns = extent(mask)
        left, right = number.left + start + columns.start, number.left + start + columns.stop
        boxes.append(
            found.box([Piece(number.top + rows.start, number.top + rows.stop, left, right, mask[rows, columns])])
        )
    return boxes
