"""The programs in examples/, each run as its reader runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
LONGEST = {"from_scratch.py": 199}  # lines; the others are short enough to be read on a page or two


def output_of(name: str, *arguments: str, data: Path, cwd: Path) -> str:
    """Run a program in an empty folder; return what it prints."""
    done = subprocess.run(
        [sys.executable, FOLDER / name, *arguments],
        cwd=cwd,
        env=os.environ | {"LENET5_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_train_and_use_learns_and_names_the_image_that_it_is_least_sure_of(small_mnist: Path, tmp_path: Path) -> None:
    text = output_of("train_and_use.py", "--images", "2000", data=small_mnist, cwd=tmp_path)
    (accuracy,) = re.findall(r"test accuracy ([\d.]+) %", text)
    assert float(accuracy) > 60
    assert re.search(r"least sure of image \d+, a \d:\n(  \d: [\d.]+ %\n){3}$", text)


def test_from_scratch_has_the_gradients_of_finite_differences_and_learns(small_mnist: Path, tmp_path: Path) -> None:
    text = output_of("from_scratch.py", "--images", "1000", "--epochs", "2", data=small_mnist, cwd=tmp_path)
    (error,) = re.findall(r"differ from finite differences by at most (\S+)", text)
    assert float(error) < 1e-8  # float64, steps of 1e-5
    assert float(re.findall(r"epoch 2: test accuracy ([\d.]+) %", text)[0]) > 70


@pytest.mark.slow
def test_from_scratch_reaches_the_accuracy_that_it_claims(mnist_folder: Path, tmp_path: Path) -> None:
    text = output_of("from_scratch.py", data=mnist_folder, cwd=tmp_path)
    assert float(re.findall(r"test accuracy ([\d.]+) %", text)[-1]) > 98.5


def test_new_layer_is_checked_and_learns(small_mnist: Path, tmp_path: Path) -> None:
    text = output_of("new_layer.py", "--images", "500", "--epochs", "2", data=small_mnist, cwd=tmp_path)
    (error,) = re.findall(r"differ from finite differences by at most (\S+)", text)
    assert float(error) < 1e-8
    accuracies = re.findall(r"epoch 2: test accuracy ([\d.]+) %", text)
    assert len(accuracies) == 2
    assert all(float(accuracy) > 30 for accuracy in accuracies)


def test_study_compares_the_choices_and_is_not_run_twice(small_mnist: Path, tmp_path: Path) -> None:
    first = output_of("study.py", "--images", "200", data=small_mnist, cwd=tmp_path)
    assert re.match(r"batch 32: test error [\d.]+ %\nbatch 256: test error [\d.]+ %\np = [\d.]+\n$", first)
    results = {path: path.stat().st_mtime_ns for path in tmp_path.glob("studies/**/result.json")}
    assert results
    assert output_of("study.py", "--images", "200", data=small_mnist, cwd=tmp_path) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("studies/**/result.json")} == results


def test_read_photograph_reads_the_picture_that_it_makes(mnist_folder: Path, tmp_path: Path) -> None:
    text = output_of("read_photograph.py", data=mnist_folder, cwd=tmp_path)
    assert text.startswith("7210\n4149\n7210 at ")


def test_pipeline_prints_an_accuracy_for_each_classifier(tmp_path: Path) -> None:
    text = output_of("pipeline.py", "--images", "300", "--epochs", "6", data=tmp_path, cwd=tmp_path)
    accuracies = dict(re.findall(r"(\w+): ([\d.]+) %", text))
    assert accuracies.keys() == {"LogisticRegression", "KNeighborsClassifier", "LeNet5Classifier"}
    assert float(accuracies["LeNet5Classifier"]) > 30


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_examples_are_short_and_say_how_they_are_run_and_what_they_print(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST.get(path.name, 60)
    head = "\n".join(lines[:20])
    assert f"    python examples/{path.name}" in head
    assert "Prints " in head or " prints " in head
