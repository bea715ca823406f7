"""`lenet5 study --together`: each run as if it were alone, and recorded like any other."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lenet5.models import file as model_file

PLAN = """
name = "small"
recipe = "archaeology"
seeds = 3
set = ["steps=100"]

[[vary]]
name = "batch"
options = { "32" = [], "64" = ["batch_size=64"] }
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    (tmp_path / "plan.toml").write_text(PLAN)
    return tmp_path / "plan.toml"


def start(plan: Path, data: Path, folder: str, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lenet5", "study", str(plan), "--folder", str(plan.parent / folder), *more]
    return subprocess.Popen(
        [*command, "--engine", "torch", "--device", "cpu", "--data-dir", str(data), "--workers", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def finished(process: subprocess.Popen[str]) -> str:
    output = process.communicate(timeout=240)[0]
    assert process.returncode == 0, output
    return output


def units(plan: Path, folder: str) -> dict[str, Path]:
    return {path.parent.name: path.parent for path in (plan.parent / folder / "units").glob("*/result.json")}


def assert_same_models(plan: Path, one: str, other: str) -> None:
    ours, theirs = units(plan, one), units(plan, other)
    assert ours.keys() == theirs.keys()
    for digest, place in ours.items():
        models = [model_file.read(next(each.glob("*/model.safetensors"))) for each in (place, theirs[digest])]
        for name, array in models[0].weights.items():
            # float32, a hundred steps that build on each other
            np.testing.assert_allclose(array, models[1].weights[name], atol=2e-3 * np.abs(array).max())


def test_each_run_comes_out_as_alone_and_is_recorded_like_any_other(plan: Path, small_mnist: Path) -> None:
    output = finished(start(plan, small_mnist, "together", "--together", "2"))
    assert "6 runs, 0 done already, 6 to do, 2 at a time" in output
    assert output.count("done    ") == 6
    assert "0 to do" in finished(start(plan, small_mnist, "together"))  # the same units, however they are trained
    finished(start(plan, small_mnist, "alone"))
    assert_same_models(plan, "together", "alone")
    results = [json.loads((place / "result.json").read_text()) for place in units(plan, "together").values()]
    assert sorted(result["environment"].get("together", 1) for result in results) == [1, 1, 2, 2, 2, 2]
    assert all(result["environment"]["device"] == "cpu" for result in results)
    assert all(len(result["steps"]) == len(result["seconds"]) == 4 - result["label"].count("64") for result in results)


def test_what_was_killed_goes_on_from_where_each_stood(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace("steps=100", "steps=400"))
    finished(start(plan, small_mnist, "straight", "--together", "3"))
    process = start(plan, small_mnist, "killed", "--together", "3")
    deadline = time.monotonic() + 120
    while not list((plan.parent / "killed" / "units").glob("*/*/checkpoints/seed-*-step-63")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False).stdout
    for each in [process.pid, *map(int, children.split())]:
        os.kill(each, signal.SIGKILL)
    process.communicate()
    finished(start(plan, small_mnist, "killed", "--together", "3"))
    assert_same_models(plan, "straight", "killed")


def test_ctrl_c_saves_all_of_them_at_one_place(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace("steps=100", "steps=4000"))
    process = start(plan, small_mnist, "study", "--together", "3")
    places = plan.parent / "study" / "units"
    deadline = time.monotonic() + 120
    while not list(places.glob("*/*/checkpoints/seed-*-step-63")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 130, output
    newest = {
        max(int(path.name.split("-")[3]) for path in folder.iterdir()) for folder in places.glob("*/*/checkpoints")
    }
    assert len(newest) == 1


def test_one_that_fails_does_not_stop_the_others(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace('"64" = ["batch_size=64"]', '"too fast" = ["optimizer.lr=1e30"]'))
    output = finished(start(plan, small_mnist, "study", "--together", "3"))
    assert output.count("set aside: the loss is not a finite number") == 3
    assert len(units(plan, "study")) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--engine", "native"], 'engine "native" trains networks one by one'),
        (["--device", "cuda", "--engine", "numpy"], 'engine "numpy" computes on the CPU only'),
        (["--on", "tcp://nowhere:1", "--engine", "torch"], "--together is for this machine"),
    ],
)
def test_what_cannot_be_is_one_clear_error(plan: Path, small_mnist: Path, arguments: list[str], said: str) -> None:
    command = [sys.executable, "-m", "lenet5", "study", str(plan), "--together", "2", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=plan.parent)
    assert done.returncode == 1
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
