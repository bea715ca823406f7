"""Style of the pictures: colours, sizes and fonts.

Figures are made without pyplot, so there is no global state, and drawing needs no display.
The colours are Okabe and Ito's, which colour-blind readers tell apart.
"""

import io
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lenet5 import files

BLUE, ORANGE, GREEN, RED, INK, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#222222", "#9A9A9A"
SERIES = (BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "#F0E442", INK)
TRAIN, TEST, PUBLISHED = ORANGE, BLUE, INK
TRAIN_TEXT = "#9A5B00"  # orange, dark enough to read
DOTS_PER_INCH = 150
NOTEBOOK_DOTS_PER_INCH = 80
SETTINGS: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "svg.hashsalt": "lenet5",  # the same figure gives the same bytes
}


def styled(*, grid: bool = True) -> AbstractContextManager[None]:
    """Draw in the house's style inside this context."""
    return mpl.rc_context(SETTINGS | {"axes.grid": grid})


class Picture(Figure):
    """A figure that a notebook shows without pyplot."""

    def _repr_png_(self) -> bytes:
        return png(self)


def png(drawn: Figure) -> bytes:
    """Return a figure as the bytes of a PNG file."""
    content = io.BytesIO()
    with styled():
        drawn.savefig(content, format="png", dpi=NOTEBOOK_DOTS_PER_INCH, metadata={"Software": None})
    return content.getvalue()


def figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches."""
    made = Picture(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(made)
    return made


def save(drawn: Figure, path: Path) -> list[Path]:
    """Write a figure as `path`.png and `path`.svg, each whole or not at all. Raises RunError."""
    written = []
    for suffix, metadata in ((".png", {"Software": None}), (".svg", {"Date": None})):
        content = io.BytesIO()
        with styled():
            drawn.savefig(content, format=suffix[1:], dpi=DOTS_PER_INCH, metadata=metadata)
        target = path.with_name(path.name + suffix)
        files.write_atomically(target, content.getvalue())
        written.append(target)
    return written
