"""Distorted copies: the same bytes from NumPy and the compiled module, with any number of threads."""

import subprocess
import sys

import numpy as np
import pytest

from lenet5 import compiled
from lenet5.data.distort import REACH, affine, drawn, drawn_bends
from lenet5.data.warp import warp, warp_in_numpy
from lenet5.spec.distortion import Distortion

FAR = Distortion(translation=9.0, scaling=0.5, squeezing=0.5, shearing=0.8, rotation=180.0, bending=12.0)
DIGEST = """
import hashlib, sys
sys.path.insert(0, {tests!r})
from test_warp import arguments
from lenet5.data.warp import warp
print(hashlib.sha256(warp(*arguments(1000)).tobytes()).hexdigest())
"""


def arguments(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    images = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return images, affine(drawn(FAR, count, random)), drawn_bends(FAR, count, random), REACH


@pytest.mark.parametrize("bending", [True, False])
def test_numpy_and_the_compiled_module_make_the_same_bytes(bending: bool) -> None:
    images, places, bends, reach = arguments(700)  # far beyond the borders, and more than two chunks
    bends = bends if bending else None
    assert compiled.missing_because() is None
    expected = warp_in_numpy(images, places, bends, reach)
    assert warp(images, places, bends, reach).tobytes() == expected.tobytes()
    assert 0 < np.count_nonzero(expected) < 0.9 * expected.size


def test_threads_and_instructions_make_no_difference(request: pytest.FixtureRequest) -> None:
    script = DIGEST.format(tests=str(request.path.parent))
    settings = [{"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "3"}, {"LENET5_INSTRUCTIONS": "baseline"}]
    digests = {
        subprocess.run([sys.executable, "-c", script], env=setting, capture_output=True, check=True, text=True).stdout
        for setting in settings
    }
    assert len(digests) == 1


def test_no_images_stay_no_images() -> None:
    for own in (warp, warp_in_numpy):
        assert own(*arguments(0)).shape == (0, 28, 28)
