"""Images and labels as they come from the files, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from lenet5.data import datasets, idx, sources
from lenet5.errors import DataError, DataNotFoundError, IdxError

IMAGES = np.arange(12 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(12, 28, 28)
LABELS = (np.arange(12) % 10).astype(np.uint8)


def keep(folder: Path, images: np.ndarray = IMAGES, labels: np.ndarray = LABELS) -> Path:
    """Write a test part of MNIST as unpacked files."""
    (folder / "mnist").mkdir()
    idx.write(folder / "mnist" / "t10k-images-idx3-ubyte", images)
    idx.write(folder / "mnist" / "t10k-labels-idx1-ubyte", labels)
    return folder


def test_mnist_has_60000_images_of_which_the_first_is_a_5(mnist_folder: Path) -> None:
    train = datasets.load("mnist", "train", mnist_folder)
    assert train.images.shape == (60_000, 28, 28)
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]


def test_mnist_has_10000_test_images_of_which_980_are_zeros(mnist_folder: Path) -> None:
    test = datasets.load("mnist", "test", mnist_folder)
    assert test.images.shape == (10_000, 28, 28)
    assert np.bincount(test.labels)[0] == 980


def test_what_is_written_is_loaded(tmp_path: Path) -> None:
    loaded = datasets.load("mnist", "test", keep(tmp_path))
    assert np.array_equal(loaded.images, IMAGES)
    assert loaded.labels.dtype == np.int64
    assert loaded.labels.tolist() == LABELS.tolist()
    assert loaded.class_names == tuple("0123456789")


def test_the_fingerprint_is_the_same_wherever_the_data_come_from(tmp_path: Path) -> None:
    loaded = datasets.load("mnist", "test", keep(tmp_path))
    copy = datasets.Images("copy", "any", IMAGES.copy(), LABELS.astype(np.int64), ())
    assert loaded.fingerprint == copy.fingerprint
    assert len(copy.fingerprint) == 16


@pytest.mark.parametrize("changed", ["images", "labels"])
def test_the_fingerprint_changes_with_one_number(changed: str) -> None:
    arrays = {"images": IMAGES.copy(), "labels": LABELS.astype(np.int64)}
    before = datasets.Images("n", "p", **arrays, class_names=()).fingerprint
    arrays[changed].flat[3] += 1
    assert datasets.Images("n", "p", **arrays, class_names=()).fingerprint != before


def test_missing_files_are_named_with_the_command_that_fetches_them(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"kmnist holds no t10k-images.*Run: lenet5 data fetch kmnist"):
        datasets.load("kmnist", "test", tmp_path)


def test_a_file_cut_short_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = keep(tmp_path) / "mnist" / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IdxError, match=r"9,423 bytes, expected 9,424 .* Delete it and run: lenet5 data fetch mnist"):
        datasets.load("mnist", "test", tmp_path)


def test_each_image_needs_a_label(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"labels of shape \(11,\) for 12 images"):
        datasets.load("mnist", "test", keep(tmp_path, labels=LABELS[:11]))


def test_a_set_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="for 0 images"):
        datasets.load("mnist", "test", keep(tmp_path, IMAGES[:0], LABELS[:0]))


def test_a_label_without_a_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="labels run from 1 to 10, expected 0 to 9"):
        datasets.load("mnist", "test", keep(tmp_path, labels=LABELS + np.uint8(1)))


def test_images_of_another_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds uint8 \(12, 8, 8\), expected uint8 \(N, 28, 28\)"):
        datasets.load("mnist", "test", keep(tmp_path, IMAGES[:, :8, :8]))


def test_qmnist_takes_the_class_from_the_first_column_and_cuts_its_test_set(tmp_path: Path) -> None:
    (tmp_path / "qmnist").mkdir()
    rows = np.stack([np.arange(10_005) % 10] + [np.full(10_005, 99)] * 7, axis=1).astype(np.int32)
    idx.write(tmp_path / "qmnist" / "qmnist-test-images-idx3-ubyte.gz", np.zeros((10_005, 28, 28), np.uint8))
    idx.write(tmp_path / "qmnist" / "qmnist-test-labels-idx2-int.gz", rows)
    labels = {part: datasets.load("qmnist", part, tmp_path).labels for part in ("test", "test10k", "test50k")}
    assert [len(part) for part in labels.values()] == [10_005, 10_000, 5]
    assert labels["test50k"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("part", "count"), [("train", 1437), ("test", 360)])
def test_the_digits_of_scikit_learn_have_mnist_form(part: str, count: int) -> None:
    digits = datasets.load("uci-digits", part)
    assert digits.images.shape == (count, 28, 28)
    assert digits.images.dtype == np.uint8
    assert digits.images.max() == 255
    inside = np.zeros((28, 28), bool)
    inside[4:24, 4:24] = True
    assert not digits.images[:, ~inside].any()


def test_the_digits_of_scikit_learn_are_split_in_proportion() -> None:
    counts = np.array([np.bincount(datasets.load("uci-digits", part).labels) for part in ("train", "test")])
    assert np.abs(counts[1] - counts.sum(axis=0) / 5).max() <= 1


def test_the_split_of_the_digits_is_always_the_same() -> None:
    assert datasets.load("uci-digits", "train").fingerprint == "d3095a1025555909"


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(DataError, match='did you mean "mnist"'):
        datasets.load("mnits", "train")


def test_the_rosters_of_parts_are_checked_before_any_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='mnist has no part "test10k"'):
        datasets.load(sources.MNIST.name, "test10k", tmp_path)


@pytest.mark.parametrize(
    "place",
    ["mnist/{}.gz", "mnist/{}", "MNIST/raw/{}", "MNIST/raw/{}.gz", "raw/{}", "{}"],
)
@pytest.mark.parametrize("dots", [False, True])
def test_files_are_found_as_people_have_them(tmp_path: Path, place: str, dots: bool) -> None:
    for name, array in (("t10k-images-idx3-ubyte", IMAGES), ("t10k-labels-idx1-ubyte", LABELS)):
        path = tmp_path / place.format(name.replace("-idx", ".idx") if dots else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        idx.write(path, array)
    assert datasets.load("mnist", "test", tmp_path).labels.tolist() == LABELS.tolist()


def test_what_lies_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "mnist_train.csv").touch()
    with pytest.raises(DataNotFoundError, match=r"mnist holds mnist_train\.csv"):
        datasets.load("mnist", "train", tmp_path)


def test_the_file_names_of_mnist_do_not_stand_for_another_set(tmp_path: Path) -> None:
    keep(tmp_path)
    for name in ("kmnist", "fashion-mnist"):
        with pytest.raises(DataNotFoundError):
            datasets.load(name, "test", tmp_path / "mnist")


def test_one_hot_labels_are_not_taken_for_classes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"labels of shape \(12, 10\).*--data"):
        datasets.load("mnist", "test", keep(tmp_path, labels=np.eye(10, dtype=np.uint8)[LABELS]))


@pytest.mark.parametrize(("kind", "classes"), [("digits", 10), ("letters", 26), ("balanced", 47)])
@pytest.mark.parametrize("place", ["emnist", "EMNIST/raw", "EMNIST/raw/gzip", "emnist-{}"])
def test_emnist_is_turned_upright(tmp_path: Path, kind: str, classes: int, place: str) -> None:
    folder = tmp_path / place.format(kind)
    folder.mkdir(parents=True)
    first = 1 if kind == "letters" else 0
    labels = np.array([first, first + classes - 1], np.uint8)
    idx.write(folder / f"emnist-{kind}-test-images-idx3-ubyte.gz", IMAGES[:2].transpose(0, 2, 1))
    idx.write(folder / f"emnist-{kind}-test-labels-idx1-ubyte.gz", labels)
    loaded = datasets.load(f"emnist-{kind}", "test", tmp_path)
    assert np.array_equal(loaded.images, IMAGES[:2])
    assert loaded.labels.tolist() == [0, classes - 1]
    assert len(loaded.class_names) == classes


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "fashion_mnist", "emnist-letters"])
def test_names_are_known_in_any_case(name: str) -> None:
    assert sources.get(name).name.replace("-", "") == name.lower().replace("_", "").replace("-", "")


def test_a_name_is_suggested_only_when_it_is_near() -> None:
    with pytest.raises(DataError, match='did you mean "mnist"'):
        sources.get("mnits")
    with pytest.raises(DataError) as caught:
        sources.get("imagenet")
    assert "did you mean" not in str(caught.value)
