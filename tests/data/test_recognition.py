"""Known sets are recognised by their images, however few, turned or inverted; others are not."""

from pathlib import Path

import numpy as np
import pytest

from lenet5.data import datasets, idx, recognition
from lenet5.errors import DataError


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_references_are_the_class_means_of_the_training_sets(mnist_folder: Path, name: str) -> None:
    data = datasets.load(name, "train", mnist_folder)
    means = np.stack([data.images[data.labels == label].mean(axis=0) for label in range(10)])
    assert (np.rint(means) == recognition._references()[name]).all()


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
@pytest.mark.parametrize("orientation", ["", "transposed (rows for columns, as EMNIST's files have them)",
                                         "turned upside down"])  # fmt: skip
@pytest.mark.parametrize("inverted", [False, True])
def test_thirty_images_are_enough(mnist_folder: Path, name: str, orientation: str, inverted: bool) -> None:
    data = datasets.load(name, "test", mnist_folder).cut(0, 30, "test")
    turned = np.rot90(data.images, 2, (1, 2)) if "upside" in orientation else data.images
    turned = turned.transpose(0, 2, 1) if "transposed" in orientation else turned
    seen = recognition.look(255 - turned if inverted else turned, data.labels)
    assert seen == recognition.Look(name, orientation, inverted)


def test_other_images_are_not_recognised(mnist_folder: Path, random: np.random.Generator) -> None:
    data = datasets.load("mnist", "test", mnist_folder).cut(0, 500, "test")
    assert recognition.look(data.images, random.permutation(data.labels)) is None
    assert recognition.look(random.integers(256, size=(500, 28, 28)).astype(np.uint8), data.labels) is None
    assert recognition.look(data.images[:5], data.labels[:5]) is None


def test_one_set_under_the_name_of_another_is_refused(mnist_folder: Path, tmp_path: Path) -> None:
    for part in ("train", "t10k"):
        for kind in ("images-idx3", "labels-idx1"):
            array = idx.read(mnist_folder / "fashion-mnist" / f"{part}-{kind}-ubyte.gz")[:100]
            (tmp_path / "downloads").mkdir(exist_ok=True)
            idx.write(tmp_path / "downloads" / f"{part}-{kind}-ubyte", array)
    with pytest.raises(DataError, match="those of fashion-mnist, not of mnist"):
        datasets.load("mnist", "test", tmp_path / "downloads")
    assert len(datasets.load("fashion-mnist", "test", tmp_path / "downloads").labels) == 100
