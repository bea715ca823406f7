"""Systems without fcntl, resource, fork and processor affinity: Windows has none of them, macOS not the last."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lenet5 import machine
from lenet5.data import idx

# Python imports this by its name in every process that finds it, so the workers of a study see the same system.
SITECUSTOMIZE = """
import os, resource, signal, sys
sys.modules["fcntl"] = sys.modules["resource"] = None
for name in ("fork", "sched_getaffinity", "nice"):
    delattr(os, name)
for name in ("SIGALRM", "SIGHUP", "SIGUSR1", "SIGXCPU", "alarm", "setitimer"):
    delattr(signal, name)
"""
Command = Callable[..., str]


@pytest.fixture
def lenet5(tmp_path: Path) -> Command:
    """Run a command on such a system, in an empty folder, and return what it prints."""
    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE)

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "lenet5", *map(str, arguments)],
            capture_output=True, text=True, cwd=tmp_path, check=False,
            env=os.environ | {"PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_train_resume_evaluate_and_export_need_no_posix(lenet5: Command, small_mnist: Path, tmp_path: Path) -> None:
    lenet5("train", "archaeology", "--epochs", "1", "--set", "batch_size=8", "--data-dir", small_mnist)
    assert "last epoch" in lenet5("train", "--resume", "runs/archaeology-seed1", "--data-dir", small_mnist)
    assert "95 % interval" in lenet5("evaluate", "runs/archaeology-seed1", "--data-dir", small_mnist)
    lenet5("export", "runs/archaeology-seed1", "--to", "c")
    assert (tmp_path / "runs/archaeology-seed1/c/lenet5.c").exists()


def test_study_and_bulk_need_no_posix(lenet5: Command, small_mnist: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(
        'name = "two"\nrecipe = "archaeology"\nseeds = 2\nset = ["steps=40"]\n[[vary]]\nname = "batch"\n'
        'options = { "64" = ["batch_size=64"] }\n'
    )
    assert "2 of 2" in lenet5("study", "plan.toml", "--workers", "2", "--data-dir", small_mnist)
    idx.write(tmp_path / "images-idx3-ubyte", np.zeros((40, 28, 28), np.uint8))
    assert "40 rows" in lenet5("bulk", "images-idx3-ubyte", "--out", "answers", "--shard-images", "20")


def test_read_needs_no_posix(lenet5: Command, tmp_path: Path) -> None:
    picture = np.full((60, 60), 255, np.uint8)
    picture[12:48, 27:33] = 0
    Image.fromarray(picture).save(tmp_path / "one.png")
    assert "1" in lenet5("read", "one.png")


@pytest.mark.parametrize(("limit", "cores"), [("250000 100000", 3), ("50000 100000", 1), ("max 100000", 64), ("", 64)])
def test_a_containers_limit_bounds_the_cores(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: str, cores: int
) -> None:
    (tmp_path / "cpu.max").write_text(limit)
    monkeypatch.setattr(machine, "CGROUP_CPU_LIMIT", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert machine.usable_cores() == cores
