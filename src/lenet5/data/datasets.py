"""load("mnist", "test") -> images and labels, checked. Nothing is fetched here; that is `fetch.py`."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lenet5.data import ardis, fetch, idx, recognition, sources, standard
from lenet5.data.own import dataset as own
from lenet5.data.own.dataset import ALL as ALL
from lenet5.data.prepare import resized
from lenet5.data.sources import DataSet, Part
from lenet5.display import Shown
from lenet5.errors import DataError, DataNotFoundError, IdxError
from lenet5.seeds import stream
from lenet5.spec.digits import BOX, SIDE
from lenet5.spec.recipe import Recipe

LOOKS = {"mnist": "mnist", "qmnist": "mnist", "emnist-digits": "mnist", "fashion-mnist": "fashion-mnist"}


@dataclass(frozen=True, eq=False, repr=False)
class Images(Shown):
    """One part of a data set.

    images       (N, 28, 28) uint8, 0 = background, 255 = ink; read-only, maybe on the disk
    labels       (N,) int64
    class_names  what the labels 0, 1, ... stand for
    weights      (N,) how much each image counts in training; None where all count alike
    """

    name: str
    part: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    weights: NDArray[np.float64] | None = None

    def __repr__(self) -> str:
        return f"Images({self.name} {self.part}: {len(self.labels):,} images, {len(self.class_names)} classes)"

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that tell these images and labels from any others."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images).data)
        digest.update(self.labels.astype("<i8").data)
        if self.weights is not None:
            digest.update(self.weights.astype("<f8").data)
        return digest.hexdigest()[:16]

    def cut(self, start: int, stop: int, part: str) -> "Images":
        """Return the images from `start` up to `stop`, as a part of another name."""
        weights = None if self.weights is None else self.weights[start:stop]
        return replace(self, part=part, images=self.images[start:stop], labels=self.labels[start:stop], weights=weights)


def load(name: str, part: str, folder: Path | None = None) -> Images:
    """Return one part of a data set.

    name    "mnist", "fashion-mnist", "kmnist", "qmnist", "emnist-digits", "emnist-letters", "emnist-balanced",
            "uci-digits", "mnist-deslanted", "mnist-16x16", "rough-digits", "digit-neighbours", "signs" or "ardis"; or
            the path of your own labelled images
    part    "train" or "test"; of QMNIST also "test10k" or "test50k", of the made sets "validation"; of your own
            images also "all", and "validation" where it is given
    folder  the data folder, which holds a folder for each set; None as in `fetch.data_folder`

    Raises DataNotFoundError when files are missing, IdxError or DataError when they are damaged.
    """
    if is_own(name):
        return _own(name, part)
    data_set = sources.get(name)
    chosen = data_set.part(part)
    if data_set is sources.UCI_DIGITS:
        images, labels = _uci_digits(part)
    elif data_set is sources.MNIST_DESLANTED:
        images, labels = _whole(part, folder, standard.deslanted)
    elif data_set is sources.MNIST_16X16:
        images, labels = _whole(part, folder, standard.reduced)
    elif data_set in sources.MADE:
        images, labels = _made(data_set, part, folder)
    elif data_set is sources.ARDIS:
        images, labels = ardis.read(fetch.data_folder(folder) / name, part)
    else:
        images, labels = _from_files(data_set, chosen, fetch.data_folder(folder))
        _check(data_set, chosen, images, labels)
    return Images(name, part, images, labels, data_set.class_names)


def is_own(name: str) -> bool:
    """Return whether a name is the path of a user's own images. Raises DataNotFoundError where nothing lies there."""
    if name in sources.DATA_SETS:
        return False
    path = Path(name)
    if not path.exists() and (path.is_absolute() or len(path.parts) > 1 or path.suffix):
        raise DataNotFoundError(f"{name}: no such file or folder; name a folder of labelled images, or a data set.")
    return path.exists()


def class_names(name: str) -> tuple[str, ...]:
    """Return the names of a data set's classes. Raises DataError."""
    return own.load(Path(name)).class_names if is_own(name) else sources.get(name).class_names


def fitted(recipe: Recipe) -> Recipe:
    """Return a recipe that suits its data: enough outputs for their classes, and no relative path.

    A network has exactly as many outputs as a user's own images have classes. Raises DataError, ShapeError.
    """
    own_images, count = is_own(recipe.data), len(class_names(recipe.data))
    name = str(Path(recipe.data).resolve()) if own_images else sources.get(recipe.data).name
    if name != recipe.data:
        recipe = recipe.model_copy(update={"data": name})
    if not own_images and count <= recipe.architecture.classes:
        return recipe
    return recipe.model_copy(update={"architecture": recipe.architecture.with_classes(count)})


def _own(name: str, part: str) -> Images:
    """Return one part of a user's own images."""
    data = own.load(Path(name))
    if part not in data.parts:
        raise DataError(f'{name} has no part "{part}"; its parts are {", ".join(data.parts)}.')
    chosen = data.parts[part]
    return Images(name, part, data.images[chosen], data.labels[chosen], data.class_names)


def _from_files(data_set: DataSet, part: Part, folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read the two files of a part. Raises DataNotFoundError, IdxError."""
    found = fetch.locate(data_set, folder)
    for name in (part.images, part.labels):
        if name not in found:
            there = fetch.what_lies_in(data_set, folder)
            raise DataNotFoundError(
                f"{folder / data_set.name} holds no {name}. Run: lenet5 data fetch {data_set.name}"
                + (f"\n{there}" if there else "")
            )
    try:
        images, labels = idx.read(found[part.images]), idx.read(found[part.labels])
    except IdxError as error:
        raise IdxError(f"{error} Delete it and run: lenet5 data fetch {data_set.name}") from None
    if labels.ndim == 2 and data_set is sources.QMNIST:
        labels = labels[:, 0]  # QMNIST's other seven columns tell the writer and the origin
    wanted = slice(part.first, part.end)
    images, labels = images[wanted], labels[wanted].astype(np.int64)
    if data_set.transposed and images.ndim == 3:
        images = np.ascontiguousarray(images.transpose(0, 2, 1))
    return images, labels - data_set.first_label


def _check(data_set: DataSet, part: Part, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
    """Raise DataError unless images and labels are what they should be, and belong together."""
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
        raise DataError(
            f"{part.images}: holds {images.dtype} {images.shape}, expected uint8 (N, {SIDE}, {SIDE}). "
            f"Delete it and run: lenet5 data fetch {data_set.name}; or use it as your own images: --data with the path "
            "of its folder."
        )
    if labels.shape != (len(images),) or not len(images):
        raise DataError(
            f"{part.labels}: holds labels of shape {labels.shape} for {len(images):,} images; each image "
            f"needs one number. Delete both files and run: lenet5 data fetch {data_set.name}; or use them as your own "
            "images: --data with the path of their folder."
        )
    seen = recognition.look(images, labels)
    if seen and data_set.name in LOOKS and seen.name != LOOKS[data_set.name]:
        raise DataError(
            f"{part.images}: the images are those of {seen.name}, not of {data_set.name}. Move the files into a folder "
            f"{seen.name}, and run: lenet5 data fetch {data_set.name}"
        )
    highest = len(data_set.class_names) - 1
    if labels.min() < 0 or labels.max() > highest:
        raise DataError(
            f"{part.labels}: labels run from {labels.min()} to {labels.max()}, expected 0 to {highest}. "
            f"Delete it and run: lenet5 data fetch {data_set.name}"
        )


def _uci_digits(part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return scikit-learn's digits in MNIST's form: 1,437 to train, 360 to test, each class in proportion."""
    from sklearn.datasets import load_digits  # takes a second to import

    bunch = load_digits()
    labels = bunch.target.astype(np.int64)
    shuffled = stream(0, "uci-digits").permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    test = np.zeros(len(labels), bool)
    test[by_class[::5]] = True  # every fifth image of each class
    wanted = test if part == "test" else ~test
    ink = resized(bunch.images, BOX) * 255 / 16  # (1797, 20, 20), from 0..16
    ink = np.rint(ink.round(6))  # rounded twice, so that halves go the same way on every machine
    edge = (SIDE - BOX) // 2
    images = np.pad(ink.astype(np.uint8), ((0, 0), (edge, edge), (edge, edge)))
    return images[wanted], labels[wanted]


def _whole(
    part: str, folder: Path | None, form: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return a part of MNIST in another form."""
    digits = load("mnist", part, folder)
    return form(digits.images), digits.labels


def _made(data_set: DataSet, part: str, folder: Path | None) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images and labels of a part of a made set."""
    from lenet5.data.made import line_windows, rough_digits, signs  # scipy.ndimage takes half a second to import

    makers = {
        sources.ROUGH_DIGITS: rough_digits.made_of,
        sources.DIGIT_NEIGHBOURS: line_windows.made_of,
        sources.SIGNS: signs.made_of,
    }
    return makers[data_set](*_own_digits(part, folder), part)


def _own_digits(part: str, folder: Path | None) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return those MNIST digits that a part of a made set is made of."""
    whole = load("mnist", "test" if part == "test" else "train", folder)
    from lenet5.data.made.rough_digits import KEPT_OF

    edge = len(whole.labels) - len(whole.labels) // KEPT_OF
    digits = {"train": slice(0, edge), "validation": slice(edge, None), "test": slice(None)}[part]
    return np.asarray(whole.images[digits]), whole.labels[digits]
