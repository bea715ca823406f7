"""Pen strokes drawn as images of digits: any pen, pressure, slant and speed, in MNIST's form.

A digit is a path of `POINTS` points; between two of them the pen is down or up. Legend: N digits, P points of a path.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lenet5.spec.digits import BOX, SIDE

Pixels = NDArray[np.uint8]
Float = NDArray[np.float64]
Random = np.random.Generator
POINTS = 48
CHUNK = 250  # digits drawn at a time, so that memory stays bounded
WIDTHS = (1.2, 3.6)  # px of the pen in the 28x28 image; MNIST's own are about 1.5 to 4
SLANT, SQUEEZE, ROTATION, BEND = 0.35, 0.3, 0.12, 0.03  # amplitudes; rotation in radians, bends in heights
PRESSURE = 0.35  # amplitude of the change in the pen's width along the path
FASTEST = 3  # points over which a fast pen rounds its corners


@dataclass(frozen=True, eq=False)
class Paths:
    """Digits as paths of a pen.

    points  (N, POINTS, 2) x and y, y downwards, in any unit
    down    (N, POINTS - 1) whether the pen is down between a point and the next
    labels  (N,) int64
    """

    points: Float
    down: NDArray[np.bool_]
    labels: NDArray[np.int64]

    def some(self, indices: NDArray[np.int64]) -> "Paths":
        """Return the digits at these places."""
        return Paths(self.points[indices], self.down[indices], self.labels[indices])


def path(strokes: list[Float]) -> tuple[Float, NDArray[np.bool_]]:
    """Return one digit's strokes, each (points, 2), as a row of `Paths`: POINTS points at nearly equal distances."""
    lengths = [max(float(np.hypot(*np.diff(stroke, axis=0).T).sum()), 1e-6) for stroke in strokes]
    left, points, down = POINTS, [], np.ones(POINTS - 1, bool)
    for place, (stroke, length) in enumerate(zip(strokes, lengths, strict=True)):
        later = len(strokes) - place - 1
        count = int(np.clip(round(left * length / sum(lengths[place:])), 2, left - 2 * later))
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
        places = np.linspace(0, along[-1], count)
        points.append(np.stack([np.interp(places, along, stroke[:, axis]) for axis in (0, 1)], axis=1))
        left -= count
        if later:
            down[POINTS - left - 1] = False
    return np.concatenate(points), down


def written(paths: Paths, random: Random) -> Pixels:
    """Return every digit drawn once, (N, 28, 28): each by a hand and a pen of its own, its middle in the middle."""
    chunks = [slice(begin, begin + CHUNK) for begin in range(0, len(paths.labels), CHUNK)]
    return np.concatenate([_drawn(paths.points[chunk], paths.down[chunk], random) for chunk in chunks])


def _drawn(points: Float, down: NDArray[np.bool_], random: Random) -> Pixels:
    N = len(points)
    thinnest, thickest = np.log(WIDTHS)
    width = np.exp(random.uniform(thinnest, thickest, N))
    radius = 0.5 * width[:, None] * _pressure(N, random)
    placed = _fitted(_by_another_hand(_faster(points, down, random), random), down, width)
    return _inked(placed, down, radius)


def _faster(points: Float, down: NDArray[np.bool_], random: Random) -> Float:
    """Round the corners of some paths: each point is the mean of its stroke's points around it."""
    result = points
    reach = random.integers(0, FASTEST + 1, len(points))[:, None, None]
    for step in range(FASTEST):
        both = down[:, :-1] & down[:, 1:]
        mean = result.copy()
        inner = (result[:, :-2] + 2 * result[:, 1:-1] + result[:, 2:]) / 4
        mean[:, 1:-1] = np.where(both[..., None], inner, result[:, 1:-1])
        result = np.where(step < reach, mean, result)
    return result


def _by_another_hand(points: Float, random: Random) -> Float:
    """Slant, squeeze, turn and bend each path; the result is about 1 high."""
    N = len(points)
    low, high = points.min(axis=1, keepdims=True), points.max(axis=1, keepdims=True)
    x, y = np.moveaxis((points - (low + high) / 2) / (high - low).max(axis=2, keepdims=True).clip(1e-6), 2, 0)
    squeeze = np.exp(random.uniform(-SQUEEZE, SQUEEZE, (N, 1)))
    x = x * squeeze - random.uniform(-SLANT, SLANT, (N, 1)) * y
    turn = random.uniform(-ROTATION, ROTATION, (N, 1))
    x, y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)

    def bend(along: Float) -> Float:
        waves, phase = random.uniform(0.5, 1.5, (N, 1)), random.uniform(0, 2 * np.pi, (N, 1))
        return np.asarray(BEND * random.standard_normal((N, 1)) * np.sin(2 * np.pi * waves * along + phase))

    return np.stack([x + bend(y), y + bend(x)], axis=2)


def _pressure(count: int, random: Random) -> Float:
    """Return how wide each pen is along its path, in parts of its width: (count, POINTS)."""
    along = np.linspace(0, 1, POINTS)
    waves, phase = random.uniform(0.3, 3, (count, 1)), random.uniform(0, 2 * np.pi, (count, 1))
    amount = PRESSURE * random.random((count, 1)) ** 2
    return np.asarray(1 + amount * np.sin(2 * np.pi * waves * along + phase))


def _fitted(points: Float, down: NDArray[np.bool_], width: Float) -> Float:
    """Return paths in px of the image: the ink's longer side is BOX, the middle of the ink in the image's middle."""
    size = np.ptp(points, axis=1).max(axis=1)
    scaled = points * ((BOX - width) / size.clip(1e-6))[:, None, None]
    length = np.hypot(*np.moveaxis(np.diff(scaled, axis=1), 2, 0)) * down + 1e-9
    between = (scaled[:, 1:] + scaled[:, :-1]) / 2
    centre = (between * length[..., None]).sum(axis=1) / length.sum(axis=1)[:, None]
    return np.asarray(scaled - centre[:, None] + (SIDE - 1) / 2)


def _inked(points: Float, down: NDArray[np.bool_], radius: Float) -> Pixels:
    """Return how much of each pixel is within the pen's radius of a path, (N, 28, 28)."""
    nearest = np.full((len(points), SIDE, SIDE), -np.inf, np.float32)
    across = np.arange(SIDE, dtype=np.float32)
    start, step = points[:, :-1].astype(np.float32), np.diff(points, axis=1).astype(np.float32)
    unit = step / np.maximum((step**2).sum(axis=2, keepdims=True), np.float32(1e-6))
    wide = ((radius[:, 1:] + radius[:, :-1]) / 2).astype(np.float32)
    wide[~down] = -np.inf
    for place in range(points.shape[1] - 1):
        x = across - start[:, place, 0, None]  # (N, columns)
        y = across - start[:, place, 1, None]  # (N, rows)
        u, v = step[:, place, 0, None, None], step[:, place, 1, None, None]
        # How far along the segment, 0..1, the nearest point of each pixel lies: (N, rows, columns).
        along = (x * unit[:, place, 0, None])[:, None, :] + (y * unit[:, place, 1, None])[:, :, None]
        np.clip(along, 0, 1, out=along)
        away = (x[:, None, :] - along * u) ** 2 + (y[:, :, None] - along * v) ** 2
        np.maximum(nearest, wide[:, place, None, None] - np.sqrt(away, out=away), out=nearest)
    image: Pixels = np.rint(255 * np.clip(nearest + np.float32(0.5), 0, 1)).astype(np.uint8)
    return image
