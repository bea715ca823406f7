"""What the tests share: where the data are, and small plans that train in a moment."""

import os

# One thread a process, for the tests run side by side: libraries that each start a thread for every core wait for
# one another. Set before NumPy is imported; the programs that the tests start inherit it.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

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
