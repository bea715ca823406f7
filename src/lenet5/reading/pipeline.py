"""The stages from a picture to pieces that may be digits, in lines; each stage's image can be kept to be looked at."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lenet5.reading.cleaning import binarization, paper_light, remove_ruling, skew
from lenet5.reading.cleaning.binarization import Mask
from lenet5.reading.cleaning.grey import Float, encoded, grey, reduction
from lenet5.reading.cleaning.hairlines import without_hairlines
from lenet5.reading.cleaning.line_candidates import Rule
from lenet5.reading.opening.pictures import Picture
from lenet5.reading.segmentation import layout
from lenet5.reading.segmentation.cells import cells
from lenet5.reading.segmentation.found import Found
from lenet5.reading.segmentation.pieces import Piece, height_of_writing, joined, pen_width, pieces
from lenet5.reading.segmentation.shapes import SMALL, hatched, no_digit
from lenet5.reading.segmentation.signs import COMMA, Sign, signs

MOST_DIGITS = 6_000
EMPTY = "the page is empty"
HATCHING = "most of the ink is thin lines: hatching"
TEXTURE = "there are far too many pieces for writing: a texture"


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


@dataclass(eq=False)
class Work:
    """A picture between two stages, with what the stages so far have found.

    bright  whether the writing is brighter than its paper; None where that is to be found out
    factor  by which the picture is reduced
    light   (H, W) linear light
    amount  (H, W) ink as it was measured, 0..1
    noise   of the paper, in the same units
    ink     (H, W) ink without noise and ruling, level
    mask    (H, W) where there is ink
    rules   the ruling taken away
    taken   pixels of ink taken away with it
    height  of the writing, px
    specks  pieces too small for a digit and joined to none
    """

    picture: Picture
    trace: Trace
    bright: bool | None
    notes: list[str]
    factor: int = field(init=False)
    light: Float = field(init=False)
    amount: Float = field(init=False)
    noise: float = field(init=False)
    ink: Float = field(init=False)
    mask: Mask = field(init=False)
    degrees: float = 0.0
    rules: list[Rule] = field(default_factory=list)
    taken: int = 0
    height: float = 0.0
    pieces: list[Piece] = field(default_factory=list)
    specks: list[Piece] = field(default_factory=list)
    lines: list[list[list[Piece]]] = field(default_factory=list)
    columns: list[list[int | None]] = field(default_factory=list)
    rejected: list[tuple[Piece, str]] = field(default_factory=list)
    signs: list[Sign] = field(default_factory=list)

    def found(self) -> Found:
        """Return what the last stage left."""
        return Found(
            self.lines, self.ink, self.height, self.rejected, self.notes, self.degrees, self.light.shape, self.factor,
            self.picture.width, self.picture.height, self.taken, self.signs, self.columns,
        )  # fmt: skip


def find(picture: Picture, trace: Trace | None = None, *, bright: bool | None = None) -> Found:
    """Return the pieces of a picture that may be digits.

    bright  whether the writing is brighter than its paper; found out where it is None
    """
    work = Work(picture, trace or Trace(), bright, list(picture.notes))
    for stage in STAGES:
        if (nothing := stage(work)) is not None:
            work.notes.append(nothing)
            break
    return work.found()


# Each stage takes the work further, and returns why nothing is to be read where that shows.


def reduce_to_grey(work: Work) -> None:
    """Picture -> light, with fewer pixels where there are more than writing needs."""
    picture, trace = work.picture, work.trace
    trace.note("picture", picture.pixels, f"{picture.width} x {picture.height} pixels")
    work.factor = reduction(*picture.pixels.shape[:2]) * picture.shrunk
    work.light = grey(picture.pixels)
    if trace.kept:
        smaller = f", 1/{work.factor} as large" if work.factor > 1 else ""
        trace.note("grey", encoded(work.light), "in linear light" + smaller)


def divide_by_paper(work: Work) -> str | None:
    """Light -> ink: the paper's uneven light is divided out."""
    bright = paper_light.is_bright(work.light) if work.bright is None else work.bright
    found = paper_light.ink(work.light, bright=bright)
    work.trace.note("paper", found.paper, "bright writing" if bright else "dark writing")
    work.ink = work.amount = found.amount
    work.noise = found.noise
    if not found.contrast:
        return EMPTY
    floor = np.float32(min(0.3, 3 * found.noise))
    work.ink = np.clip((found.amount - floor) / (1 - floor), 0, 1)
    work.trace.note("ink", work.ink, f"contrast {found.contrast:.2f}, noise {found.noise:.3f}")
    return None


def binarize(work: Work) -> None:
    """Ink -> mask."""
    work.mask, how = binarization.mask(work.amount, work.noise)
    work.trace.note("mask", work.mask, how)


def level(work: Work) -> None:
    """Turn ink and mask until the writing is level."""
    work.degrees = skew.angle(work.mask)
    if work.degrees:
        work.ink = skew.turned(work.ink, work.degrees)
        work.mask = skew.turned(work.mask.astype(np.float32), work.degrees) > 0.5
        work.trace.note("level", work.mask, f"turned by {work.degrees:.1f} degrees")


def take_ruling(work: Work) -> None:
    """Take ruled lines and frames away."""
    work.mask, taken, work.rules = remove_ruling.without_rules(work.mask)
    if work.rules:
        work.taken = int(taken.sum())
        work.ink = _without(work.ink, taken, work.mask)
        work.mask, work.ink = _repaired(work.mask, work.ink, taken)
        work.trace.note("without rules", work.mask, f"{len(work.rules)} lines taken away")


def cut_out_pieces(work: Work) -> str | None:
    """Mask -> connected pieces; hairlines that were left of ruling are taken away."""
    found = pieces(work.mask)
    if found is None:
        return TEXTURE
    if hatched(found):
        return HATCHING
    work.mask, taken = without_hairlines(work.mask, pen_width(found), height_of_writing(found))
    if taken.any():
        work.taken += int(taken.sum())
        work.ink = _without(work.ink, taken, work.mask)
        work.trace.note("without hairlines", work.mask, "what was left of ruling")
        found = pieces(work.mask)
    if found is None:
        return TEXTURE
    high = height_of_writing(found)
    kept, specks = joined(found, high)
    if len(kept) > MOST_DIGITS:
        return TEXTURE
    work.height, work.pieces, work.specks = high, kept, specks
    return None


def lay_out(work: Work) -> None:
    """Pieces -> lines of numbers, signs, and what is no digit."""
    high = work.height
    judged = [(piece, no_digit(piece, high, work.mask.shape)) for piece in work.pieces]
    small = [piece for piece, why in judged if why in SMALL or (not why and piece.height < COMMA * high)]
    digits = [piece for piece, why in judged if not why]
    rows, pen = layout.lines([piece for piece in digits if piece.height >= COMMA * high]), pen_width(digits)
    work.signs = [each for row in rows for each in signs(work.specks + small, row, high, pen)]
    of_signs = {id(piece) for each in work.signs for piece in each.pieces}
    judged = [(piece, why) for piece, why in judged if id(piece) not in of_signs]
    digits, work.rejected = [piece for piece, why in judged if not why], [(piece, why) for piece, why in judged if why]
    parted = [
        [(number, cell.column) for cell in line for number in layout.numbers(cell.pieces)]
        for line in cells(layout.lines(digits), work.rules, high)
    ]
    work.lines = [[number for number, _ in line] for line in parted]
    work.columns = [[column for _, column in line] for line in parted]
    if work.trace.kept:
        work.trace.note(
            "pieces",
            _shown(digits, [piece for piece, _ in work.rejected], work.mask.shape),
            f"{len(digits)} pieces, {len(work.specks)} specks, writing {high:.0f} pixels high",
        )


STAGES: tuple[Callable[[Work], str | None], ...] = (
    reduce_to_grey, divide_by_paper, binarize, level, take_ruling, cut_out_pieces, lay_out,
)  # fmt: skip


def _shown(digits: list[Piece], others: list[Piece], shape: tuple[int, ...]) -> Float:
    """Draw pieces that may be digits full, and pieces that are none pale."""
    drawn = np.zeros(shape, np.float32)
    for group, amount in ((others, 0.25), (digits, 1.0)):
        for piece in group:
            part = drawn[piece.top : piece.bottom, piece.left : piece.right]
            part[piece.mask] = amount
    return drawn


def _without(ink: Float, taken: NDArray[np.bool_], mask: NDArray[np.bool_]) -> Float:
    """Take the ink of lines away, their soft edges too, but no stroke's."""
    edges = ndimage.binary_dilation(taken, np.ones((3, 3)), iterations=2) & ~ndimage.binary_dilation(mask)
    return np.where(taken | edges, np.float32(0), ink)


def _repaired(mask: NDArray[np.bool_], ink: Float, taken: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], Float]:
    """Close the cuts of lines that strokes crossed at a flat angle."""
    closed = ndimage.binary_closing(np.pad(mask, 4), np.ones((5, 1)))[4:-4, 4:-4] & taken
    return mask | closed, np.where(closed, np.maximum(ink, 1), ink).astype(np.float32)
