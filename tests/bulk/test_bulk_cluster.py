"""Jobs of many images on a real Dask scheduler with real workers: the same bytes as here, whatever dies."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from PIL import Image

from lenet5.data.datasets import load
from lenet5.data.made.strings import made_string

Images = NDArray[np.uint8]


@pytest.fixture(scope="session")
def digits(mnist_folder: Path) -> Images:
    return load("mnist", "test", mnist_folder).images[:60]


def start(given: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "lenet5", "bulk", str(given), "--out", str(out), "--model", "modern", *more]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def output_of(process: subprocess.Popen[str], code: int = 0) -> str:
    output = process.communicate(timeout=120)[0]
    assert process.returncode == code, output
    assert "Traceback" not in output
    return output


def results(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.glob("shards/*/0*.parquet"))}


def wait_for_shards(out: Path, count: int) -> None:
    until = time.monotonic() + 60
    while len(list(out.glob("shards/*/0*.parquet"))) < count:
        assert time.monotonic() < until, "no result within a minute"
        time.sleep(0.01)


def test_a_cluster_whose_worker_is_killed_gives_the_same_bytes(cluster: Any, tmp_path: Path, digits: Images) -> None:
    given, many = tmp_path / "a.npy", ("--shard-images", "50")
    np.save(given, np.tile(digits, (100, 1, 1)))
    killed, _ = cluster.add_worker(), cluster.add_worker()
    process = start(given, tmp_path / "there", "--on", cluster.address, *many)
    wait_for_shards(tmp_path / "there", 3)
    killed.kill()
    assert len(results(tmp_path / "there")) < 120  # it was killed in the middle
    assert "6,000 rows" in output_of(process)
    output_of(start(given, tmp_path / "here", "--workers", "1", *many))
    assert len(results(tmp_path / "here")) == 120
    assert results(tmp_path / "there") == results(tmp_path / "here")


def test_a_lost_scheduler_is_one_sentence_and_the_job_goes_on_here(
    cluster: Any, tmp_path: Path, digits: Images
) -> None:
    given, many = tmp_path / "a.npy", ("--shard-images", "50")
    np.save(given, np.tile(digits, (100, 1, 1)))
    cluster.add_worker()
    process = start(given, tmp_path / "out", "--on", cluster.address, *many)
    wait_for_shards(tmp_path / "out", 3)
    cluster.scheduler.kill()
    assert "the scheduler is gone; restart it, or continue with --on local" in output_of(process, code=1)
    assert 3 <= len(results(tmp_path / "out")) < 120
    assert "6,000 rows" in output_of(start(given, tmp_path / "out", "--workers", "1", *many))


def test_photographs_are_read_alike_here_and_there_and_a_bad_one_is_a_row(
    cluster: Any, tmp_path: Path, mnist_folder: Path
) -> None:
    photos, mnist = tmp_path / "photos", load("mnist", "test", mnist_folder)
    photos.mkdir()
    made = [made_string(mnist, 8, "plain", number, seed=1, length=3) for number in range(4)]
    for number, each in enumerate(made):
        Image.fromarray(each.image).save(photos / f"{number}.png")
    (photos / "4-cut.png").write_bytes((photos / "0.png").read_bytes()[:60])
    pages = [Image.fromarray(each.image) for each in made[:2]]
    pages[0].save(photos / "5-pages.tif", save_all=True, append_images=pages[1:])
    Image.new("L", (80, 60), 255).save(photos / "6-empty.png")
    cluster.add_worker()
    output = output_of(start(photos, tmp_path / "there", "--photos", "--shard-images", "2", "--on", cluster.address))
    assert "8 rows: 7 answered, 0 rejected, 1 with an error" in output
    output_of(start(photos, tmp_path / "here", "--photos", "--shard-images", "2", "--workers", "2"))
    assert results(tmp_path / "there") == results(tmp_path / "here")
    paths = sorted((tmp_path / "there" / "shards").glob("*/*.parquet"))
    rows = [row for path in paths for row in pq.read_table(path).to_pylist()]
    labels = [each.label for each in made]
    assert [(row["page"], row["text"]) for row in rows] == [
        *((1, label) for label in labels), (None, None), (1, labels[0]), (2, labels[1]), (1, ""),
    ]  # fmt: skip
    assert [bool(row["error"]) for row in rows] == [False] * 4 + [True] + [False] * 3
    assert "damaged or cut short" in rows[4]["error"]
