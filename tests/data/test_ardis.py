"""ARDIS as its publisher lays it out, made of our own digits; its own files were never at hand."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lenet5.cli.main import app
from lenet5.data.datasets import load
from lenet5.errors import DataError, DataNotFoundError


@pytest.fixture
def folder(tmp_path: Path, mnist_folder: Path) -> Path:
    """A data folder with `ardis`, 60 test digits for its test part and as many for its train part."""
    (tmp_path / "ardis").mkdir()
    digits = load("mnist", "test", mnist_folder).cut(0, 60, "test")
    for part in ("train", "test"):
        pixels, labels = digits.images.reshape(60, 784), np.eye(10)[digits.labels]
        np.savetxt(tmp_path / "ardis" / f"ARDIS_{part}_2828.csv", pixels)  # as 1.200000000000000000e+02
        np.savetxt(tmp_path / "ardis" / f"ARDIS_{part}_labels.csv", labels, "%d")
    return tmp_path


def test_images_and_labels_come_back(folder: Path, mnist_folder: Path) -> None:
    found, digits = load("ardis", "test", folder), load("mnist", "test", mnist_folder)
    assert np.array_equal(found.images, digits.images[:60])
    assert np.array_equal(found.labels, digits.labels[:60])


def test_commas_and_plain_labels_are_read(folder: Path, mnist_folder: Path) -> None:
    path = folder / "ardis" / "ARDIS_test_2828.csv"
    path.write_text(path.read_text().replace(" ", ","))
    labels = load("mnist", "test", mnist_folder).labels[:60]
    np.savetxt(folder / "ardis" / "ARDIS_test_labels.csv", labels, "%d")
    assert np.array_equal(load("ardis", "test", folder).labels, labels)


def test_evaluate_takes_ardis_by_name_and_says_what_the_model_was_trained_on(folder: Path, tmp_path: Path) -> None:
    words = ["evaluate", "modern", "--data", "ardis", "--data-dir", str(folder), "--pictures", str(tmp_path / "pics")]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert "on ardis test" in done.output
    assert "of 60 images" in done.output
    assert "The model was trained on mnist." in done.output


def test_missing_files_say_where_they_are_to_be_put(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"ARDIS_test_2828\.csv: missing.*ARDIS_DATASET_IV\.rar.*into"):
        load("ardis", "test", tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("2828", "1 2 3\n", "hold 3 numbers, expected 784"),
        ("2828", "1 2\n3\n", "its lines differ in length"),
        ("2828", "", "is empty"),
        ("2828", "ink\n", "something other than numbers"),
        ("2828", "256 " * 784, "run from 256 to 256"),
        ("2828", "nan " * 784, "run from nan"),
        ("2828", "0 " * 784, "holds 60 labels for 1 images"),
        ("labels", "11\n" * 60, "expected a digit in each line"),
        ("labels", "1 1 0 0 0 0 0 0 0 0\n" * 60, "expected a digit in each line"),
    ],
)
def test_a_damaged_file_is_one_clear_error(folder: Path, name: str, text: str, said: str) -> None:
    (folder / "ardis" / f"ARDIS_test_{name}.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        load("ardis", "test", folder)
