"""Table I and the codes of Figure 3 of the 1998 paper."""

import numpy as np
from matplotlib.figure import Figure

from lenet5.reports import style
from lenet5.spec import paper

WIDTH, HEIGHT = 7, 12  # pixels of a code


def table_1() -> Figure:
    """Return which maps of S2 each map of C3 sees, as a grid: S2 down, C3 across."""
    seen = paper.maps_seen()
    grid = np.array([[s2 in maps for maps in seen] for s2 in range(6)])
    with style.styled(grid=False):
        drawn = style.figure(7.5, 3.3)
        axes = drawn.subplots()
        axes.imshow(grid, cmap="Blues", vmin=0, vmax=1.6)
        axes.set_xticks(range(16))
        axes.set_yticks(range(6))
        axes.set_xticks(np.arange(-0.5, 16), minor=True)
        axes.set_yticks(np.arange(-0.5, 6), minor=True)
        axes.grid(which="minor", color="white", lw=2)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_visible(False)
        for s2, c3 in zip(*np.nonzero(grid), strict=True):
            axes.text(c3, s2, "X", ha="center", va="center", color=style.INK)
        axes.set_xlabel("map of C3")
        axes.set_ylabel("map of S2")
        axes.set_title("Table I: which maps of S2 each map of C3 sees (60 kernels)", loc="left")
        return drawn


def codes() -> Figure:
    """Return the ten 7x12 codes side by side, with the pixel distances that matter."""
    drawings = np.array(paper.codes()).reshape(10, HEIGHT, WIDTH)
    with style.styled(grid=False):
        drawn = style.figure(10, 2.3)
        for digit, axes in enumerate(drawn.subplots(1, 10)):
            axes.imshow(drawings[digit], cmap="gray_r", vmin=-1, vmax=1)
            axes.set_xticks(np.arange(-0.5, WIDTH), minor=True)
            axes.set_yticks(np.arange(-0.5, HEIGHT), minor=True)
            axes.grid(which="minor", color="#CCCCCC", lw=0.5)
            axes.tick_params(which="both", length=0, labelbottom=False, labelleft=False)
            axes.set_title(str(digit))
        drawn.suptitle("Figure 3: the codes, +1 black and -1 white; 84 numbers each", x=0.01, ha="left", fontsize=11)
        return drawn
