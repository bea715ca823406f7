"""Pictures of numbers with what is written in them, as a user has them on disk; nothing is fetched or handed on.

Three layouts are known, found by what a folder holds:

    labels.csv          with the columns `file` and `label`: what `lenet5 data make-strings` writes, and the one to
                        write for any other set
    a_test_gt.txt       beside the folder a_test_images: ORAND-CAR-A and -B (ICFHR 2014); a line a picture, its file's
                        name, a tab, its digits
    25000-0164-08.png   in folders: CVL strings (ICFHR 2014) and CVL digits (ICDAR 2013); the digits are the part of the
                        name before the first "-", then come the writer and a number

ORAND-CAR's and CVL's layouts are those that several public programs read; we had neither set. `docs/sets.md` says more.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lenet5.data import tables
from lenet5.data.made.strings import LABELS
from lenet5.errors import DataError, DataNotFoundError

TRUTH = "_gt.txt"
CVL = re.compile(r"([0-9]+)-[0-9]+(-[0-9]+)+\.png", re.IGNORECASE)


@dataclass(frozen=True)
class Labelled:
    """One picture, and the digits that are written in it."""

    path: Path
    label: str


@dataclass(frozen=True)
class LabelledSet:
    """Pictures that belong together.

    name    of its folder or label file
    layout  "labels.csv", "ORAND-CAR" or "CVL"
    skipped pictures whose labels are not one number, such as those of several lines: they are left out
    """

    name: str
    layout: str
    pictures: tuple[Labelled, ...]
    skipped: tuple[Labelled, ...] = ()


def labelled_sets(given: Path) -> list[LabelledSet]:
    """Return the sets of a folder and the folders in it, or of one label file, in the order of their names.

    Raises DataNotFoundError where there is none or a picture is missing, DataError where a label file is damaged.
    """
    if given.is_file():
        found = [_from_file(given)]
    elif given.is_dir():
        found = list(_from_folder(given))
    else:
        raise DataNotFoundError(f"{given}: no such file or folder; name a folder of pictures with their labels.")
    if not found:
        raise DataNotFoundError(
            f"{given}: holds no labelled pictures; expected {LABELS}, ORAND-CAR's a_test{TRUTH} beside a_test_images, "
            "or CVL's pictures named like 25000-0164-08.png."
        )
    return found


def _from_folder(folder: Path) -> Iterator[LabelledSet]:
    by_folder: dict[Path, list[Labelled]] = {}
    for path in sorted(folder.rglob("*")):
        if path.name == LABELS or path.name.endswith(TRUTH):
            yield _from_file(path)
        elif (name := CVL.fullmatch(path.name)) and not (path.parent / LABELS).exists():
            by_folder.setdefault(path.parent, []).append(Labelled(path, name[1]))
    for parent, pictures in by_folder.items():
        yield LabelledSet(_name(parent), "CVL", tuple(pictures))


def _from_file(path: Path) -> LabelledSet:
    if path.name.endswith(TRUTH):
        folder = path.with_name(path.name.removesuffix(TRUTH) + "_images")
        name = f"{path.parent.resolve().name}/{path.name.removesuffix(TRUTH)}"
        return LabelledSet(name, "ORAND-CAR", *_checked(path, folder, _truths(path)))
    return LabelledSet(_name(path.parent), LABELS, *_checked(path, path.parent, _rows(path)))


def _name(folder: Path) -> str:
    """Return a folder's name with that of the one above: CVL calls each of its folders train."""
    whole = folder.resolve()
    return f"{whole.parent.name}/{whole.name}"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise DataError(f"{path}: the labels cannot be read ({why}).") from None


def _truths(path: Path) -> list[tuple[str, str]]:
    """Return file names and labels of ORAND-CAR; spaces between the digits of a label do not count."""
    parted = [line.split(maxsplit=1) for line in _lines(path) if line.strip()]
    return [(line[0], "".join(line[1].split()) if len(line) == 2 else "") for line in parted]


def _rows(path: Path) -> list[tuple[str, str]]:
    head, *rows = list(tables.rows(path)) or [["none"]]
    if not {"file", "label"} <= set(head):
        raise DataError(f"{path}: has the columns {', '.join(head)}; expected file and label.")
    filled = [dict(zip(head, row, strict=False)) for row in rows]
    return [(row.get("file", ""), row.get("label", "")) for row in filled]


def _checked(
    path: Path, folder: Path, rows: list[tuple[str, str]]
) -> tuple[tuple[Labelled, ...], tuple[Labelled, ...]]:
    """Return the pictures of a label file that are labelled with one number, and the others; all must be there."""
    if not rows:
        raise DataError(f"{path}: holds no labels.")
    numbers: list[Labelled] = []
    others: list[Labelled] = []
    for number, (file, label) in enumerate(rows, 1):
        (numbers if label.isascii() and label.isdigit() else others).append(Labelled(folder / file, label))
        if not os.path.isfile(folder / file):  # False also for a name that no file can have
            raise DataNotFoundError(f"{folder / file}: missing; {path.name} names it as its picture {number}.")
    if not numbers:
        raise DataError(f'{path}: its picture 1, {rows[0][0]}, is labelled "{rows[0][1]}"; expected digits, as in all.')
    return tuple(numbers), tuple(others)
