"""The chain from a picture to pieces that may be digits, in lines; each stage can be kept to be looked at."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lenet5.reading.cleaning import binarization, paper_light, remove_ruling, skew
from lenet5.reading.cleaning.grey import Float, encoded, grey, reduction
from lenet5.reading.cleaning.hairlines import without_hairlines
from lenet5.reading.cleaning.strokes import stroke_width
from lenet5.reading.opening.pictures import Picture
from lenet5.reading.segmentation import layout
from lenet5.reading.segmentation.cells import cells
from lenet5.reading.segmentation.found import Found
from lenet5.reading.segmentation.pieces import Piece, height_of_writing, joined, pen_width, pieces
from lenet5.reading.segmentation.signs import COMMA, Sign, signs

FLAT = 0.3  # height of the writing; a lower piece is a dash,
LYING = 2.5  # where its width is at least this multiple of its height
LARGE = 2.6  # times the height of the writing: a drawing, a stain, a frame
FINE = 0.004  # ink in squares of a piece's longer side; with less it is a drawn line, not writing
HATCHED = 0.5  # fraction of the ink in drawn lines from which nothing is writing
# A blot is at least BROAD times as wide as high, or as high as wide, and its strokes take BLOT of its narrower side.
BROAD, BLOT = 0.55, 0.6
ALONG = 0.5  # fraction of a piece's side on the picture's edge from which it is a shadow
MOST_HOLES = 50  # a digit has two, a speckled one some more
MOST_DIGITS = 6_000
SMALL = DASH, TOO_SMALL = "a dash", "too small for this writing"


@dataclass(frozen=True, eq=False)
class Stage:
    """One step: what it is called, its picture (H, W) float 0..1 or bool, what was found."""

    name: str
    image: NDArray[np.generic]
    said: str


@dataclass
class Trace:
    """The stages of one picture in order. One that is not `kept` holds no images."""

    kept: bool = False
    stages: list[Stage] = field(default_factory=list)

    def note(self, name: str, image: NDArray[np.generic], said: str = "") -> None:
        """Keep a stage, if any are kept."""
        if self.kept:
            self.stages.append(Stage(name, image, said))


def find(picture: Picture, trace: Trace | None = None, *, bright: bool | None = None) -> Found:
    """Return the pieces of a picture that may be digits.

    bright  whether the writing is brighter than its paper; found out where it is None
    """
    trace = trace or Trace()
    trace.note("picture", picture.pixels, f"{picture.width} x {picture.height} pixels")
    height, width = picture.height, picture.width
    factor, notes = reduction(*picture.pixels.shape[:2]) * picture.shrunk, list(picture.notes)
    shades = grey(picture.pixels)
    if trace.kept:
        trace.note("grey", encoded(shades), "in linear light" + (f", 1/{factor} as large" if factor > 1 else ""))
    found_ink = paper_light.ink(shades, bright=paper_light.is_bright(shades) if bright is None else bright)
    trace.note("paper", found_ink.paper, "bright writing" if found_ink.bright else "dark writing")
    ruling_ink = 0

    def found(lines: list[list[list[Piece]]], ink: Float, high: float = 0.0, turn: float = 0.0,
              rejected: list[tuple[Piece, str]] | None = None,
              named: list[Sign] | None = None, columns: list[list[int | None]] | None = None) -> Found:  # fmt: skip
        return Found(
            lines, ink, high, rejected or [], notes, turn, shades.shape, factor, width, height, ruling_ink, named or [],
            columns or [],
        )  # fmt: skip

    if not found_ink.contrast:
        notes.append("the page is empty")
        return found([], found_ink.amount)
    floor = np.float32(min(0.3, 3 * found_ink.noise))
    ink = np.clip((found_ink.amount - floor) / (1 - floor), 0, 1)
    trace.note("ink", ink, f"contrast {found_ink.contrast:.2f}, noise {found_ink.noise:.3f}")
    mask, how = binarization.mask(found_ink.amount, found_ink.noise)
    trace.note("mask", mask, how)
    degrees = skew.angle(mask)
    if degrees:
        ink, mask = skew.turned(ink, degrees), skew.turned(mask.astype(np.float32), degrees) > 0.5
        trace.note("level", mask, f"turned by {degrees:.1f} degrees")
    mask, taken, ruling = remove_ruling.without_rules(mask)
    if ruling:
        ruling_ink = int(taken.sum())
        ink = _without(ink, taken, mask)
        mask, ink = _repaired(mask, ink, taken)
        trace.note("without rules", mask, f"{len(ruling)} lines taken away")
    kept = pieces(mask)
    if kept is not None and _lines_ink(kept) > HATCHED * sum(piece.area for piece in kept):
        notes.append("most of the ink is thin lines: hatching")
        return found([], ink)
    if kept is not None:
        mask, taken = without_hairlines(mask, pen_width(kept), height_of_writing(kept))
        if taken.any():
            ruling_ink += int(taken.sum())
            ink = _without(ink, taken, mask)
            trace.note("without hairlines", mask, "what was left of ruling")
            kept = pieces(mask)
    if kept is None:
        notes.append("there are far too many pieces for writing: a texture")
        return found([], ink)
    high = height_of_writing(kept)
    kept, specks = joined(kept, high)
    if len(kept) > MOST_DIGITS:
        notes.append("there are far too many pieces for writing: a texture")
        return found([], ink)
    judged = [(piece, no_digit(piece, high, mask.shape)) for piece in kept]
    small = specks + [piece for piece, why in judged if why in SMALL or (not why and piece.height < COMMA * high)]
    digits = [piece for piece, why in judged if not why]
    rows = layout.lines([piece for piece in digits if piece.height >= COMMA * high])
    pen = pen_width(digits)
    named = [each for row in rows for each in signs(small, row, high, pen)]
    marks = {id(piece) for each in named for piece in each.pieces}
    judged = [(piece, why) for piece, why in judged if id(piece) not in marks]
    digits, rejected = [piece for piece, why in judged if not why], [(piece, why) for piece, why in judged if why]
    rows = layout.lines(digits)
    parted = [
        [(number, cell.column) for cell in line for number in layout.numbers(cell.pieces)]
        for line in cells(rows, ruling, high)
    ]
    lines = [[number for number, _ in line] for line in parted]
    columns = [[column for _, column in line] for line in parted]
    if trace.kept:
        trace.note(
            "pieces",
            _shown(digits, [piece for piece, _ in rejected], mask.shape),
            f"{len(digits)} pieces, {len(specks)} specks, writing {high:.0f} pixels high",
        )
    return found(lines, ink, high, degrees, rejected, named, columns)


def _shown(digits: list[Piece], others: list[Piece], shape: tuple[int, ...]) -> Float:
    """Draw pieces that may be digits full, and pieces that are none pale."""
    drawn = np.zeros(shape, np.float32)
    for group, amount in ((others, 0.25), (digits, 1.0)):
        for piece in group:
            part = drawn[piece.top : piece.bottom, piece.left : piece.right]
            part[piece.mask] = amount
    return drawn


def no_digit(piece: Piece, height: float, page: tuple[int, ...]) -> str | None:
    """Return why a piece's shape is no digit's, None where it may be one.

    height  of the writing
    page    (H, W) of the picture
    """
    if max(piece.height, piece.width / 2) > LARGE * height:
        return "too large for this writing"
    if piece.height < FLAT * height and piece.width > LYING * piece.height:
        return DASH
    if piece.height < FLAT * height:
        return TOO_SMALL
    if _along_an_edge(piece, page):
        return "runs along the picture's edge"
    if _holes(piece) > MOST_HOLES:
        return "a mesh"
    sides = sorted((piece.height, piece.width))
    if sides[0] > BROAD * sides[1] and stroke_width(piece.mask) > BLOT * sides[0]:
        return "a blot"
    return None


def _lines_ink(found: list[Piece]) -> int:
    """Return the ink in pieces that have less of it than the finest stroke along their longer side."""
    return sum(piece.area for piece in found if piece.area < FINE * max(piece.height, piece.width) ** 2)


def _along_an_edge(piece: Piece, page: tuple[int, ...]) -> bool:
    """Whether one side of a piece lies on the picture's edge, as a shadow's does, and the other side on none."""
    for low, high, length, first, last in (
        (piece.top, piece.bottom, page[0], piece.mask[0], piece.mask[-1]),
        (piece.left, piece.right, page[1], piece.mask[:, 0], piece.mask[:, -1]),
    ):
        at_low, at_high = low == 0, high == length
        if at_low != at_high and (first if at_low else last).mean() > ALONG:
            return True
    return False


def _holes(piece: Piece) -> int:
    """Return how many parts of the paper a piece's ink surrounds."""
    return int(ndimage.label(np.pad(~piece.mask, 1, constant_values=True))[1]) - 1


def _without(ink: Float, taken: NDArray[np.bool_], mask: NDArray[np.bool_]) -> Float:
    """Take the ink of lines away, their soft edges too, but no stroke's."""
    edges = ndimage.binary_dilation(taken, np.ones((3, 3)), iterations=2) & ~ndimage.binary_dilation(mask)
    return np.where(taken | edges, np.float32(0), ink)


def _repaired(mask: NDArray[np.bool_], ink: Float, taken: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], Float]:
    """Close the cuts of lines that strokes crossed at a flat angle."""
    closed = ndimage.binary_closing(np.pad(mask, 4), np.ones((5, 1)))[4:-4, 4:-4] & taken
    return mask | closed, np.where(closed, np.maximum(ink, 1), ink).astype(np.float32)
