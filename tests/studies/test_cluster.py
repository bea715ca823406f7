"""A real Dask scheduler and real workers, as processes: the same bytes as here, whatever dies."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lenet5.data import idx

PLAN = """
name = "small"
recipe = "archaeology"
seeds = [1, 2, 3]
set = ["steps=60"]
"""


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def study(tmp_path: Path, small_mnist: Path) -> Start:
    """Start a study of the plan with so many steps, somewhere."""

    def start(on: str, folder: str = "study", steps: int = 60) -> subprocess.Popen[str]:
        (tmp_path / "plan.toml").write_text(PLAN.replace("steps=60", f"steps={steps}"))
        return subprocess.Popen(
            [sys.executable, "-m", "lenet5", "study", str(tmp_path / "plan.toml"), "--on", on, "--workers", "2",
             "--folder", str(tmp_path / folder), "--data-dir", str(small_mnist)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    return start


def output_of(process: subprocess.Popen[str], code: int = 0) -> str:
    output = process.communicate(timeout=120)[0]
    assert process.returncode == code, output
    return output


def wait_for_runs(folder: Path, count: int) -> None:
    """Return when so many runs are under way: their folders are there."""
    until = time.monotonic() + 60
    while len(list(folder.glob("units/*/*/recipe.toml"))) < count:
        assert time.monotonic() < until, "no run began within a minute"
        time.sleep(0.05)


def weights(folder: Path) -> dict[str, str]:
    """The digest of each seed's model file without its card, which holds the time."""
    from lenet5.models import file as model_file

    found = {}
    for path in folder.glob("units/*/*/model.safetensors"):
        arrays = model_file.read(path).weights
        found[path.parent.name] = "".join(array.tobytes().hex()[:64] for array in arrays.values())
    return found


def test_a_cluster_gives_the_same_bytes_as_this_machine(cluster: Any, study: Start, tmp_path: Path) -> None:
    for _ in range(2):
        cluster.add_worker()
    output = output_of(study(cluster.address, "there"))
    assert output.count("done    ") == 3
    output_of(study("local", "here"))
    assert len(weights(tmp_path / "here")) == 3
    assert weights(tmp_path / "there") == weights(tmp_path / "here")


def test_a_worker_killed_and_a_worker_asleep_cost_nothing_but_time(cluster: Any, study: Start, tmp_path: Path) -> None:
    killed, asleep = cluster.add_worker(), cluster.add_worker()
    process = study(cluster.address, steps=3000)
    wait_for_runs(tmp_path / "study", 2)  # both are at work
    asleep.send_signal(signal.SIGSTOP)
    killed.kill()
    cluster.add_worker()
    time.sleep(2)
    asleep.send_signal(signal.SIGCONT)
    output_of(process)
    assert len(weights(tmp_path / "study")) == 3


def test_a_lost_scheduler_is_one_sentence_and_the_study_goes_on_here(
    cluster: Any, study: Start, tmp_path: Path
) -> None:
    cluster.add_worker()
    process = study(cluster.address, steps=4000)
    wait_for_runs(tmp_path / "study", 1)
    cluster.scheduler.kill()
    output = output_of(process, code=1)
    assert "the scheduler is gone; restart it, or continue with --on local" in output
    assert "Traceback" not in output
    output_of(study("local", steps=4000))
    assert len(weights(tmp_path / "study")) == 3


def test_a_worker_with_other_data_refuses(cluster: Any, study: Start, small_mnist: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "mnist"
    other.mkdir(parents=True)
    for path in (small_mnist / "mnist").iterdir():
        idx.write(other / path.name, idx.read(path)[:400])
    cluster.add_worker(data=other.parent)
    output = output_of(study(cluster.address))
    assert output.count("set aside: this worker: was computed under other conditions: data fingerprints.train was") == 3


def test_nobody_at_the_address_is_one_sentence(study: Start) -> None:
    output = output_of(study("tcp://127.0.0.1:9"), code=1)
    assert "no Dask scheduler answers at this address" in output
    assert "Traceback" not in output
