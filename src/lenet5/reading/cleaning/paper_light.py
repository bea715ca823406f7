"""Light -> ink: which of dark and bright is the writing, uneven light divided out.

Ink is 0 on paper and 1 at full darkness, in sRGB's steps: an even picture gives back its own grey levels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lenet5.data.pixels import blocks, resampled
from lenet5.reading.cleaning.grey import Float, encoded

SMALL_SIDE = 320  # px of the small copy on which the paper is looked for
VOTING_SIDE = 64  # px of the smaller one on which bright and dark are told apart
DARKEST = np.float32(0.002)  # of the light that white gives: below, a ratio tells nothing
DESK = 0.3  # of the paper's light: what is darker over a whole window, and reaches the edge, lies beside the paper
DESK_EDGE = 5  # px of the small copy: where desk and paper meet neither can be told
STEP_PX = 4  # px of the small copy within which the paper ends


@dataclass(frozen=True, eq=False)
class Ink:
    """How much ink there is at each pixel.

    amount   (H, W) float32: 0 on paper, 1 at the picture's full ink
    paper    (H, W) float32: the light of the paper that was divided out, encoded
    bright   whether the writing is brighter than the paper
    contrast how dark full ink is, 0..1 of white to black; 0 on an empty page
    noise    standard deviation of the paper, in parts of the full ink
    """

    amount: Float
    paper: Float
    bright: bool
    contrast: float
    noise: float


def is_bright(light: Float) -> bool:
    """Whether the writing is brighter than its paper: strokes are the few that stand out from what is around them."""
    small = encoded(_small(light, VOTING_SIDE))
    around = ndimage.median_filter(small, size=max(3, round(max(small.shape) / 3)) | 1, mode="nearest")
    away = (small - around).astype(np.float64)
    frame = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    # A digit cut close covers much of its picture; then the frame, which is mostly paper, still tells.
    votes = np.sign((away**3).sum()) + 0.5 * np.sign(small.mean() - np.median(frame))
    return bool(votes > 0)


def ink(light: Float, *, bright: bool) -> Ink:
    """Return the ink of a picture."""
    if bright:
        value = encoded(light)
        paper = _up(_opened(_small(value)), light.shape)
        depth = np.clip(value - paper, 0, None)
    else:
        closed = _closed(_small(light))
        paper_light = np.maximum(_up(closed, light.shape), DARKEST)
        depth = 1 - encoded(np.minimum(light / paper_light, 1))
        if (desk := _desk(closed)).any():
            depth[_up(desk.astype(np.float32), light.shape) > 0.5] = 0
        paper = encoded(np.clip(paper_light, 0, 1))
    contrast, noise = _full(depth)
    if not contrast:
        return Ink(np.zeros_like(depth), paper, bright, 0.0, 0.0)
    return Ink(np.minimum(depth / np.float32(contrast), 1), paper, bright, contrast, noise / contrast)


FAINTEST = 0.04  # contrast of the faintest pencil that is taken for writing
CLEAR = 5  # how many times the paper's own roughness ink must stand out


def _full(depth: Float) -> tuple[float, float]:
    """Return the depth of full ink and the noise of the paper; 0 where nothing stands out."""
    step = max(1, int(np.sqrt(depth.size / 500_000)))
    paper = depth[::step, ::step]
    middle = float(np.median(paper))
    noise = 1.4826 * float(np.median(np.abs(paper - middle)))
    # Of the pixels that stand out at all, the darker fifth: thin strokes are paler at their sides.
    smooth = depth if min(depth.shape) < 60 else ndimage.uniform_filter(depth, 3)[::step, ::step]
    out = smooth[smooth > max(FAINTEST, middle + CLEAR * noise)]
    if out.size < 4:
        return 0.0, noise
    darkest = float(np.percentile(out, 99))
    return float(np.percentile(out[out >= 0.5 * darkest], 70)), noise


def _small(values: Float, side: int = SMALL_SIDE) -> Float:
    """Return a copy whose longer side is at most `side`: each pixel the mean of a block."""
    factor = -(-max(values.shape) // side)
    if factor <= 1:
        return values
    height, width = (-(-length // factor) * factor for length in values.shape)
    padded = np.pad(values, ((0, height - values.shape[0]), (0, width - values.shape[1])), mode="edge")
    means: Float = blocks(padded, factor).mean(axis=(1, 3))
    return means


def _window(small: Float) -> int:
    """The side of the square that a stroke must not fill: odd."""
    return int(np.clip(min(small.shape) / 2.5, 7, 61)) | 1


def _closed(small: Float) -> Float:
    """The paper under dark writing."""
    smooth = ndimage.uniform_filter(ndimage.grey_closing(small, _window(small)), 5, mode="nearest")
    result: Float = np.maximum(smooth, DARKEST)
    return result


def _opened(small: Float) -> Float:
    """The paper under bright writing."""
    smooth: Float = ndimage.uniform_filter(ndimage.grey_opening(small, _window(small)), 5, mode="nearest")
    return smooth


def _desk(paper: Float) -> NDArray[np.bool_]:
    """Return where a small copy shows what lies beside the paper and darker, with the strip where both meet."""
    dark = paper < DESK * np.percentile(paper, 90)
    labels, count = ndimage.label(dark)
    if not count:
        return dark
    frame = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    outside = np.isin(labels, np.unique(frame[frame > 0]))
    border = ndimage.binary_dilation(outside, iterations=2) & ~outside
    # Light falls off slowly over paper; where the paper ends it is another within a few pixels.
    if not border.any() or _steps(paper)[border].mean() < 0.5:
        return np.zeros_like(dark)
    return np.asarray(ndimage.maximum_filter(outside, 2 * DESK_EDGE + 1))


def _steps(paper: Float) -> NDArray[np.bool_]:
    """Return where the light of a small copy more than halves within a few pixels."""
    return np.asarray(
        ndimage.minimum_filter(paper, 2 * STEP_PX + 1) < 0.5 * ndimage.maximum_filter(paper, 2 * STEP_PX + 1)
    )


def _up(small: Float, shape: tuple[int, ...]) -> Float:
    """Stretch a small copy over the whole picture, between the centres of its blocks."""
    if small.shape == shape:
        return small
    factor = -(-max(shape) // SMALL_SIDE)
    return resampled(small, small.shape[0] * factor, small.shape[1] * factor, "bilinear")[: shape[0], : shape[1]]
