"""What reproduction 000 publishes, trained in full over seeds. Slow: minutes an engine."""

from pathlib import Path
from statistics import mean

import pytest

from lenet5.recipes import catalogue
from lenet5.training.train import train

pytestmark = pytest.mark.slow
ENGINES = pytest.mark.parametrize("engine", ["native", "numpy", "torch"])


def accuracies(data: Path, runs: Path, engine: str, *overrides: str) -> list[float]:
    """Return the test accuracy after each epoch of one run."""
    run = train(catalogue.load("archaeology", overrides), engine=engine, data_folder=data, runs_folder=runs)
    return [row.test_accuracy_percent for row in run.history().epochs]


@ENGINES
def test_five_seeds_of_batch_32_reach_98_7_percent_on_the_mean(mnist_folder: Path, tmp_path: Path, engine: str) -> None:
    last = [accuracies(mnist_folder, tmp_path, engine, f"seed={seed}")[-1] for seed in range(1, 6)]
    assert mean(last) >= 98.7


@ENGINES
def test_batch_4096_still_guesses_after_three_epochs(mnist_folder: Path, tmp_path: Path, engine: str) -> None:
    course = accuracies(mnist_folder, tmp_path, engine, "batch_size=4096", "epochs=10")
    assert max(course[:3]) < 40  # published 10.28 %
    assert course[-1] > 50  # published 74.70 %


@ENGINES
def test_batch_1024_starts_slowly(mnist_folder: Path, tmp_path: Path, engine: str) -> None:
    course = accuracies(mnist_folder, tmp_path, engine, "batch_size=1024", "epochs=10")
    assert course[0] < 75  # published 17.92 %
    assert course[-1] > 93  # published 95.09 %
