"""Training, measuring and studying on a user's own images, as a person types it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lenet5 as package
from lenet5.data import idx


def lenet5(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lenet5", *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd, env=os.environ | {"COLUMNS": "200"}, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(small_mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 threes, sevens and eights of MNIST as dark ink on white paper, 40x40: one folder for each class."""
    images = idx.read(small_mnist / "mnist" / "train-images-idx3-ubyte")
    labels = idx.read(small_mnist / "mnist" / "train-labels-idx1-ubyte")
    root = tmp_path_factory.mktemp("own") / "digits"
    for index in np.flatnonzero(np.isin(labels, (3, 7, 8)))[:200]:
        (root / str(labels[index])).mkdir(parents=True, exist_ok=True)
        large = Image.fromarray(255 - images[index]).resize((40, 40), Image.Resampling.BILINEAR)
        large.save(root / str(labels[index]) / f"{index}.png")
    (root / "3" / "empty.png").write_bytes(b"")
    return root


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """A run on these images, made by the command."""
    done = lenet5("train", "modern", "--data", folder.name, "--epochs", "15", cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    for words in ("200 from a folder for each class", "classes 3: 3 (", "40x40", "inverted", "empty.png", "#"):
        assert words in done.stdout
    return folder.parent / "runs/modern-seed1"


def test_a_model_of_own_images_learns_them_and_knows_their_names(run: Path, tmp_path: Path) -> None:
    model = package.load(run)
    assert model.class_names == ("3", "7", "8")
    done = lenet5("evaluate", run, "--pictures", tmp_path)
    assert done.returncode == 0, done.stderr
    assert package.evaluate(run).accuracy_percent > 80


def test_a_model_of_mnist_answers_for_own_images_by_their_names(folder: Path) -> None:
    outcome = package.evaluate("modern", data=folder)
    assert outcome.data.part == "all"
    assert len(outcome.answers) == 200
    assert outcome.accuracy_percent > 95


def test_names_that_a_model_does_not_know_are_an_error(run: Path, small_mnist: Path, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(2):
            Image.new("L", (28, 28)).save(tmp_path / name / f"{index}.png")
    done = lenet5("evaluate", run, "--data", tmp_path)
    assert done.returncode == 1
    assert "has the classes cat, dog; the model has 3, 7, 8" in done.stderr


def test_a_study_of_own_images(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(
        f'name = "own"\nrecipe = "archaeology"\nseeds = 1\ndata = "{folder}"\nset = ["epochs=1"]\n'
    )
    done = lenet5("study", "plan.toml", "--workers", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 of 1" in done.stdout


def test_offline_digits_keep_the_epochs_that_were_asked_for(tmp_path: Path) -> None:
    done = lenet5("train", "archaeology", "--data-dir", tmp_path / "none", "--set", "data=qmnist", "--offline-digits",
                  "--epochs", "1", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "epochs 1," in done.stdout
