"""The checkpoint is the only truth: whatever happens to the other files of a run, it goes on to the same end."""

import json
import os
import random
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from interrupted import interrupted

from lenet5.errors import InterruptedRunError, RecipeError, RunError
from lenet5.models import file as model_file
from lenet5.recipes import catalogue
from lenet5.spec.recipe import Recipe
from lenet5.training import checkpoint
from lenet5.training.checkpoint import Position
from lenet5.training.history import History
from lenet5.training.identity import weights_digest
from lenet5.training.run import RunFolder
from lenet5.training.train import Unwatched, resume, train

MEASURED = {"seconds", "images_per_second", "peak_memory_bytes"}


def recipe() -> Recipe:
    return catalogue.load("archaeology", overrides=["epochs=3", "images=64"])


@pytest.fixture(scope="module")
def made(small_mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(recipe(), data_folder=small_mnist, runs_folder=tmp_path_factory.mktemp("made")).path


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A run that was killed in its last epoch."""
    return interrupted(made, tmp_path)


def end(folder: Path) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
    """Weights, epochs and figures of a finished run."""
    done = RunFolder.open(folder)
    result = done.result() or {}
    rows = [{key: value for key, value in asdict(row).items() if key not in MEASURED} for row in done.history().epochs]
    figures = {key: result[key] for key in ("epochs", "steps", "test_accuracy_percent", "test_loss", "train_loss")}
    return weights_digest(model_file.read(done.model).weights), rows, figures


@pytest.mark.parametrize("harm", ["gone", "empty", "torn row", "another accuracy", "no text", "an epoch twice"])
def test_a_damaged_history_changes_nothing(run: Path, made: Path, small_mnist: Path, harm: str) -> None:
    path = run / "history.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    torn = "".join(lines)[:-40]
    path.write_bytes(
        {
            "gone": b"",
            "empty": b"",
            "torn row": torn.encode(),
            "another accuracy": "".join(lines)
            .replace('"test_accuracy_percent": ', '"test_accuracy_percent": 9')
            .encode(),
            "no text": bytes(range(256)),
            "an epoch twice": "".join([lines[0], *lines]).encode(),
        }[harm]
    )
    if harm == "gone":
        path.unlink()
    resume(run, data_folder=small_mnist)
    assert end(run) == end(made)


@pytest.mark.parametrize("name", ["history.jsonl", "environment.json", "recipe.toml", "result.json"])
def test_a_flipped_bit_beside_the_checkpoints_stops_no_run(
    run: Path, made: Path, small_mnist: Path, tmp_path: Path, name: str
) -> None:
    """A flip that makes another recipe of it is refused with what differs, for it might be meant."""
    whole, chance = (made / name).read_bytes(), random.Random(name)
    for number in range(12):
        content = bytearray(whole)
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        folder = tmp_path / f"{number}"
        shutil.copytree(run, folder)
        (folder / name).write_bytes(content)
        run_folder = RunFolder.open(folder)
        recipe_now = run_folder.recorded_recipe()
        if recipe_now is not None and recipe_now.digest != recipe().digest:
            with pytest.raises(RunError, match=r"was computed under other conditions: recipe\."):
                resume(folder, data_folder=small_mnist)
            (folder / name).unlink()  # the checkpoint has it
        resume(folder, data_folder=small_mnist)
        assert end(folder) == end(made)


def test_a_stop_in_the_last_call_of_an_epoch_and_a_kill_in_the_next_count_no_epoch_twice(
    made: Path, small_mnist: Path, tmp_path: Path
) -> None:
    class Stopper(Unwatched):
        def progress(self, position: Position, loss: float, images_per_second: float) -> None:
            if position.epoch_step == 2:  # all of the first epoch's
                os.kill(os.getpid(), 15)

    class KilledError(Exception):
        pass

    class Killer(Unwatched):
        def progress(self, position: Position, loss: float, images_per_second: float) -> None:
            raise KilledError

    with pytest.raises(InterruptedRunError):
        train(recipe(), data_folder=small_mnist, runs_folder=tmp_path, observer=Stopper())
    folder = tmp_path / made.name
    found, _ = checkpoint.newest(folder / "checkpoints")
    assert found is not None
    assert (found.position.epoch, found.position.epoch_step) == (1, 2)
    with pytest.raises(KilledError):
        resume(folder, data_folder=small_mnist, observer=Killer())
    resume(folder, data_folder=small_mnist)
    assert end(folder) == end(made)


def test_leftovers_of_killed_processes_are_removed_when_a_run_is_opened(run: Path, small_mnist: Path) -> None:
    (run / ".writing-01234567-result.json").write_text("half")
    (run / "checkpoints" / ".writing-01234567-seed-1-epoch-4-step-6").mkdir()
    resume(run, data_folder=small_mnist)
    assert not list(run.glob("**/.writing-*"))


def test_a_folder_cut_off_before_its_first_checkpoint_goes_on(made: Path, small_mnist: Path, tmp_path: Path) -> None:
    folder = tmp_path / made.name
    (folder / "checkpoints").mkdir(parents=True)
    shutil.copy(made / "recipe.toml", folder)
    resume(folder, data_folder=small_mnist)
    assert end(folder) == end(made)


def test_a_folder_cut_off_before_anything_says_how_to_begin_anew(tmp_path: Path) -> None:
    (tmp_path / "half" / "checkpoints").mkdir(parents=True)
    with pytest.raises(RunError, match=r"whose making was cut off.*Begin anew with `lenet5 train"):
        resume(tmp_path / "half")
    (tmp_path / "half" / "recipe.toml").write_text("half a rec")
    with pytest.raises(RecipeError, match=r"recipe\.toml"):
        resume(tmp_path / "half")


def test_a_copied_checkpoint_folder_is_left_alone(run: Path, made: Path, small_mnist: Path) -> None:
    shutil.copytree(run / "checkpoints" / "seed-1-epoch-3-step-4", run / "checkpoints" / "seed-1-epoch-3-step-4 (copy)")
    resume(run, data_folder=small_mnist)
    assert end(run) == end(made)


def test_a_checkpoint_of_another_version_is_kept_and_named(run: Path, small_mnist: Path) -> None:
    from lenet5 import files

    for place in (run / "checkpoints").iterdir():
        manifest = json.loads((place / "manifest.json").read_text())
        manifest["format"] = "lenet5-checkpoint-1"
        del manifest["manifest_sha256"]
        manifest["manifest_sha256"] = files.sha256_hex(json.dumps(manifest, sort_keys=True).encode())
        (place / "manifest.json").write_text(json.dumps(manifest))
    kept = sorted(path.name for path in (run / "checkpoints").iterdir())
    with pytest.raises(RunError, match="has the format lenet5-checkpoint-1"):
        resume(run, data_folder=small_mnist)
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == kept


def test_a_history_that_was_rebuilt_reads_as_before(run: Path, made: Path, small_mnist: Path) -> None:
    (run / "history.jsonl").write_text("{}\n")
    with pytest.raises(RunError, match="--resume` writes it anew"):
        History(run / "history.jsonl")
    resume(run, data_folder=small_mnist)
    assert [row.epoch for row in History(run / "history.jsonl").epochs] == [1, 2, 3]
