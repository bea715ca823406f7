"""A user's own images as a data set: parts, class names, and the description of what came."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lenet5.data.own import contents as raw
from lenet5.data.own import form, layouts
from lenet5.data.own.contents import Contents
from lenet5.errors import DataError
from lenet5.seeds import stream

ALL = "all"
FEWEST_CLASSES, MOST_CLASSES = 2, 100
TEST_OF = 5  # without given parts, one image in five of each class is for the test
NO_IMAGES = np.zeros(0, np.int64)
DRAWN = 14  # characters across, for an image
MOST_DRAWN = 10
SHADES = " .:*#"
SHOWN = 10  # unreadable files, classes and sizes named in a description


@dataclass(frozen=True, eq=False)
class OwnData:
    """Images of a user.

    images      (N, 28, 28) uint8, ink bright
    labels      (N,) int64
    parts       part -> indices of its images; the first or last images of "train" hold its classes in proportion
    given       whether the parts were given; otherwise they follow a fixed rule
    sizes       height and width as they came -> how many images
    inverted    whether they came dark on light
    unreadable  a sentence for each file or row that was left out
    """

    path: Path
    layout: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    parts: dict[str, NDArray[np.int64]]
    given: bool
    sizes: Counter[tuple[int, int]]
    inverted: bool
    unreadable: tuple[str, ...]

    def description(self) -> list[str]:
        """Return lines that tell what came: count, parts, classes, sizes, polarity, files left out."""
        counts = np.bincount(self.labels, minlength=len(self.class_names))
        told = [f"{name} ({count:,})" for name, count in zip(self.class_names, counts, strict=True)]
        sizes = [f"{width}x{height} ({count:,})" for (height, width), count in self.sizes.most_common(SHOWN)]
        parts = ", ".join(f"{len(indices):,} {part}" for part, indices in self.parts.items() if part != ALL)
        rule = "as given" if self.given else f"split by a fixed rule, one in {TEST_OF} of each class to test"
        polarity = f"{'dark on light, inverted to be ' if self.inverted else ''}bright on dark, as MNIST is"
        lines = [
            f"images  {len(self.labels):,} from {self.layout}: {parts} ({rule})",
            f"classes {len(self.class_names)}: {_shortened(told)}",
            f"sizes   {_shortened(sizes, len(self.sizes))} -> 28x28; {polarity}",
        ]
        if self.unreadable:
            lines.append(f"left out, {len(self.unreadable):,}:")
            lines += [f"  {sentence}" for sentence in self.unreadable[:SHOWN]]
            lines += [f"  and {len(self.unreadable) - SHOWN:,} more"] if len(self.unreadable) > SHOWN else []
        return lines


def load(path: Path) -> OwnData:
    """Return the images at a path. Raises DataError where there are none, or of one class only, or of too many."""
    return _load(path, _state(path))


@lru_cache(maxsize=2)
def _load(path: Path, state: tuple[tuple[str, int, int], ...]) -> OwnData:  # noqa: ARG001  # a key of the cache
    """Read a path whose files are in a certain state: one that has changed is read anew."""
    contents = layouts.read(path)
    _check(contents, path)
    names = raw.classes(contents.labels)
    number = {name: index for index, name in enumerate(names)}
    labels = np.array([number[label] for label in contents.labels], np.int64)
    inverted = form.is_dark_on_light(contents.images)
    given = "test" in contents.parts or "validation" in contents.parts
    parts = _given(contents.parts) if given else _split(labels)
    parts["train"] = _mixed(parts.get("train", NO_IMAGES), labels)
    if "test" not in parts and "validation" in parts:
        parts["test"] = parts.pop("validation")
    for part in ("train", "test"):
        if not len(parts.get(part, NO_IMAGES)):
            raise DataError(f"{path}: has no {part} images; each class needs two images or more, or give both parts.")
    return OwnData(
        path=path,
        layout=contents.layout,
        images=form.brought_to_form(contents.images, inverted=inverted),
        labels=labels,
        class_names=names,
        parts=parts | {ALL: np.arange(len(labels))},
        given=given,
        sizes=Counter((image.shape[0], image.shape[1]) for image in contents.images),
        inverted=inverted,
        unreadable=tuple(contents.unreadable),
    )


def _check(contents: Contents, path: Path) -> None:
    if not contents.images and not contents.unreadable:
        raise DataError(f"{path}: holds no rows of labels and images.")
    if not contents.images:
        first = f" The first: {contents.unreadable[0]}" if contents.unreadable else ""
        raise DataError(f"{path}: none of its {len(contents.unreadable):,} images can be read.{first}")
    names = raw.classes(contents.labels)
    if len(names) == 1:
        raise DataError(
            f"{path}: all {len(contents.labels):,} images are of one class, {names[0]}; expected {FEWEST_CLASSES} to "
            f"{MOST_CLASSES} classes."
        )
    if len(names) > MOST_CLASSES:
        shown = ", ".join(names[:SHOWN])
        raise DataError(
            f"{path}: has {len(names):,} classes ({shown}{', ...' if len(names) > SHOWN else ''}); expected "
            f"{FEWEST_CLASSES} to {MOST_CLASSES}."
        )


def _state(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Return names, sizes and times of the files at a path; of a file also those beside it."""
    files = sorted(path.rglob("*")) if path.is_dir() else sorted(path.parent.glob("*"))
    stats = [(str(file), file.stat()) for file in files if file.exists()]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def sheet(data: OwnData, columns: int) -> str:
    """Return an image of each of the first classes, drawn with characters, in lines of at most `columns`."""
    across = min(MOST_DRAWN, len(data.class_names), max(1, (columns + 1) // (DRAWN + 1)))
    drawn = []
    for label in range(across):
        first = data.images[np.argmax(data.labels == label)].astype(np.float64)
        # A character is about twice as high as it is wide, so one stands for 2 columns and 4 lines.
        cells = first.reshape(7, 4, DRAWN, 2).max(axis=(1, 3))
        lines = ["".join(SHADES[int(value) * len(SHADES) // 256] for value in row) for row in cells]
        drawn.append([data.class_names[label][:DRAWN].ljust(DRAWN), *lines])
    return "\n".join(" ".join(row).rstrip() for row in zip(*drawn, strict=True))


def _given(parts: list[str]) -> dict[str, NDArray[np.int64]]:
    """Return the indices of each given part; images of none are for training."""
    found = np.array([part or "train" for part in parts])
    return {part: np.flatnonzero(found == part) for part in ("train", "validation", "test") if (found == part).any()}


def _split(labels: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Return train and test: one in five of each class to test, at least one where a class has two or more."""
    tested = np.zeros(len(labels), bool)
    random = stream(0, "own test images")
    for label in range(labels.max() + 1):
        of_class = random.permutation(np.flatnonzero(labels == label))
        tested[of_class[: -(-len(of_class) // TEST_OF) if len(of_class) > 1 else 0]] = True
    return {"train": np.flatnonzero(~tested), "test": np.flatnonzero(tested)}


def _mixed(indices: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return indices in an order whose every stretch holds the classes in proportion; folders come by class."""
    ranks = np.empty(len(indices))
    random = stream(0, "own training images")
    for label in np.unique(labels[indices]):
        of_class = np.flatnonzero(labels[indices] == label)
        ranks[of_class] = (random.permutation(len(of_class)) + 0.5) / len(of_class)
    return indices[np.argsort(ranks, kind="stable")]


def _shortened(words: list[str], count: int | None = None) -> str:
    more = (count or len(words)) - SHOWN
    return ", ".join(words[:SHOWN]) + (f" and {more} more" if more > 0 else "")
