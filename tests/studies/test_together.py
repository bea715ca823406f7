"""`lenet5 study --together`: each run as if it were alone, and recorded like any other."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lenet5.jobs.executor import Outcome
from lenet5.models import file as model_file
from lenet5.recipes import catalogue
from lenet5.seeds import restarted
from lenet5.studies.ledger import Ledger
from lenet5.studies.local import Task, attend
from lenet5.studies.together import attend_together
from lenet5.studies.units import Unit
from lenet5.training.history import History

PLAN = """
name = "small"
recipe = "archaeology"
seeds = 3
set = ["steps=20"]
"""


def tasks(folder: Path, data: Path, *overrides: str) -> tuple[Task, ...]:
    made = []
    for seed in (1, 2, 3):
        recipe = catalogue.load("archaeology", [*overrides, f"seed={seed}"])
        unit = Unit((), recipe, "torch")
        made.append(Task(unit, Ledger(folder).place(unit), data))
    return tuple(made)


def together(folder: Path, data: Path, *overrides: str) -> list[Outcome]:
    value = attend_together(tasks(folder, data, *overrides), lambda: None).value
    assert value is not None
    each: list[Outcome] = value["each"]
    return each


def models(folder: Path) -> list[bytes]:
    """The weights of each unit, in the order of the seeds."""
    found = sorted(folder.glob("units/*/*/model.safetensors"), key=lambda path: path.parent.name)
    weights = [model_file.read(path).weights for path in found]
    return [b"".join(each[name].tobytes() for name in sorted(each)) for each in weights]


def test_each_run_comes_out_as_alone_and_is_recorded_like_any_other(small_mnist: Path, tmp_path: Path) -> None:
    settings = ("steps=40", "images=640", "report_every=1", "validation=100", "averaged_epochs=2")
    ours = together(tmp_path / "together", small_mnist, *settings)
    alone = [attend(task, lambda: None) for task in tasks(tmp_path / "alone", small_mnist, *settings)]
    for one, other in zip(ours, alone, strict=True):
        assert (one.kind, other.kind) == ("done", "done")
        assert one.value is not None
        assert other.value is not None
        assert one.value.keys() == other.value.keys()
        losses = [np.array(value["step_losses"])[:, 1] for value in (one.value, other.value)]
        np.testing.assert_allclose(*losses, rtol=1e-3)  # float32, 40 steps that build on each other
        assert one.value["test_error_percent"] == pytest.approx(other.value["test_error_percent"], abs=0.5)
        assert one.value["environment"]["together"] == 3
        assert "together" not in other.value["environment"]
    assert [one.value for one in together(tmp_path / "together", small_mnist, *settings)] == [
        json.loads(path.read_text())
        for task in tasks(tmp_path / "together", small_mnist, *settings)
        for path in [task.folder / "result.json"]
    ]


def test_what_was_cut_off_goes_on_from_where_each_stood(small_mnist: Path, tmp_path: Path) -> None:
    straight, cut = tmp_path / "straight", tmp_path / "cut"
    together(straight, small_mnist, "epochs=3", "images=640")
    shutil.copytree(straight, cut)
    for place in cut.glob("units/*"):
        run = next(place.glob("archaeology-seed*"))
        for path in (place / "result.json", run / "result.json", run / "model.safetensors"):
            path.unlink()
        shutil.rmtree(run / "checkpoints" / f"seed-{run.name[-1]}-epoch-4-step-60")  # the newest
    for one in together(cut, small_mnist, "epochs=3", "images=640"):
        assert one.kind == "done"
    assert models(cut) == models(straight)
    run = next(cut.glob("units/*/archaeology-seed2"))  # one that stands behind the others goes on alone
    for path in (run.parent / "result.json", run / "result.json", run / "model.safetensors"):
        path.unlink()
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").mkdir()
    assert {one.kind for one in together(cut, small_mnist, "epochs=3", "images=640")} == {"done"}
    assert [row.epoch for row in History(run / "history.jsonl").epochs] == [1, 2, 3]


def test_one_that_begins_again_with_another_seed_leaves_the_others_in_step(small_mnist: Path, tmp_path: Path) -> None:
    """Of these, seeds 1 and 3 begin no better than guessing: they begin again with seeds of their own, 2 goes on."""
    settings = ("epochs=1", "images=640", "restarts=5", "optimizer.lr=0.1")
    ours = together(tmp_path / "together", small_mnist, *settings)
    alone = [attend(task, lambda: None) for task in tasks(tmp_path / "alone", small_mnist, *settings)]
    assert [one.kind for one in ours] == [one.kind for one in alone] == ["done"] * 3
    seeds = [[one.value["result"]["seed"] for one in each if one.value] for each in (ours, alone)]
    assert seeds[0] == seeds[1] == [restarted(1, 4), 2, restarted(3, 3)]


def test_one_that_fails_is_told_apart(small_mnist: Path, tmp_path: Path) -> None:
    outcomes = together(tmp_path, small_mnist, "steps=20", "optimizer.lr=1e30")
    assert [one.kind for one in outcomes] == ["failed"] * 3
    assert all("the loss is not a finite number" in one.error for one in outcomes)


def test_what_another_process_holds_is_left_to_it(small_mnist: Path, tmp_path: Path) -> None:
    held = tasks(tmp_path, small_mnist, "steps=20")[1]
    with Ledger(tmp_path).alone(held.unit):
        assert [one.kind for one in together(tmp_path, small_mnist, "steps=20")] == ["done", "busy", "done"]


def start(folder: Path, data: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lenet5", "study", str(folder / "plan.toml"), "--folder", str(folder / "study")]
    return subprocess.Popen(
        [*command, "--engine", "torch", "--device", "cpu", "--data-dir", str(data), "--workers", "1", *more],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def test_ctrl_c_saves_all_of_them_at_one_place_and_the_same_command_goes_on(small_mnist: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN.replace('"steps=20"', '"epochs=20", "images=640"'))
    process = start(tmp_path, small_mnist, "--together", "2")
    places = tmp_path / "study" / "units"
    deadline = time.monotonic() + 200
    while not list(places.glob("*/*/checkpoints/seed-2-epoch-2-step-20")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 130, output
    assert "3 runs, 0 done already, 3 to do, 2 at a time" in output
    newest = [max(int(path.name.split("-")[5]) for path in each.iterdir()) for each in places.glob("*/*/checkpoints")]
    assert len(newest) == 2
    assert len(set(newest)) == 1
    process = start(tmp_path, small_mnist, "--together", "2")
    output = process.communicate(timeout=400)[0]
    assert process.returncode == 0, output
    assert "3 of 3" in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--engine", "native"], 'engine "native" trains networks one by one'),
        (["--on", "tcp://nowhere:1", "--engine", "torch"], "--together is for this machine"),
    ],
)
def test_what_cannot_be_is_one_clear_error(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    process = start(tmp_path, tmp_path, "--together", "2", *arguments)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 1
    assert said in " ".join(output.split())
    assert "Traceback" not in output
