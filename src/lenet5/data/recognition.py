"""Known data sets recognised by what their images show, also turned or inverted.

The mean image of each class, less the mean of all classes, is compared with those of MNIST and Fashion-MNIST in each of
eight orientations. The mean correlation over the classes is 0.62 or more for 30 images of the same set and 0.9 for 200,
at most 0.5 for MNIST in another orientation, and about 0.1 for other images.
`looks.npz` holds the mean images of the training sets.
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = 10
ENOUGH = 2_000  # images looked at
FEWEST = 20
LIKENESS = 0.4  # correlation from which images are recognised
LEAD = 0.08  # by which they must be more like one set in one orientation than like any other
ORIENTATIONS = {
    "": (0, False),
    "turned by 90 degrees to the left": (1, False),
    "turned upside down": (2, False),
    "turned by 90 degrees to the right": (3, False),
    "transposed (rows for columns, as EMNIST's files have them)": (0, True),
    "mirrored top to bottom": (1, True),
    "transposed and turned upside down": (2, True),
    "mirrored left to right": (3, True),
}


@dataclass(frozen=True)
class Look:
    """The known set that images look like, and how they are turned: "" for upright."""

    name: str
    orientation: str
    inverted: bool


def look(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Look | None:
    """Return what images (N, 28, 28) with labels 0 to 9 look like; None where they are like no known set."""
    images, labels = images[:ENOUGH], labels[:ENOUGH]
    if len(labels) < FEWEST:
        return None
    here = np.unique(labels)
    if len(here) < 3 or here[-1] >= CLASSES:
        return None
    means = _centred(np.stack([images[labels == label].mean(axis=0) for label in here]))
    scores = {
        (name, orientation): _likeness(means, _turned(_centred(reference[here]), orientation))
        for name, reference in _references().items()
        for orientation in ORIENTATIONS
    }
    (name, orientation), score = max(scores.items(), key=lambda item: abs(item[1]))
    second = max(abs(other) for key, other in scores.items() if key != (name, orientation))
    if abs(score) < LIKENESS or abs(score) - second < LEAD:
        return None
    return Look(name, orientation, inverted=score < 0)


def hint(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> str:
    """Return a sentence where images are those of a known set, turned or inverted; else ""."""
    seen = look(images, labels)
    if seen is None or not (seen.orientation or seen.inverted):
        return ""
    how = " and ".join(filter(None, [seen.orientation, "inverted (dark on light)" if seen.inverted else ""]))
    return f"The images look {how}: compared with those of {seen.name}."


@cache
def _references() -> dict[str, NDArray[np.uint8]]:
    with resources.files("lenet5.data").joinpath("looks.npz").open("rb") as file, np.load(file) as looks:
        return {name: looks[name] for name in looks}


def _centred(means: NDArray[Any]) -> NDArray[np.float64]:
    centred: NDArray[np.float64] = means.astype(np.float64) - means.mean(axis=0)
    return centred


def _turned(means: NDArray[np.float64], orientation: str) -> NDArray[np.float64]:
    quarters, transposed = ORIENTATIONS[orientation]
    turned = np.rot90(means, quarters, axes=(1, 2))
    return turned.transpose(0, 2, 1) if transposed else turned


def _likeness(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the correlation of two sets of mean images, its mean over the classes."""
    lengths = np.sqrt((one**2).sum(axis=(1, 2)) * (other**2).sum(axis=(1, 2)))
    return float(((one * other).sum(axis=(1, 2)) / np.maximum(lengths, 1e-9)).mean())
