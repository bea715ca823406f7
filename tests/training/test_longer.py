"""Runs that are trained on: as if they had been meant to be longer from the start."""

from pathlib import Path

import pytest

from lenet5.errors import RunError
from lenet5.models import file as model_file
from lenet5.recipes import catalogue
from lenet5.spec.recipe import Recipe
from lenet5.training.identity import weights_digest
from lenet5.training.run import RunFolder
from lenet5.training.train import resume, train


def plan(epochs: int, *more: str) -> Recipe:
    return catalogue.load("archaeology", [f"epochs={epochs}", "images=300", *more])


def digest(run: RunFolder) -> str:
    return weights_digest(model_file.read(run.model).weights)


def test_a_finished_run_trained_on_equals_a_longer_run(small_mnist: Path, tmp_path: Path) -> None:
    short = train(plan(1), data_folder=small_mnist, runs_folder=tmp_path / "short")
    long = train(plan(3), data_folder=small_mnist, runs_folder=tmp_path / "long")
    longer = resume(short.path, epochs=3, data_folder=small_mnist)
    assert digest(longer) == digest(long)
    assert longer.recipe().epochs == 3
    assert len(longer.history().epochs) == 3
    result = longer.result()
    assert result is not None
    assert result["epochs"] == 3
    assert result["changes"][0]["changes"] == ["epochs was 1, now 3"]
    assert digest(resume(longer.path, epochs=4, data_folder=small_mnist)) != digest(long)


def test_averaged_weights_are_those_of_the_last_epochs_of_the_longer_run(small_mnist: Path, tmp_path: Path) -> None:
    short = train(plan(2, "averaged_epochs=2"), data_folder=small_mnist, runs_folder=tmp_path / "short")
    long = train(plan(4, "averaged_epochs=2"), data_folder=small_mnist, runs_folder=tmp_path / "long")
    with pytest.raises(RunError, match="give 4 or more"):
        resume(short.path, epochs=3, data_folder=small_mnist)
    assert digest(resume(short.path, epochs=4, data_folder=small_mnist)) == digest(long)


def test_a_finished_run_resumed_stays_as_it_is(small_mnist: Path, tmp_path: Path) -> None:
    run = train(plan(1), data_folder=small_mnist, runs_folder=tmp_path)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file() and path.name != "lock"}
    resume(run.path, data_folder=small_mnist)
    assert {path: path.read_bytes() for path in before} == before
    assert "resumed" not in {incident.what for incident in run.history().incidents}


def test_no_more_epochs_than_it_has_is_an_error(small_mnist: Path, tmp_path: Path) -> None:
    run = train(plan(2), data_folder=small_mnist, runs_folder=tmp_path)
    with pytest.raises(RunError, match=r"trained for 2 epochs, and --epochs is 2; give 3 or more"):
        resume(run.path, epochs=2, data_folder=small_mnist)
    assert run.is_whole()
