"""What the tests share: where the data are, and small plans that train in a moment."""

import os

# One thread a process, for the tests run side by side: libraries that each start a thread for every core wait for
# one another. Set before NumPy is imported; the programs that the tests start inherit it.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lenet5.data import idx
from lenet5.recipes import catalogue
from lenet5.spec.recipe import Recipe

NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder that holds `mnist/` and `fashion-mnist/`; tests on real data are skipped without it."""
    folder = Path(os.environ.get("LENET5_DATA", "")).absolute()
    if not all((folder / "mnist" / name).exists() for name in NAMES):
        if os.environ.get("CI"):
            pytest.fail("LENET5_DATA holds no MNIST; in continuous integration the data must be there")
        pytest.skip("no MNIST at hand: set LENET5_DATA, or run `lenet5 data fetch mnist`")
    return folder


@pytest.fixture(scope="session")
def small_mnist(tmp_path_factory: pytest.TempPathFactory, mnist_folder: Path) -> Path:
    """A data folder with the first 2,000 training and 500 test images of MNIST, unpacked."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "mnist").mkdir()
    for name in NAMES:
        count = 2000 if name.startswith("train") else 500
        idx.write(folder / "mnist" / name.removesuffix(".gz"), idx.read(mnist_folder / "mnist" / name)[:count])
    return folder


@pytest.fixture
def quick() -> Recipe:
    """Archaeology, two epochs."""
    return catalogue.load("archaeology", overrides=["epochs=2"])


@pytest.fixture
def random() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(1998)


class Cluster:
    """A scheduler, and workers that come and go."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.file, self.data, self.folder = folder / "scheduler.json", data, folder
        self.scheduler = self._start("dask_scheduler", "--port", "0", "--no-dashboard", data=data)
        deadline = time.monotonic() + 30
        while not (self.file.exists() and self.file.stat().st_size):  # it appears before its content
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.address = json.loads(self.file.read_text())["address"]
        self.workers: list[subprocess.Popen[bytes]] = []

    def add_worker(self, data: Path | None = None) -> subprocess.Popen[bytes]:
        """Start one worker with one thread."""
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(self.folder))
        worker = self._start("dask_worker", *options, data=data or self.data)
        self.workers.append(worker)
        return worker

    def end(self) -> None:
        """Leave nothing behind."""
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()

    def _start(self, program: str, *options: str, data: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", "--scheduler-file", str(self.file), *options],
            env=os.environ | {"LENET5_DATA": str(data), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture
def cluster(tmp_path: Path, small_mnist: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path, small_mnist)
    yield made
    made.end()
