"""Degradation of digits as by pens, paper and cameras: stroke width, gaps, dirt, blur, noise, pale ink.

Every function takes images (N, 28, 28) uint8, 0 = background, and draws for each image how much of it happens; many are
left alone.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lenet5.data.prepare import resized
from lenet5.spec.digits import SIDE

Pixels = NDArray[np.uint8]
Random = np.random.Generator
FINE = 3  # cells of the grid on which strokes are changed, to a pixel's side


def restroked(images: Pixels, random: Random) -> Pixels:
    """Make strokes thicker or thinner by thirds of a pixel, every second sharp-edged, every fifth broken."""
    N = len(images)
    change = random.choice([-2, -1, 0, 1, 2, 3, 4], N, p=[0.12, 0.16, 0.24, 0.16, 0.14, 0.1, 0.08])
    sharp, broken = random.random(N) < 0.5, random.random(N) < 1 / 5
    angle, place, wide = random.uniform(0, np.pi, N), random.uniform(-6, 6, N), random.uniform(0.8, 2.3, N)
    fine = np.rint(resized(images.astype(np.float32), FINE * SIDE)).astype(np.uint8)  # (N, 84, 84)
    fine[sharp] = np.where(fine[sharp] > 110, np.uint8(255), np.uint8(0))
    for by in (1, 2, 3, 4):
        fine[change == by] = _spread(fine[change == by], by)
    for by in (1, 2):
        fine[change == -by] = 255 - _spread(255 - fine[change == -by], by)
    cut = np.flatnonzero(broken)
    fine[cut] *= ~_lines(angle[cut], place[cut], wide[cut])
    result: Pixels = np.rint(fine.reshape(N, SIDE, FINE, SIDE, FINE).mean(axis=(2, 4), dtype=np.float32)).astype(
        np.uint8
    )
    worn = result.reshape(N, -1).max(axis=1) < 128  # thin strokes that thinning wiped out stay as they were
    result[worn] = images[worn]
    return result


def _spread(images: Pixels, radius: int) -> Pixels:
    """Return images in which every pixel is the brightest of a disc around it: many times as fast as SciPy's filter."""
    padded = np.pad(images, ((0, 0), (radius, radius), (radius, radius)))
    side, result = images.shape[1], images.copy()
    for down in range(-radius, radius + 1):
        for right in range(-radius, radius + 1):
            if down**2 + right**2 <= radius * (radius + 1):
                rows, columns = (slice(radius + by, radius + by + side) for by in (down, right))
                np.maximum(result, padded[:, rows, columns], out=result)
    return result


def _lines(angle: NDArray[np.float64], place: NDArray[np.float64], wide: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return a straight line for each image, on the fine grid: `wide` pixels wide, `place` pixels from the middle."""
    across = (np.arange(FINE * SIDE) + 0.5) / FINE - SIDE / 2
    x, y = across[None, None, :], across[None, :, None]
    away = x * np.cos(angle)[:, None, None] + y * np.sin(angle)[:, None, None] - place[:, None, None]
    line: NDArray[np.bool_] = np.abs(away) < wide[:, None, None] / 2
    return line


def with_dirt(images: Pixels, others: Pixels, random: Random) -> Pixels:
    """Add what does not belong to the digit: a neighbour's piece at a side, a ruled line, specks.

    others  (N, 28, 28) the neighbours
    """
    N = len(images)
    result = images.copy()
    kinds = random.choice(4, N, p=[0.55, 0.2, 0.1, 0.15])  # none, neighbour, line, specks
    columns, left, right = random.integers(2, 6, N), random.random(N) < 0.6, random.random(N) < 0.6
    for index in np.flatnonzero(kinds == 1):
        wide = columns[index]
        piece = others[index][:, 10 : 10 + wide]
        for there, place in ((left, slice(0, wide)), (right, slice(SIDE - wide, SIDE))):
            if there[index]:
                np.maximum(result[index][:, place], piece, out=result[index][:, place])
    row, dark, thick = random.integers(2, 26, N), random.uniform(80, 255, N), random.integers(1, 3, N)
    upright = random.random(N) < 0.4
    for index in np.flatnonzero(kinds == 2):
        view = result[index].T if upright[index] else result[index]
        lines = view[row[index] : row[index] + thick[index]]
        np.maximum(lines, np.uint8(dark[index]), out=lines)
    for index in np.flatnonzero(kinds == 3):
        places = random.integers(0, SIDE, (2, int(random.integers(1, 5))))
        result[index][tuple(places)] = random.integers(100, 256, places.shape[1])
    return result


def seen_badly(images: Pixels, random: Random) -> Pixels:
    """Blur, pale ink, grey paper, noise, and pixels of the wrong kind: what a camera, a scanner and a threshold add."""
    N = len(images)
    values = images.astype(np.float32)
    blur = random.choice(4, N, p=[0.6, 0.18, 0.15, 0.07])
    for kind, sigma in ((1, 0.5), (2, 0.85), (3, 1.3)):
        values[blur == kind] = ndimage.gaussian_filter(values[blur == kind], (0, sigma, sigma))
    pale = np.where(random.random(N) < 0.35, random.uniform(0.35, 1.0, N), 1.0)
    paper = np.where(random.random(N) < 0.2, random.uniform(0, 50, N), 0.0)
    rough = random.choice(3, N, p=[0.55, 0.15, 0.3])  # even, grainy, or with pixels of the wrong kind
    grain = np.where(rough == 1, random.uniform(0, 55, N), 0.0)
    share = np.where(rough == 2, random.uniform(0, 0.14, N), 0.0)
    pale, paper, grain, share = (each[:, None, None].astype(np.float32) for each in (pale, paper, grain, share))
    values = values * pale + paper * (1 - values / 255) + grain * random.standard_normal(values.shape, np.float32)
    wrong = random.random(values.shape, np.float32) < share
    seen: Pixels = np.rint(np.clip(np.where(wrong, 255 - values, values), 0, 255)).astype(np.uint8)
    return seen
