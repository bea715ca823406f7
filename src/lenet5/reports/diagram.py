"""The network as a picture: stacks of feature maps, each map drawn to scale, the layers' names below."""

from dataclasses import dataclass, replace
from typing import assert_never

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lenet5.reports import style
from lenet5.reports.summary import FUNCTIONS
from lenet5.spec.architecture import Architecture, PlacedLayer
from lenet5.spec.layers import (
    Activation,
    AveragePool,
    BatchNormalization,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    MaxPool,
    Rbf,
    Shape,
    Subsample,
)

# Lengths are in pixels of the input.
OFFSET = 1.5  # from one map of a stack to the next
GAP = 17.0  # from one layer to the next: room for the operation's words
BAR = 3.0  # width of a flat layer
FLAT_SCALE = 0.22  # height of one unit of a flat layer
SHADES = {"convolution": "#CFE3F1", "pool": "#FCE8C3", "flat": "#CDEBE0", "input": "#EDEDED"}


@dataclass(frozen=True)
class Block:
    """One stack or bar: its name, its shape, how it comes from the one before, and its colour."""

    name: str
    shape: Shape
    operation: str
    shade: str

    @property
    def flat(self) -> bool:
        return len(self.shape) == 1 or self.shape[1] == 1

    @property
    def width(self) -> float:
        return BAR if self.flat else self.shape[2] + OFFSET * (self.shape[0] - 1)


def diagram(architecture: Architecture, title: str) -> Figure:
    """Return the network from left to right: every layer that changes a shape, with name, size and operation."""
    blocks = _blocks(architecture)
    total = sum(block.width for block in blocks) + GAP * (len(blocks) - 1)
    height = 54.0
    with style.styled(grid=False):
        drawn = style.figure(12, 12 * height / (total + 8))
        axes = drawn.subplots()
        axes.set_axis_off()
        axes.set_aspect("equal")
        axes.set_title(title, loc="left", fontsize=12)
        left = 0.0
        for index, block in enumerate(blocks):
            _draw(axes, block, left)
            if index:
                _arrow(axes, left - GAP, left, block.operation)
            left += block.width + GAP
        axes.set_xlim(-4, total + 4)
        axes.set_ylim(-33, height - 33)
        return drawn


def _blocks(architecture: Architecture) -> list[Block]:
    """Return the input and every layer with a shape of its own; activations join the layer before them."""
    blocks = [Block("input", architecture.input, "", SHADES["input"])]
    for placed in architecture.placed:
        if isinstance(placed.layer, Activation):
            words = f"{blocks[-1].operation}\n{FUNCTIONS[placed.layer.function]}"
            blocks[-1] = replace(blocks[-1], operation=words)
        else:
            blocks += _block(placed)
    return blocks


def _block(placed: PlacedLayer) -> list[Block]:
    """Return the block that a layer makes; none where it changes no shape."""
    match placed.layer:
        case Convolution(kernel=kernel):
            words, shade = f"convolution\n{kernel}x{kernel}", "convolution"
        case AveragePool(size=size):
            words, shade = f"average\n{size}x{size}", "pool"
        case MaxPool(size=size):
            words, shade = f"maximum\n{size}x{size}", "pool"
        case Subsample(size=size):
            words, shade = f"subsampling\n{size}x{size}", "pool"
        case Dense():
            words, shade = "dense", "flat"
        case Rbf():
            words, shade = "RBF", "flat"
        case Activation() | Flatten() | BatchNormalization() | Dropout():
            return []
        case _:
            assert_never(placed.layer)
    return [Block(placed.name, placed.output_shape, words, SHADES[shade])]


def _draw(axes: Axes, block: Block, left: float) -> None:
    """Draw one stack of maps, or one bar of units, centred on height 0, and its name and size below."""
    if block.flat:
        height = max(4.0, block.shape[0] * FLAT_SCALE)
        _box(axes, left, -height / 2, BAR, height, block.shade)
        size = f"{block.shape[0]}"
    else:
        maps, height, width = block.shape
        rise = OFFSET * (maps - 1)
        for index in range(maps):  # the last map lies in front
            bottom = rise / 2 - height / 2 - OFFSET * index
            _box(axes, left + OFFSET * index, bottom, width, height, block.shade)
        size = f"{maps} of {height}x{width}" if maps > 1 else f"{height}x{width}"
    middle = left + block.width / 2
    axes.text(middle, -27.5, block.name, ha="center", va="center", fontsize=10, weight="bold")
    axes.text(middle, -31.5, size, ha="center", va="center", fontsize=8, color=style.INK)


def _box(axes: Axes, left: float, bottom: float, width: float, height: float, shade: str) -> None:
    axes.add_patch(Rectangle((left, bottom), width, height, facecolor=shade, edgecolor=style.INK, linewidth=0.6))


def _arrow(axes: Axes, start: float, end: float, words: str) -> None:
    arrow = {"arrowstyle": "-|>", "color": style.GREY, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (end - 2, 0), (start + 2, 0), arrowprops=arrow)
    axes.text((start + end) / 2, 1.5, words, ha="center", va="bottom", fontsize=7, color=style.INK)
