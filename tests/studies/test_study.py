"""Studies with real processes: each unit is done once, whatever dies."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PLAN = """
name = "small"
recipe = "archaeology"
seeds = 2
set = ["steps=40"]

[[vary]]
name = "batch"
options = { "32" = [], "64" = ["batch_size=64"] }
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    (tmp_path / "plan.toml").write_text(PLAN)
    return tmp_path / "plan.toml"


def start(plan: Path, data: Path, folder: str = "study", *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lenet5", "study", str(plan), "--folder", str(plan.parent / folder)]
    return subprocess.Popen(
        [*command, "--data-dir", str(data), "--workers", "2", *more],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def finished(process: subprocess.Popen[str]) -> str:
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output
    return output


def models(plan: Path, folder: str = "study") -> dict[str, str]:
    """The digest of each unit's weights."""
    found = (plan.parent / folder / "units").glob("*/result.json")
    return {path.parent.name: json.loads(path.read_text())["test_loss"][-1] for path in found}


def children_of(process: subprocess.Popen[str]) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False).stdout
    return [int(number) for number in listed.split()]


def wait_for(condition: Path, pattern: str, process: subprocess.Popen[str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not list(condition.glob(pattern)):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_only_what_is_missing_is_done(plan: Path, small_mnist: Path) -> None:
    first = finished(start(plan, small_mnist))
    assert "4 runs, 0 done already" in first
    assert first.count("done    ") == 4
    assert "2 of 2" in first
    before = models(plan)
    (next((plan.parent / "study" / "units").glob("*/result.json"))).unlink()
    second = finished(start(plan, small_mnist))
    assert "4 runs, 3 done already" in second
    assert second.count("done    ") == 1
    assert models(plan) == before


def test_a_study_killed_in_the_middle_ends_in_the_same_results(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace("steps=40", "steps=1500"))
    finished(start(plan, small_mnist, "straight"))
    process = start(plan, small_mnist)
    wait_for(plan.parent / "study" / "units", "*/*/checkpoints/*", process)
    for each in [process.pid, *children_of(process)]:
        os.kill(each, signal.SIGKILL)
    process.communicate()
    finished(start(plan, small_mnist))
    assert models(plan) == models(plan, "straight")


def test_a_worker_that_is_killed_costs_one_attempt(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace("steps=40", "steps=3000"))
    process = start(plan, small_mnist)
    wait_for(plan.parent / "study" / "units", "*/*/checkpoints/*", process)
    workers = [child for child in children_of(process) if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
    os.kill(workers[0], signal.SIGKILL)
    output = finished(process)
    assert "tried again: its process died (exit code -9)" in output
    assert len(models(plan)) == 4


def test_a_unit_that_always_fails_is_set_aside_and_the_rest_goes_on(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace('"64" = ["batch_size=64"]', '"too fast" = ["optimizer.lr=1e30"]'))
    output = finished(start(plan, small_mnist))
    assert output.count("set aside: the loss is not a finite number") == 2
    assert len(models(plan)) == 2
    failure = json.loads(next((plan.parent / "study" / "units").glob("*/failed.json")).read_text())
    assert len(failure["errors"]) == 2
    again = finished(start(plan, small_mnist))
    assert "4 runs, 2 done already, 0 to do" in again


def test_two_studies_at_once_do_each_unit_once(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace("steps=40", "steps=800"))
    outputs = [finished(process) for process in [start(plan, small_mnist) for _ in range(2)]]
    assert len(models(plan)) == 4
    assert len(list((plan.parent / "study" / "units").glob("*/archaeology-seed*"))) == 4  # not one was trained twice
    assert all("2 of 2" in output for output in outputs)


def test_ctrl_c_saves_and_the_same_command_goes_on(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace("steps=40", "steps=4000"))
    process = start(plan, small_mnist)
    wait_for(plan.parent / "study" / "units", "*/*/checkpoints/*", process)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 130, output
    assert "the same command goes on" in output
    finished(start(plan, small_mnist))
    assert len(models(plan)) == 4


def test_status_tells_how_far_hundreds_of_units_are_and_starts_none(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace("seeds = 2", "seeds = 250"))
    output = finished(start(plan, small_mnist, "study", "--status"))
    assert "0 of 250" in output
    assert not list(plan.parent.glob("study/units/*/*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--on", "nowhere"], "expected local, or an address such as tcp://host:8786"),
        (["--engine", "cuda"], 'there is no engine "cuda"'),
    ],
)
def test_bad_input_is_one_clear_error(plan: Path, small_mnist: Path, arguments: list[str], said: str) -> None:
    process = start(plan, small_mnist, "study", *arguments)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert said in output
    assert "Traceback" not in output
