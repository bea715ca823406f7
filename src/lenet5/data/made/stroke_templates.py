"""Stroke templates of digits that MNIST has few or none of, and of signs, with random joints.

MNIST's writers were Americans of 1990. Elsewhere a 1 has a flag and a serif, a 7 a bar, a 4 is open or one stroke, a 9
has a curved tail.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lenet5.data.made.pens import Paths, path

Float = NDArray[np.float64]
Random = np.random.Generator
Strokes = list[Float]
FINE = 12  # points between two joints of a curve


def _joints(random: Random, *joints: tuple[float, float], loose: float = 0.04) -> Float:
    """Return joints, (n, 2), each moved a little; a digit is 1 high, y downwards."""
    return np.array(joints) + random.normal(0, loose, (len(joints), 2))


def _curve(joints: Float) -> Float:
    """Return a smooth curve through joints: Catmull and Rom's (1974)."""
    ends = np.concatenate([2 * joints[:1] - joints[1:2], joints, 2 * joints[-1:] - joints[-2:-1]])
    t = np.linspace(0, 1, FINE, endpoint=False)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False)
    ]
    return np.concatenate([*parts, joints[-1:]])


def _ring(random: Random, x: float, y: float, wide: float, high: float) -> Float:
    """Return an oval that begins anywhere near its top and may stay open or overlap."""
    start = -np.pi / 2 + random.normal(0, 0.3)
    turn = np.linspace(start, start - 2 * np.pi * random.uniform(0.94, 1.05), 4 * FINE)
    size = random.normal(1, 0.08, 2)
    return np.stack([x + wide * size[0] * np.cos(turn), y + high * size[1] * np.sin(turn)], axis=1)


def one_with_flag(random: Random) -> Strokes:
    """A 1 with an upstroke of any length, half of them with a serif below."""
    reach = random.uniform(0.15, 0.55)
    foot = random.uniform(-0.05, 0.05)
    tip = (-reach, reach * random.uniform(0.6, 1.5))
    flag = _joints(random, tip, (0, 0), (foot, 1), loose=0.025)
    if random.random() < 0.3:
        flag = np.concatenate(
            [_curve(_joints(random, tip, (-0.4 * reach, 0.3 * tip[1]), (0, 0), loose=0.02)), flag[1:]]
        )
    half = random.uniform(0.12, 0.35)
    serif = _joints(random, (foot - half, 1), (foot + half, 1), loose=0.025)
    return [flag, serif] if random.random() < 0.5 else [flag]


def seven(random: Random) -> Strokes:
    """A 7, most with a bar through it, some with a serif where its top begins."""
    top, bend = random.uniform(0.45, 0.7), random.uniform(-0.08, 0.12)
    foot = random.uniform(0.0, 0.3)
    stem = _curve(_joints(random, (top, 0), (0.5 * (top + foot) - bend, 0.48), (foot, 1), loose=0.02))
    body = np.concatenate([_joints(random, (0, random.uniform(-0.04, 0.08)), loose=0.02), stem])
    if random.random() < 0.25:
        body = np.concatenate([_joints(random, (0.0, random.uniform(0.12, 0.25)), loose=0.02), body])
    if random.random() < 0.2:
        return [body]
    x, y, half = 0.5 * (top + foot), random.uniform(0.42, 0.6), random.uniform(0.14, 0.3)
    return [body, _joints(random, (x - half, y + random.normal(0, 0.04)), (x + half, y), loose=0.02)]


def open_four(random: Random) -> Strokes:
    """A 4 whose top stays open: a corner or a curve, and a stem through it or beside it."""
    low, right = random.uniform(0.5, 0.72), random.uniform(0.45, 0.65)
    left = _joints(
        random, (random.uniform(0.05, 0.3), 0), (0, low), (right + random.uniform(0.0, 0.25), low), loose=0.03
    )
    if random.random() < 0.4:
        left = _curve(np.insert(left, 2, [0.15, low + 0.06], axis=0))
    return [
        left,
        _joints(random, (right, random.uniform(-0.05, 0.35)), (right - random.uniform(-0.05, 0.12), 1), loose=0.03),
    ]


def four_in_one(random: Random) -> Strokes:
    """A 4 in one stroke: from its right top down to the left, along, up with or without a loop, and down."""
    low, right = random.uniform(0.5, 0.7), random.uniform(0.4, 0.6)
    top = _joints(random, (right, 0), loose=0.03)
    if random.random() < 0.5:  # closed: the stem begins where the stroke began
        corner = _joints(
            random, (0, low), (right + random.uniform(0.1, 0.3), low - random.uniform(0, 0.05)), loose=0.03
        )
        return [np.concatenate([_joints(random, (right, 1), loose=0.03), top, corner])]
    curve = _joints(
        random, (random.uniform(0.1, 0.3), 0), (0, low), (0.6 * right, low + 0.02), (right + 0.04, 0.45),
        (right + 0.06, 0.2), loose=0.03,
    )  # fmt: skip
    stem = _joints(random, (right + random.uniform(-0.05, 0.05), 1), loose=0.03)
    return [np.concatenate([_curve(curve), stem])]


def nine(random: Random) -> Strokes:
    """A 9 whose tail is curved, to the left or in a hook, or straight."""
    wide, high = random.uniform(0.2, 0.32), random.uniform(0.2, 0.3)
    ring = _ring(random, 0, high, wide, high)
    turn = np.linspace(0, -2 * np.pi * random.uniform(0.9, 1.05), 4 * FINE)
    ring = np.stack([wide * np.cos(turn), high + high * np.sin(turn)], axis=1)
    reach = random.uniform(0.0, 0.5)
    tail = _joints(
        random, (wide * random.uniform(0.9, 1.1), 0.55), (wide * 0.8, 0.85), (wide * 0.8 - 0.4 * reach, 1.0),
        (wide * 0.7 - reach, 1.0 - random.uniform(0, 0.15)), loose=0.025,
    )  # fmt: skip
    return [np.concatenate([ring[:-1], _curve(np.concatenate([ring[-1:], tail]))])]


def three_with_flat_top(random: Random) -> Strokes:
    """A 3 whose upper half is a corner, as of a Z."""
    right, middle = random.uniform(0.4, 0.6), random.uniform(0.38, 0.48)
    top = _joints(random, (0, 0), (right, 0), (random.uniform(0.15, 0.3), middle), loose=0.03)
    bowl = _joints(random, (right, middle + 0.15), (right, 0.85), (0.25, 1), (-0.05, 0.88), loose=0.03)
    return [np.concatenate([top[:2], _curve(np.concatenate([top[2:], bowl]))])]


def eight_of_two_rings(random: Random) -> Strokes:
    """An 8 of two rings that touch."""
    upper, lower = random.uniform(0.18, 0.26), random.uniform(0.22, 0.3)
    return [
        _ring(random, 0, upper, upper, upper),
        _ring(random, random.normal(0, 0.03), 2 * upper + lower, lower, lower),
    ]


def slashed_zero(random: Random) -> Strokes:
    """A 0 with a stroke through it."""
    wide = random.uniform(0.26, 0.4)
    across = _joints(random, (random.uniform(0.7, 1.3) * wide, random.uniform(-0.05, 0.25)),
                     (-random.uniform(0.7, 1.3) * wide, random.uniform(0.75, 1.05)), loose=0.02)  # fmt: skip
    return [_ring(random, 0, 0.5, wide, 0.5), across]


def plus(random: Random) -> Strokes:
    """A plus sign."""
    return [_joints(random, (0, 0.5), (1, 0.5)), _joints(random, (0.5, 0), (0.5, 1))]


def times(random: Random) -> Strokes:
    """A multiplication sign."""
    wide = random.uniform(0.6, 1.1)
    return [_joints(random, (0, 0), (wide, 1)), _joints(random, (wide, 0), (0, 1))]


def dash(random: Random) -> Strokes:
    """A minus sign or an equals sign."""
    lines = [_joints(random, (0, 0), (1, 0))]
    return lines if random.random() < 0.5 else [*lines, lines[0] + [0, random.uniform(0.25, 0.5)]]


def dot(random: Random) -> Strokes:
    """A point: as large as a digit, once a reader has enlarged it."""
    return [_ring(random, 0, 0.5, size, size) for size in np.linspace(0.05, 0.5, 6)]


def dollar(random: Random) -> Strokes:
    """A dollar sign: an S, and one or two lines through it or only out of its ends."""
    wide = random.uniform(0.22, 0.34)
    curve = _curve(
        _joints(
            random, (wide, 0.2), (0, 0.1), (-wide, 0.27), (0, 0.48), (wide, 0.7), (0, 0.9), (-wide, 0.78), loose=0.03
        )
    )
    lean, reach = random.uniform(-0.06, 0.06), random.uniform(0.02, 0.15)
    if random.random() < 0.25:
        return [
            curve,
            _joints(random, (lean, -reach), (lean, 0.12), loose=0.02),
            _joints(random, (-lean, 0.88), (-lean, 1 + reach), loose=0.02),
        ]
    line = _joints(random, (lean, -reach), (-lean, 1 + reach), loose=0.02)
    aside = np.array([random.uniform(0.05, 0.1), 0])
    return [curve, line] if random.random() < 0.7 else [curve, line - aside, line + aside]


def percent(random: Random) -> Strokes:
    """A percent sign: two small rings and a line between."""
    wide, size = random.uniform(0.5, 0.9), random.uniform(0.12, 0.2)
    line = _joints(random, (random.uniform(0.8, 1.05) * wide, 0), (random.uniform(-0.05, 0.2) * wide, 1), loose=0.03)
    return [_ring(random, size, size, size, size), line, _ring(random, wide, 1 - size, size, size)]


Shape = Callable[[Random], Strokes]
DIGITS: tuple[tuple[Shape, int, float], ...] = (  # shape, label, fraction
    (one_with_flag, 1, 0.26), (seven, 7, 0.22), (open_four, 4, 0.12), (four_in_one, 4, 0.12), (nine, 9, 0.16),
    (three_with_flat_top, 3, 0.04), (eight_of_two_rings, 8, 0.04), (slashed_zero, 0, 0.04),
)  # fmt: skip
SIGNS: tuple[tuple[Shape, int, float], ...] = (
    (plus, 10, 0.3), (times, 10, 0.3), (dash, 10, 0.1), (dot, 10, 0.06), (dollar, 10, 0.16), (percent, 10, 0.08),
)  # fmt: skip


def shaped(shapes: tuple[tuple[Shape, int, float], ...], count: int, random: Random) -> Paths:
    """Return about `count` paths of these shapes in their fractions, each with joints of its own."""
    points, down, labels = [], [], []
    for shape, label, fraction in shapes:
        for _ in range(round(fraction * count)):
            own, pen = path(shape(random))
            points.append(own)
            down.append(pen)
            labels.append(label)
    return Paths(np.stack(points), np.stack(down), np.array(labels, np.int64))
