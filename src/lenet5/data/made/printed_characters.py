"""Printed characters: from the fonts that matplotlib brings along, so that nothing is fetched."""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lenet5.data.pixels import extent
from lenet5.spec.digits import BOX, SIDE

TYPEFACES = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSansMono-Bold",
    "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralBol",
    "STIXGeneralBolIta", "STIXGeneralItalic", "cmb10", "cmr10", "cmss10", "cmtt10",
)  # fmt: skip


@cache
def glyph(character: str, typeface: str) -> NDArray[np.uint8]:
    """Return one printed character in MNIST's form: (28, 28) uint8, its longer side 20 pixels, its box in the middle.

    typeface  one of `TYPEFACES`
    """
    drawn = _drawn(character, typeface)
    ink = drawn[extent(drawn > 0)]
    scale = BOX / max(ink.shape)
    small = _mean_of_areas(_mean_of_areas(ink, scale).T, scale).T
    image = np.zeros((SIDE, SIDE), np.uint8)
    top, left = ((SIDE - length) // 2 for length in small.shape)
    image[top : top + small.shape[0], left : left + small.shape[1]] = np.rint(small)
    return image


def printed(
    characters: str, count: int, random: np.random.Generator, typefaces: tuple[str, ...] = TYPEFACES
) -> NDArray[np.uint8]:
    """Return characters drawn at random, in typefaces drawn at random: (count, 28, 28) uint8."""
    chosen, faces = random.choice(list(characters), count), random.choice(typefaces, count)
    return np.stack([glyph(str(a), str(b)) for a, b in zip(chosen, faces, strict=True)])


def _drawn(character: str, typeface: str) -> NDArray[np.uint8]:
    """Return a character some 100 pixels high."""
    from matplotlib import ft2font, get_data_path  # takes a quarter of a second to import

    font = ft2font.FT2Font(str(Path(get_data_path()) / "fonts" / "ttf" / f"{typeface}.ttf"))
    font.set_size(100, 72)
    font.set_text(character, 0.0, flags=ft2font.LoadFlags.NO_HINTING)
    font.draw_glyphs_to_bitmap(antialiased=True)
    return np.array(font.get_image())


def _mean_of_areas(ink: NDArray[np.generic], scale: float) -> NDArray[np.float64]:
    """Shrink the lines of a picture: each new line is the mean of what it covers."""
    height = max(1, round(len(ink) * scale))
    sums = np.vstack([np.zeros(ink.shape[1]), np.cumsum(ink, axis=0, dtype=np.float64)])
    edges = np.linspace(0, len(ink), height + 1)
    before = np.floor(edges).astype(int).clip(max=len(ink) - 1)
    at_edges = sums[before] + (edges - before)[:, None] * np.diff(sums, axis=0)[before]
    means: NDArray[np.float64] = np.diff(at_edges, axis=0) * height / len(ink)
    return means
