"""Studies with real processes: each unit is done once, whatever dies."""

import errno
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from killable import doubled

from lenet5 import files
from lenet5.data import idx
from lenet5.errors import BusyError, RunError
from lenet5.jobs.executor import Outcome
from lenet5.jobs.processes import Processes
from lenet5.studies.ledger import Ledger

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
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | {"COLUMNS": "200"},
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
    plan.write_text(PLAN.replace("steps=40", "steps=1500"))
    process = start(plan, small_mnist)
    wait_for(plan.parent / "study" / "units", "*/*/checkpoints/*", process)
    workers = [child for child in children_of(process) if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
    os.kill(workers[0], signal.SIGKILL)
    output = finished(process)
    assert "tried again: the worker process died (exit code -9)" in output
    assert len(models(plan)) == 4


def test_a_unit_that_always_fails_is_set_aside_and_the_rest_goes_on(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace('"64" = ["batch_size=64"]', '"too fast" = ["optimizer.lr=1e30"]'))
    output = finished(start(plan, small_mnist))
    assert output.count("set aside: the loss is not a finite number") == 2
    assert len(models(plan)) == 2
    failure = json.loads(next((plan.parent / "study" / "units").glob("*/failed.json")).read_text())
    assert len(failure["errors"]) == 2
    again = finished(start(plan, small_mnist))
    assert "4 runs, 2 done already, nothing to do" in again


def test_two_studies_at_once_do_each_unit_once(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace("steps=40", "steps=400"))
    outputs = [finished(process) for process in [start(plan, small_mnist) for _ in range(2)]]
    assert len(models(plan)) == 4
    assert len(list((plan.parent / "study" / "units").glob("*/archaeology-seed*"))) == 4  # not one was trained twice
    assert all("2 of 2" in output for output in outputs)


def test_ctrl_c_saves_and_the_same_command_goes_on(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace("steps=40", "steps=1500"))
    process = start(plan, small_mnist)
    wait_for(plan.parent / "study" / "units", "*/*/checkpoints/*", process)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 130, output
    assert "the same command continues" in output
    finished(start(plan, small_mnist))
    assert len(models(plan)) == 4


def test_status_tells_how_far_hundreds_of_units_are_and_starts_none(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace("seeds = 2", "seeds = 250"))
    output = finished(start(plan, small_mnist, "study", "--status"))
    assert "0 of 250" in output
    assert not list(plan.parent.glob("study/units/*/*"))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--on", "nowhere"], 1, "expected local, or an address such as tcp://host:8786"),
        (["--on", "tcp://nowhere:8786", "--threads", "2"], 1, "--threads is for this machine"),
        (["--engine", "cuda"], 2, "'cuda' is not one of"),
    ],
)
def test_bad_input_is_one_clear_error(
    plan: Path, small_mnist: Path, arguments: list[str], code: int, said: str
) -> None:
    process = start(plan, small_mnist, "study", *arguments)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == code
    assert said in output
    assert "Traceback" not in output


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = [pid for pid in children_of(process) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        if len(found) == 2:
            return found
        time.sleep(0.02)
    raise AssertionError("no workers")


def test_an_idle_worker_that_dies_is_replaced() -> None:
    """Straight after its start a worker has nothing to do; what is given to it then must reach another one."""
    hands: Processes[int] = Processes(1, doubled)
    try:
        hands.give(1)
        assert outcome_of(hands).value == {"doubled": 2}
        hands._workers[0].process.kill()
        hands._workers[0].process.join()
        hands.give(2)
        assert outcome_of(hands).value == {"doubled": 4}
    finally:
        hands.stop()


def test_a_worker_that_hangs_is_ended_and_its_unit_tried_again(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace("steps=40", "steps=1200"))
    process = start(plan, small_mnist, "study", "--deadline", "15")
    wait_for(plan.parent / "study" / "units", "*/*/checkpoints/*", process)
    os.kill(workers_of(process)[0], signal.SIGSTOP)
    output = finished(process)
    assert "tried again: no progress for 15 seconds (--deadline); the worker process was killed" in output
    assert len(models(plan)) == 4


def test_a_unit_that_another_process_has_is_named(plan: Path, small_mnist: Path) -> None:
    finished(start(plan, small_mnist))
    done = next((plan.parent / "study" / "units").glob("*/result.json"))
    done.unlink()
    with files.lock_folder(done.parent):
        process = start(plan, small_mnist)
        assert process.stdout is not None
        line = next(line for line in process.stdout if line.startswith("waiting"))
    assert f"in use by process {os.getpid()} on" in line
    finished(process)


def test_a_result_of_other_data_is_refused_or_accepted_on_record(plan: Path, small_mnist: Path, tmp_path: Path) -> None:
    plan.write_text(PLAN.replace("seeds = 2", "seeds = 1"))
    finished(start(plan, small_mnist))
    other = tmp_path / "other" / "mnist"
    shutil.copytree(small_mnist / "mnist", other)
    labels = idx.read(other / "train-labels-idx1-ubyte").copy()
    labels[0] ^= 1
    idx.write(other / "train-labels-idx1-ubyte", labels)
    process = start(plan, other.parent)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 1
    assert "data fingerprints.train was" in output
    assert "Traceback" not in output
    finished(start(plan, other.parent, "study", "--accept-changes"))
    kept = json.loads(next((plan.parent / "study" / "units").glob("*/changes.json")).read_text())
    assert "data fingerprints.train was" in kept[0]


def test_threads_are_those_of_each_process_and_on_record(plan: Path, small_mnist: Path) -> None:
    plan.write_text(PLAN.replace("seeds = 2", "seeds = 1"))
    finished(start(plan, small_mnist, "study", "--threads", "2", "--engine", "numpy"))
    folder = plan.parent / "study" / "units"
    assert {json.loads(path.read_text())["environment"]["threads"] for path in folder.glob("*/result.json")} == {"2"}
    finished(start(plan, small_mnist, "study", "--threads", "2", "--engine", "numpy"))
    process = start(plan, small_mnist, "study", "--engine", "numpy")  # its sums may depend on the number of threads
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 1
    assert 'threads was "2", now "1"' in " ".join(output.split())


def test_a_file_system_without_locks_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with pytest.raises(RunError, match=r"No locks available.*another file system") as caught:
        Ledger(tmp_path / "study").keep_order([])
    assert not isinstance(caught.value, BusyError)


def outcome_of(hands: Processes[int]) -> Outcome:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for _, outcome in hands.wait(0.2):
            return outcome
    raise AssertionError("no outcome")
