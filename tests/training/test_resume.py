"""A run that is stopped, killed or damaged goes on to the very bytes of an unbroken run."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lenet5 import files
from lenet5.errors import RunError
from lenet5.models import file as model_file
from lenet5.recipes import catalogue
from lenet5.training import checkpoint
from lenet5.training.history import EpochRow, History
from lenet5.training.run import RunFolder
from lenet5.training.train import resume, train

# Slow enough that a signal finds it at work: 2,000 images one by one, three epochs.
ARGUMENTS = ["archaeology", "--epochs", "3", "--set", "batch_size=4"]


def start(small_mnist: Path, runs: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "lenet5",
            "train",
            *arguments,
            "--runs",
            str(runs),
            "--data-dir",
            str(small_mnist),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def straight(small_mnist: Path, runs: Path, engine: str) -> bytes:
    """The weights of the unbroken run."""
    plan = catalogue.load("archaeology", overrides=["epochs=3", "batch_size=4"])
    return weights_of(train(plan, engine=engine, data_folder=small_mnist, runs_folder=runs).model)


def weights_of(model: Path) -> bytes:
    weights = model_file.read(model).weights
    return b"".join(weights[name].tobytes() for name in sorted(weights))


def wait_for(condition: Path, process: subprocess.Popen[str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not (condition.exists() and condition.stat().st_size):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("engine", ["native", "numpy", "torch"])
def test_a_run_killed_at_random_moments_ends_in_the_same_bytes(small_mnist: Path, tmp_path: Path, engine: str) -> None:
    expected = straight(small_mnist, tmp_path / "straight", engine)
    folder = tmp_path / "killed" / "archaeology-seed1"
    process = start(small_mnist, tmp_path / "killed", *ARGUMENTS, "--engine", engine)
    chance = random.Random(5)
    for _ in range(3):
        wait_for(folder / "environment.json", process)
        time.sleep(chance.uniform(0.0, 0.3 if engine == "native" else 2.0))  # before it is over
        process.kill()
        process.communicate()
        process = start(small_mnist, tmp_path / "killed", "--resume", str(folder))
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output
    assert weights_of(folder / "model.safetensors") == expected
    assert [row.epoch for row in History(folder / "history.jsonl").epochs] == [1, 2, 3]


def test_rates_and_distortions_survive_a_kill_inside_the_epoch(small_mnist: Path, tmp_path: Path) -> None:
    """The second derivatives of an epoch are estimated at its beginning: resuming must not estimate them again."""
    plan = catalogue.load("lecun-1998-distortions", overrides=["epochs=2"])
    expected = train(plan, engine="numpy", data_folder=small_mnist, runs_folder=tmp_path / "straight")
    folder = tmp_path / "killed" / "lecun-1998-distortions-seed1"
    command = ["lecun-1998-distortions", "--epochs", "2", "--engine", "numpy"]
    process = start(small_mnist, tmp_path / "killed", *command)
    wait_for(folder / "history.jsonl", process)  # the first epoch is over
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)  # saves where it is
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 143, output
    assert checkpoint.newest(folder / "checkpoints")[0].position.epoch_step > 0  # type: ignore[union-attr]
    done = resume(folder, data_folder=small_mnist)
    assert weights_of(done.model) == weights_of(expected.model)


def test_ctrl_c_saves_inside_the_epoch_and_exits_130(small_mnist: Path, tmp_path: Path) -> None:
    expected = straight(small_mnist, tmp_path / "straight", "numpy")
    folder = tmp_path / "archaeology-seed1"
    process = start(small_mnist, tmp_path, *ARGUMENTS, "--engine", "numpy")
    wait_for(folder / "history.jsonl", process)  # the first epoch is over
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 130, output
    assert "--resume" in output
    assert "Traceback" not in output
    found, _ = checkpoint.newest(folder / "checkpoints")
    assert found is not None
    assert found.position.epoch_step > 0  # not only at the end of an epoch
    run = resume(folder, data_folder=small_mnist)
    assert weights_of(run.model) == expected
    running = {row.epoch: row.train_loss for row in run.history().epochs}
    assert running == {
        row.epoch: row.train_loss for row in History(tmp_path / "straight/archaeology-seed1/history.jsonl").epochs
    }


def test_ctrl_c_is_heard_inside_an_epoch_of_the_native_engine(mnist_folder: Path, tmp_path: Path) -> None:
    process = start(mnist_folder, tmp_path, "archaeology", "--epochs", "50", "--engine", "native")
    folder = tmp_path / "archaeology-seed1"
    wait_for(folder / "history.jsonl", process)
    time.sleep(0.5)  # well inside the second epoch
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 130, output
    found, _ = checkpoint.newest(folder / "checkpoints")
    assert found is not None
    assert found.position.epoch_step > 0
    assert found.position.epoch <= 4  # not some epochs later


@pytest.fixture
def finished(small_mnist: Path, tmp_path: Path) -> Path:
    """A finished run of two epochs."""
    plan = catalogue.load("archaeology", overrides=["epochs=2", "batch_size=8"])
    return train(plan, data_folder=small_mnist, runs_folder=tmp_path).path


@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "no manifest"])
def test_a_damaged_checkpoint_is_found_and_the_one_before_it_is_used(
    finished: Path, small_mnist: Path, harm: str
) -> None:
    expected = weights_of(finished / "model.safetensors")
    newest = max((finished / "checkpoints").glob("seed-*"), key=lambda place: int(place.name.split("-")[-1]))
    arrays = newest / "arrays.safetensors"
    content = bytearray(arrays.read_bytes())
    if harm == "flip":
        content[len(content) // 2] ^= 1
    if harm == "no manifest":
        (newest / "manifest.json").unlink()
    arrays.write_bytes({"cut": content[: len(content) // 2], "empty": b""}.get(harm, bytes(content)))
    run = resume(finished, data_folder=small_mnist)
    assert [incident.what for incident in run.history().incidents] == ["damaged checkpoint", "resumed"]
    assert weights_of(run.model) == expected


@pytest.mark.parametrize("share", range(0, 100, 7))
def test_a_checkpoint_cut_anywhere_is_never_loaded(finished: Path, share: int, tmp_path: Path) -> None:
    place = next((finished / "checkpoints").glob("seed-*"))
    for name in ("arrays.safetensors", "manifest.json"):
        copy = tmp_path / f"seed-1-step-{share}"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(place, copy)
        content = (copy / name).read_bytes()
        (copy / name).write_bytes(content[: len(content) * share // 100])
        with pytest.raises(RunError):
            checkpoint.read(copy)


def test_two_trainers_on_one_folder_are_refused(finished: Path, small_mnist: Path) -> None:
    with files.lock_folder(finished), pytest.raises(RunError, match=str(os.getpid())):
        resume(finished, data_folder=small_mnist)


def test_other_data_are_refused(finished: Path, small_mnist: Path, tmp_path: Path) -> None:
    from lenet5.data import idx

    other = tmp_path / "other" / "mnist"
    shutil.copytree(small_mnist / "mnist", other)
    images = idx.read(other / "t10k-images-idx3-ubyte").copy()
    images[0, 0, 0] ^= 1
    idx.write(other / "t10k-images-idx3-ubyte", images)
    with pytest.raises(RunError, match="fingerprints"):
        resume(finished, data_folder=other.parent)


def test_a_last_line_of_history_cut_short_is_left_out(finished: Path) -> None:
    path = finished / "history.jsonl"
    whole = path.read_text()
    path.write_text(whole + '{"event": "epo')
    assert len(History(path).rows) == len(whole.splitlines())
    assert isinstance(History(path).rows[0], EpochRow)


def test_a_damaged_line_of_history_is_named(finished: Path) -> None:
    path = finished / "history.jsonl"
    path.write_text(json.dumps({"event": "epoch"}) + "\n" + path.read_text())
    with pytest.raises(RunError, match="line 1"):
        History(path)


def test_a_copy_beside_the_checkpoints_is_passed_over(finished: Path) -> None:
    folder = finished / "checkpoints"
    place = next(folder.glob("seed-*"))
    for name in (f"{place.name} copy", "seed-1-step-x", "seed-1-step-99999999999999999999999"):
        shutil.copytree(place, folder / name)
    assert checkpoint.newest(folder)[0] is not None
    assert checkpoint.newest(folder)[1] == []


@pytest.mark.parametrize("name", ["environment.json", "result.json", "history.jsonl"])
def test_a_folder_in_the_place_of_a_file_is_one_sentence(finished: Path, name: str) -> None:
    (finished / name).unlink()
    (finished / name).mkdir()
    run = RunFolder(finished)
    with pytest.raises(RunError, match=f"{name}: is a folder"):
        {"environment.json": run.environment, "result.json": run.result, "history.jsonl": run.history}[name]()


def test_resuming_what_is_no_run_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run folder"):
        resume(tmp_path)


def test_a_manifest_that_was_changed_is_refused(finished: Path) -> None:
    place = next((finished / "checkpoints").glob("seed-*"))
    manifest = (place / "manifest.json").read_text()
    (place / "manifest.json").write_text(manifest.replace('"epoch_step": 0', '"epoch_step": 7'))
    with pytest.raises(RunError, match="damaged"):
        checkpoint.read(place)


def test_rows_of_steps_that_are_taken_again_are_forgotten(finished: Path, small_mnist: Path) -> None:
    """A run killed after its epoch was written down, and before its checkpoint was."""
    shutil.rmtree(max((finished / "checkpoints").glob("seed-*"), key=lambda place: int(place.name.split("-")[-1])))
    run = resume(finished, data_folder=small_mnist)
    assert [row.epoch for row in run.history().epochs] == [1, 2]
