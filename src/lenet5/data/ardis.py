"""ARDIS, single digits of Swedish church records (Kusetogullari et al. 2019): its fourth set, which is in MNIST's form.

The set may be used for research and not be handed on, so nothing here fetches it. Unpack ARDIS_DATASET_IV.rar from
https://ardisdataset.github.io/ARDIS/ into the folder `ardis` of the data folder. Layout, after the publisher's page:

    ARDIS_train_2828.csv, ARDIS_test_2828.csv          a line an image, 784 numbers 0..255, bright on dark
    ARDIS_train_labels.csv, ARDIS_test_labels.csv      a line a label, ten numbers of which one is 1

The numbers are parted by spaces there; commas, and a label written as one number, are read as well. No digest of the
files is known to us, and the reader was tried on files of this layout that we made, not on the publisher's.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lenet5.errors import DataError, DataNotFoundError

PIXELS = 28 * 28
NAMES = tuple(f"ARDIS_{part}_{what}.csv" for part in ("train", "test") for what in ("2828", "labels"))


def read(folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images (N, 28, 28) and labels (N,) of a part, "train" or "test".

    Raises DataNotFoundError where a file is missing, DataError where it is damaged.
    """
    images, labels = (_numbers(folder / f"ARDIS_{part}_{what}.csv") for what in ("2828", "labels"))
    name = folder / f"ARDIS_{part}_2828.csv"
    if images.shape[1] != PIXELS:
        raise DataError(f"{name}: its lines hold {images.shape[1]} numbers, expected {PIXELS}; unpack it again.")
    if not (images.min() >= 0 and images.max() <= 255):
        raise DataError(f"{name}: its numbers run from {images.min():g} to {images.max():g}, expected 0 to 255.")
    name = folder / f"ARDIS_{part}_labels.csv"
    if len(labels) != len(images):
        raise DataError(f"{name}: holds {len(labels):,} labels for {len(images):,} images; unpack both again.")
    return np.rint(images).astype(np.uint8).reshape(-1, 28, 28), _digits(labels, name)


def _numbers(path: Path) -> NDArray[np.float64]:
    """Return the numbers of a text file, a row a line."""
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise DataNotFoundError(
            f"{path}: missing; lenet5 may not fetch it. Unpack ARDIS_DATASET_IV.rar from "
            f"https://ardisdataset.github.io/ARDIS/ into {path.parent}"
        ) from None
    except (OSError, UnicodeDecodeError):
        raise DataError(f"{path}: cannot be read as text; unpack it again.") from None
    lines = text.replace(",", " ").splitlines()
    try:
        rows = [np.array(line.split(), np.float64) for line in lines if line.strip()]
    except ValueError:
        raise DataError(f"{path}: contains something other than numbers; unpack it again.") from None
    if not rows or len({row.size for row in rows}) > 1:
        raise DataError(f"{path}: {'is empty' if not rows else 'its lines differ in length'}; unpack it again.")
    return np.stack(rows)


def _digits(rows: NDArray[np.float64], path: Path) -> NDArray[np.int64]:
    """Return the labels of rows of ten numbers, of which one is 1, or of rows of one number."""
    if rows.shape[1] == 10 and np.isin(rows, (0, 1)).all() and (rows.sum(axis=1) == 1).all():
        return np.nonzero(rows)[1].astype(np.int64)
    if rows.shape[1] == 1 and np.isin(rows, range(10)).all():
        return rows[:, 0].astype(np.int64)
    raise DataError(f"{path}: expected a digit in each line, or ten numbers of which one is 1; unpack it again.")
