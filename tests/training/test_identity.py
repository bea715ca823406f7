"""Going on under other conditions than a run was begun under is refused with what differs, or accepted on record."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from interrupted import interrupted

from lenet5.data import idx
from lenet5.errors import RunError
from lenet5.models import file as model_file
from lenet5.recipes import catalogue
from lenet5.training import checkpoint, identity
from lenet5.training.run import RunFolder
from lenet5.training.train import resume, train


@pytest.fixture(scope="module")
def made(small_mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    plan = catalogue.load("archaeology", overrides=["epochs=2", "images=200"])
    return train(plan, engine="numpy", data_folder=small_mnist, runs_folder=tmp_path_factory.mktemp("made")).path


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A run of two epochs that goes on from its first one."""
    return interrupted(made, tmp_path)


def weights(folder: Path) -> str:
    return identity.weights_digest(model_file.read(folder / "model.safetensors").weights)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_unchanged_run_goes_on(run: Path, made: Path, small_mnist: Path) -> None:
    resume(run, data_folder=small_mnist)
    assert weights(run) == weights(made)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("learning_rate = 0.01", "learning_rate = 0.02", "recipe.optimizer.learning_rate was 0.01, now 0.02"),
        ("seed = 1\n", "seed = 2\n", "recipe.seed was not given, now 2"),
        ("batch_size = 32", "batch_size = 16", "recipe.batch_size was 32, now 16"),
        ("background = -1.0", "background = -0.5", "recipe.preparation.background was -1.0, now -0.5"),
        ('flip = "none"', 'flip = "horizontal"', 'recipe.preparation.flip was not given, now "horizontal"'),
    ],
)
def test_an_edited_recipe_is_refused(run: Path, small_mnist: Path, old: str, new: str, said: str) -> None:
    edit(run / "recipe.toml", old, new)
    with pytest.raises(RunError, match=f"{said}.*--accept-changes"):
        resume(run, data_folder=small_mnist)


def test_another_engine_is_refused_wherever_it_is_named(run: Path, small_mnist: Path) -> None:
    with pytest.raises(RunError, match='engine was "numpy", now "native"'):
        resume(run, engine="native", data_folder=small_mnist)
    edit(run / "environment.json", '"engine": "numpy"', '"engine": "native"')
    with pytest.raises(RunError, match='engine was "numpy", now "native"'):
        resume(run, data_folder=small_mnist)


@pytest.mark.parametrize("part", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_other_data_are_refused(run: Path, small_mnist: Path, tmp_path: Path, part: str) -> None:
    other = tmp_path / "other" / "mnist"
    shutil.copytree(small_mnist / "mnist", other)
    array = idx.read(other / part).copy()
    array.flat[0] ^= 1
    idx.write(other / part, array)
    with pytest.raises(RunError, match=r"data fingerprints.t.* was"):
        resume(run, data_folder=other.parent)


@pytest.mark.parametrize(
    ("engine", "variable", "value", "said"),
    [
        ("numpy", "OPENBLAS_NUM_THREADS", "2", 'threads was "1", now "2"'),
        ("numpy", "OPENBLAS_CORETYPE", "Prescott", "instructions was .*, now .*(Prescott|Katmai)"),
        ("native", "LENET5_INSTRUCTIONS", "baseline", "instructions was .*, now .baseline"),
    ],
)
def test_other_threads_and_instructions_are_refused_by_the_command(
    run: Path, small_mnist: Path, tmp_path: Path, engine: str, variable: str, value: str, said: str
) -> None:
    if engine == "native":
        plan = catalogue.load("archaeology", overrides=["epochs=1", "images=200"])
        run = train(plan, engine=engine, data_folder=small_mnist, runs_folder=tmp_path / "native").path
    command = [sys.executable, "-m", "lenet5", "train", "--resume", str(run), "--data-dir", str(small_mnist)]
    done = subprocess.run(command, env=os.environ | {variable: value}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.search(said, done.stderr), done.stderr
    assert "Traceback" not in done.stderr


def test_accepted_changes_are_recorded_and_not_asked_about_again(run: Path, small_mnist: Path) -> None:
    resume(run, engine="native", data_folder=small_mnist, accept_changes=True)
    folder = RunFolder.open(run)
    said = 'engine was "numpy", now "native"'
    result = folder.result()
    assert result is not None
    assert [(change["step"], said in change["changes"]) for change in result["changes"]] == [(7, True)]
    assert result["engine"] == folder.environment()["engine"] == "native"
    assert any(incident.what == "changed" and said in incident.text for incident in folder.history().incidents)
    resume(run, data_folder=small_mnist)


@pytest.mark.parametrize(("key", "value"), [("lenet5", "0.0.1"), ("numpy", "1.0.0"), ("device", "abacus")])
def test_every_recorded_field_is_compared(run: Path, small_mnist: Path, key: str, value: object) -> None:
    """As if the checkpoint had been made under other conditions."""
    found, _ = checkpoint.newest(run / "checkpoints")
    assert found is not None
    found.environment[key] = value
    checkpoint.save(run / "checkpoints", found)
    with pytest.raises(RunError, match=f"{identity.TITLES.get(key, key)} was"):
        resume(run, data_folder=small_mnist)


def test_options_of_a_new_run_are_refused_with_resume(run: Path, small_mnist: Path) -> None:
    command = [sys.executable, "-m", "lenet5", "train", "--resume", str(run), "--seed", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "leave out what changes it" in done.stderr


def test_a_word_about_the_recipe_changes_nothing(run: Path, made: Path, small_mnist: Path) -> None:
    edit(run / "recipe.toml", 'title = "', 'title = "Also ')
    resume(run, data_folder=small_mnist)
    assert weights(run) == weights(made)


def test_the_environment_is_put_right_from_the_checkpoint(run: Path, made: Path, small_mnist: Path) -> None:
    before = json.loads((run / "environment.json").read_text())
    edit(run / "environment.json", '"lenet5": "', '"lenet5": "9')
    resume(run, data_folder=small_mnist)
    assert json.loads((run / "environment.json").read_text()) == before
    assert weights(run) == weights(made)
