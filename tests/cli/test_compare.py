"""`lenet5 compare`, as a user types it."""

import re
import subprocess
import sys
from pathlib import Path


def compare(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lenet5", "compare", *arguments, "--folder", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_status_shows_every_row_from_the_record_and_fits_nothing(tmp_path: Path) -> None:
    done = compare(tmp_path / "c", "all", "--status")
    assert done.returncode == 0, done.stderr
    assert re.search(r"exceeded +K-NN +5, 2\.83 ", done.stdout)
    assert "boosted LeNet-4" in done.stdout
    assert not (tmp_path / "c").exists()


def test_a_quick_look_at_a_classifier_and_a_network_prints_both_errors(tmp_path: Path, mnist_folder: Path) -> None:
    done = compare(tmp_path / "c", "linear", "lenet-1", "--quick", "--data-dir", str(mnist_folder))
    assert done.returncode == 0, done.stderr
    assert re.search(r"linear +12\.0 % published +\d+\.\d % on few images", done.stdout)
    assert re.search(r"LeNet-1, 16x16 +1\.7 % published +\d+\.\d % on few images", done.stdout)


def test_a_mistyped_method_is_one_sentence(tmp_path: Path) -> None:
    done = compare(tmp_path / "c", "lenet4")
    assert done.returncode == 1
    assert 'Did you mean "lenet-4"?' in done.stderr
    assert "Traceback" not in done.stderr
