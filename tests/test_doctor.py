"""The report of `lenet5 doctor`: true, and without personal names."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lenet5.data import idx
from lenet5.distribution import VERSION

# A machine where the native engine was not built and onnx is not installed.
SITECUSTOMIZE = """
import importlib.metadata, sys
sys.modules["lenet5.engines.native._kernels"] = None
found = importlib.metadata.version
def version(name):
    if name == "onnx":
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)
importlib.metadata.version = version
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of somebody called ada, with a data folder that holds a damaged and an unpacked file."""
    home = tmp_path_factory.mktemp("home") / "ada"
    (home / "numbers/mnist").mkdir(parents=True)
    (home / "numbers/holiday.jpg").touch()
    (home / "numbers/mnist/t10k-labels-idx1-ubyte.gz").write_bytes(b"cut short")
    idx.write(home / "numbers/mnist/t10k-images-idx3-ubyte", np.zeros((1, 28, 28), np.uint8))
    (home / "site").mkdir()
    (home / "site/sitecustomize.py").write_text(SITECUSTOMIZE)
    return home


def doctor(home: Path, *options: str, cwd: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "lenet5", "doctor", *options],
        capture_output=True, text=True, cwd=cwd, check=False,
        env=os.environ | {"HOME": str(home), "LOGNAME": "ada", "USER": "ada", "LENET5_DATA": str(home / "numbers"),
                          "LENET5_TOKEN": "secret", "PYTHONPATH": str(home / "site")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ada" not in done.stdout
    assert "secret" not in done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def report(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(doctor(home, "--json", cwd=home))
    return found


def test_it_tells_versions_engines_and_why_one_is_missing(report: dict[str, Any]) -> None:
    assert report["lenet5"] == VERSION
    assert report["packages"]["numpy"] == np.__version__
    assert report["engines"]["numpy"]["usable"]
    assert not report["engines"]["native"]["usable"]
    assert "native" in report["engines"]["native"]["why"]
    assert report["auto"] == "numpy"
    assert report["extras"]["onnx"]["onnx"] is None
    assert "modern" in report["models"]


def test_it_tells_the_state_of_the_data_files(report: dict[str, Any]) -> None:
    assert report["data"]["~/numbers"] == {"mnist": "1 damaged and 2 missing and 1 unpacked", "other entries": "1"}


def test_it_tells_where_nothing_can_be_written(home: Path, report: dict[str, Any]) -> None:
    assert report["write access"]["current folder"].startswith("yes")
    assert list(home.glob("tmp*")) == []
    if Path("/proc/self").exists():
        assert "  current folder: no: " in doctor(home, cwd="/proc")
