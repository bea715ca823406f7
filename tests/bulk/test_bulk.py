"""Jobs of many images with real files and real processes: each shard is done once, whatever is bad or dies."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from PIL import Image

import lenet5
from lenet5.bulk.run import read
from lenet5.data import idx
from lenet5.data.datasets import load
from lenet5.errors import BulkError, Lenet5Error

Images = NDArray[np.uint8]


@pytest.fixture(scope="session")
def digits(mnist_folder: Path) -> Images:
    return load("mnist", "test", mnist_folder).images[:60]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, digits: Images) -> tuple[Path, Path]:
    """The input and the folder of a finished job of three shards; tests change copies of the folder."""
    folder = tmp_path_factory.mktemp("finished")
    np.save(folder / "a.npy", digits)
    job(folder / "a.npy", folder / "out")
    return folder / "a.npy", folder / "out"


@pytest.fixture
def done(finished: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """The input of a finished job, and a copy of its folder."""
    given, out = finished
    return given, Path(shutil.copytree(out, tmp_path / "out"))


def png(image: Images, **how: Any) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG", **how)
    return content.getvalue()


def tar(path: Path, contents: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def rows(out: Path) -> list[dict[str, Any]]:
    found = sorted((out / "shards").glob("*/*.parquet"))
    return [row for path in found for row in pq.read_table(path).to_pylist()]


def job(given: Path, out: Path, **more: Any) -> list[dict[str, Any]]:
    read(given, out, model="modern", **({"workers": 1, "shard_images": 20} | more))
    return rows(out)


def command(given: Path, out: Path, *more: str) -> list[str]:
    program = [sys.executable, "-m", "lenet5", "bulk", str(given), "--out", str(out), "--model", "modern"]
    return [*program, "--workers", "2", *more]


def test_every_kind_of_input_gives_the_answers_of_the_predictor(tmp_path: Path, digits: Images) -> None:
    inputs = tmp_path / "in"
    inputs.mkdir()
    np.save(inputs / "a.npy", digits)
    idx.write(inputs / "b.idx", digits)
    files = [png(image) for image in digits]
    pq.write_table(pa.table({"image": files}), inputs / "c.parquet", row_group_size=25)
    numbers = pa.array(digits.reshape(-1, 784).tolist(), pa.list_(pa.uint8()))
    pq.write_table(pa.table({"name": [f"n{i}" for i in range(60)], "pixels": numbers}), inputs / "d.parquet")
    structs = pa.array([{"bytes": file, "path": None} for file in files])
    pq.write_table(pa.table({"image": structs, "label": [0] * 60}), inputs / "e.parquet")
    tar(inputs / "f.tar", {f"{number:03}.png": content for number, content in enumerate(files)})
    (inputs / "g").mkdir()
    for number, content in enumerate(files):
        (inputs / "g" / f"{number:03}.png").write_bytes(content)

    found = job(inputs, tmp_path / "out")

    predictor = lenet5.load("modern")
    best, probabilities = predictor.predict(digits), predictor.probabilities(digits).max(axis=1)
    assert [row["digit"] for row in found] == best.tolist() * 7
    np.testing.assert_allclose([row["probability"] for row in found], np.tile(probabilities, 7), rtol=1e-6)
    assert found[0]["name"] == "a.npy#0"
    assert found[180]["name"] == "n0"
    assert found[-1]["name"] == "g/059.png"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (manifest["images"], manifest["answered"], manifest["errors"]) == (420, 420, 0)


def test_what_is_no_digit_is_a_row_with_an_error(tmp_path: Path, digits: Images) -> None:
    good, broken = png(digits[0]), bytearray(png(digits[1]))
    broken[60] ^= 255
    contents = {
        "good.png": good, "broken.png": bytes(broken), "cut.png": good[:80], "large.png": png(np.zeros((40, 30), "u1")),
        "text.txt": b"no image at all", "empty.png": b"", "bare.bin": digits[0].tobytes(),
    }  # fmt: skip
    found = {row["name"]: row for row in job(tar(tmp_path / "t.tar", contents), tmp_path / "out")}
    assert found["t.tar/good.png"]["digit"] == found["t.tar/bare.bin"]["digit"] == 7
    bad = [found[f"t.tar/{name}"] for name in ("broken.png", "cut.png", "large.png", "text.txt", "empty.png")]
    assert all(row["digit"] is None and row["probability"] is None and row["error"] for row in bad)
    assert "30x40 pixels, expected 28x28" in bad[2]["error"]
    assert "no image" in bad[3]["error"]


def bad_files(folder: Path) -> None:
    """Write files that each once failed a whole job."""
    shapes = {
        "true": "(True, 28, 28)",
        "nested": "(" * 3000,
        "huge": f"({1 << 40}, 28, 28)",
        "negative": "(-1, 28, 28)",
    }
    for name, shape in shapes.items():
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
        (folder / f"{name}.npy").write_bytes(
            b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(784)
        )
    digits = b"9" * 5000
    record = tarfile.TarInfo("pax")
    record.type, record.size = tarfile.XHDTYPE, len(digits) + 10
    content = record.tobuf(tarfile.USTAR_FORMAT) + (digits + b" size=1\n").ljust(-(-record.size // 512) * 512, b"\0")
    (folder / "pax.tar").write_bytes(content + tarfile.TarInfo("a.png").tobuf(tarfile.USTAR_FORMAT) + bytes(1024))
    pq.write_table(pa.table({"image": [b"x"] * 3}), folder / "rows.parquet")
    whole = (folder / "rows.parquet").read_bytes()
    # In the footer the file and its row group say 3 rows, each as a varint after a field's header: 16 06 means 3.
    many = whole.replace(b"\x16\x06", b"\x16\x80\x80\x80\x80\x80\x40")
    length = int.from_bytes(whole[-8:-4], "little") + len(many) - len(whole)
    (folder / "rows.parquet").write_bytes(many[:-8] + length.to_bytes(4, "little") + b"PAR1")


def test_bad_files_of_every_kind_cost_their_own_rows_alone(tmp_path: Path, digits: Images) -> None:
    (tmp_path / "in").mkdir()
    bad_files(tmp_path / "in")
    (tmp_path / "in" / "good.png").write_bytes(png(digits[0]))
    found = {row["name"]: row["error"] for row in job(tmp_path / "in", tmp_path / "out")}
    assert found.pop("good.png") is None
    assert len(found) == 6
    assert all(found.values())
    assert "1,099,511,627,776" in found["huge.npy"] or "1099511627776" in found["huge.npy"]
    assert "rows" in found["rows.parquet"]


def test_a_sparse_tar_is_read_in_bounded_memory(tmp_path: Path) -> None:
    """A thousand files of a megabyte each, which take no room on the disk; then a hole of a terabyte."""
    with (tmp_path / "sparse.tar").open("wb") as file:
        for number in range(1000):
            member = tarfile.TarInfo(f"{number}.png")
            member.size = 1 << 20
            file.seek(number * ((1 << 20) + 512))
            file.write(member.tobuf())
        file.truncate(1 << 40)
    program = (
        "import resource, sys; from pathlib import Path; from lenet5.bulk.run import read\n"
        "from lenet5.training.peak_memory import process_peak_bytes\n"
        "read(Path(sys.argv[1]), Path(sys.argv[2]), model='modern', workers=1)\n"
        "print(process_peak_bytes() // 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "sparse.tar"), str(tmp_path / "out")],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert max(map(int, done.stdout.split())) < 700_000, "kilobytes; all at once would be more than a gigabyte"
    assert len(rows(tmp_path / "out")) == 1000


def test_a_damaged_header_in_a_tar_costs_one_member(tmp_path: Path, digits: Images) -> None:
    path = tar(tmp_path / "t.tar", {f"{number}.png": png(image) for number, image in enumerate(digits[:9])})
    with tarfile.open(path) as archive:
        place = archive.getmembers()[4].offset
    content = bytearray(path.read_bytes())
    content[place + 10] ^= 1
    path.write_bytes(content)
    found = job(path, tmp_path / "out", shard_images=4)
    assert [row["name"].removeprefix("t.tar/") for row in found[3:6]] == ["3.png", f"@{place}", "5.png"]
    assert [row["error"] is None for row in found] == [number != 4 for number in range(9)]


def test_a_tar_that_is_cut_short_gives_its_first_images(tmp_path: Path, digits: Images) -> None:
    path = tar(tmp_path / "t.tar", {f"{number}.png": png(image) for number, image in enumerate(digits[:5])})
    with tarfile.open(path) as archive:
        last = archive.getmembers()[-1]
    path.write_bytes(path.read_bytes()[: last.offset_data + 20])
    found = job(path, tmp_path / "out")
    assert [row["error"] for row in found] == [None] * 4 + ["the tar ends before this file does"]


def test_damaged_parquet_is_rows_with_errors(tmp_path: Path, digits: Images) -> None:
    inputs = tmp_path / "in"
    inputs.mkdir()
    table = pa.table({"image": [png(image) for image in digits]})
    pq.write_table(table, inputs / "page.parquet", row_group_size=20)
    content = bytearray((inputs / "page.parquet").read_bytes())
    column = pq.read_metadata(inputs / "page.parquet").row_group(1).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    content[start : start + 400] = bytes(400)
    (inputs / "page.parquet").write_bytes(content)
    pq.write_table(table, inputs / "short.parquet")
    (inputs / "short.parquet").write_bytes((inputs / "short.parquet").read_bytes()[:-100])
    found = job(inputs, tmp_path / "out")
    assert [row["error"] is None for row in found] == [True] * 20 + [False] * 20 + [True] * 20 + [False]
    assert found[-1]["name"] == "short.parquet"


def test_a_killed_job_goes_on_to_the_same_bytes_and_does_only_what_is_missing(tmp_path: Path, digits: Images) -> None:
    np.save(tmp_path / "a.npy", np.tile(digits, (100, 1, 1)))
    read(tmp_path / "a.npy", tmp_path / "straight", model="modern", workers=1, shard_images=50)
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(tmp_path / "a.npy", out, "--shard-images", "50"), stdout=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while len(list(out.glob("shards/*/0*.parquet"))) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in out.glob("shards/*/0*.parquet")}
    assert len(before) < 120
    again = [subprocess.Popen(command(tmp_path / "a.npy", out, "--shard-images", "50")) for _ in range(2)]
    assert [process.wait(120) for process in again] == [0, 0]
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())
    for name in [path.relative_to(out) for path in out.glob("shards/*/*")]:
        assert (out / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
    assert not list(out.glob("shards/*/.writing-*"))


def test_an_only_worker_that_hangs_is_ended_and_its_shard_tried_again(tmp_path: Path, digits: Images) -> None:
    np.save(tmp_path / "a.npy", digits)
    more = ("--workers", "1", "--deadline", "15")
    process = subprocess.Popen(command(tmp_path / "a.npy", tmp_path / "out", *more))
    until = time.monotonic() + 60
    while not (found := workers_of(process)):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    os.kill(found[0], signal.SIGSTOP)
    assert process.wait(120) == 0
    assert not Path(f"/proc/{found[0]}").exists()
    assert len(rows(tmp_path / "out")) == len(digits)


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(process.pid), "-f", "spawn_main"], capture_output=True, check=False)
    return [int(number) for number in listed.stdout.split()]


def test_an_empty_folder_and_a_missing_one_are_clear_errors(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BulkError, match="holds no images"):
        job(tmp_path / "empty", tmp_path / "out")
    with pytest.raises(BulkError, match="no such file or folder"):
        job(tmp_path / "none", tmp_path / "out")


def test_a_folder_of_another_job_is_refused(done: tuple[Path, Path]) -> None:
    given, out = done
    with pytest.raises(BulkError, match="holds another job"):
        job(given, out, shard_images=30)


def test_an_output_that_cannot_be_written_is_a_clear_error(tmp_path: Path, digits: Images) -> None:
    np.save(tmp_path / "a.npy", digits)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Lenet5Error, match="cannot be created"):
        job(tmp_path / "a.npy", tmp_path / "file" / "out")


def test_a_full_disk_is_told_and_the_job_goes_on_later(tmp_path: Path, digits: Images) -> None:
    np.save(tmp_path / "a.npy", digits)
    # No file may grow beyond two blocks, which stops results as a full disk does; the plan is smaller.
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 2; exec "$@"', "sh", *command(tmp_path / "a.npy", tmp_path / "out", "--workers", "1")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "failed twice" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "out" / "shards").glob("*/*.parquet"))
    assert len(job(tmp_path / "a.npy", tmp_path / "out", shard_images=20_000)) == 60


def test_a_changed_input_is_not_taken_for_the_planned_one(tmp_path: Path, digits: Images) -> None:
    np.save(tmp_path / "a.npy", digits)
    out = tmp_path / "out"
    job(tmp_path / "a.npy", out)
    (out / "shards" / "000000" / "000000001.parquet").unlink()
    np.save(tmp_path / "a.npy", digits[:50])
    with pytest.raises(BulkError, match="since the job was planned"):
        job(tmp_path / "a.npy", out)


def harmed(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("place", [3, 20, 400, 0.5, 0.8, 0.9, -30, -1])
def test_a_flipped_bit_anywhere_in_a_result_is_noticed(done: tuple[Path, Path], place: float) -> None:
    given, out = done
    result = out / "shards" / "000000" / "000000001.parquet"
    harmed(result, place if isinstance(place, int) else int(place * result.stat().st_size))
    with pytest.raises(BulkError, match=r"000000001.parquet: damaged: .* Delete it"):
        job(given, out)


def test_a_deleted_result_is_made_again(done: tuple[Path, Path]) -> None:
    given, out = done
    result = out / "shards" / "000000" / "000000001.parquet"
    before = result.read_bytes()
    result.unlink()
    assert len(job(given, out)) == 60
    assert result.read_bytes() == before


def test_swapped_results_are_noticed(done: tuple[Path, Path]) -> None:
    given, out = done
    shards = out / "shards" / "000000"
    one, two, between = shards / "000000000.parquet", shards / "000000001.parquet", shards / "between"
    for old, new in ((one, between), (two, one), (between, two)):
        old.rename(new)
    with pytest.raises(BulkError, match=r"the result of another shard or job \(lenet5.shard is 1, expected 0\)"):
        job(given, out)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_an_input_replaced_by_one_of_the_same_size_is_noticed(tmp_path: Path, digits: Images, kind: str) -> None:
    given = tmp_path / "in"
    given.mkdir()
    for number in range(30):
        (given / f"{number:02}.bin").write_bytes(digits[number].tobytes())
    changed = given / "07.bin"
    if kind == "file":
        given = changed = tmp_path / "a.npy"
        np.save(given, digits)
    job(given, tmp_path / "out")
    content = bytearray(changed.read_bytes())
    content[-400] ^= 255
    changed.write_bytes(content)
    for _ in range(2):  # whether all is done, or something is left to do
        with pytest.raises(BulkError, match="since the job was planned"):
            job(given, tmp_path / "out")
        (tmp_path / "out" / "shards" / "000000" / "000000001.parquet").unlink(missing_ok=True)


def test_verify_reads_the_input_again(tmp_path: Path, digits: Images) -> None:
    given = tmp_path / "a.npy"
    np.save(given, digits)
    job(given, tmp_path / "out")
    whole = subprocess.run([*command(given, tmp_path / "out"), "--verify"], capture_output=True, text=True, check=True)
    assert "3 of 3 shards are whole, and made of this input" in whole.stdout
    before = given.stat()
    harmed(given, 20_000)
    os.utime(given, ns=(before.st_atime_ns, before.st_mtime_ns))  # as if nothing had happened
    assert len(job(given, tmp_path / "out")) == 60
    found = subprocess.run([*command(given, tmp_path / "out"), "--verify"], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "1 of 3 shards are wrong" in found.stderr
    assert "differs from the input of shard 1" in found.stderr


@pytest.mark.parametrize(("name", "old", "new"), [("job.json", "60", "61"), ("plan.jsonl", "20", "21")])
def test_a_damaged_plan_is_noticed(done: tuple[Path, Path], name: str, old: str, new: str) -> None:
    given, out = done
    (out / name).write_text((out / name).read_text().replace(old, new))
    with pytest.raises(BulkError, match=r"damaged.*start again"):
        job(given, out)


def test_another_engine_goes_on_only_when_that_is_accepted(done: tuple[Path, Path]) -> None:
    given, out = done
    with pytest.raises(BulkError, match=r'engine was "native", now "numpy".*--accept-changes'):
        job(given, out, engine="numpy")
    job(given, out, engine="numpy", accept_changes=True)
    manifest = json.loads((out / "manifest.json").read_text())
    assert 'engine was "native", now "numpy"' in manifest["changes"][0]


def test_a_pipe_among_the_files_is_a_row_with_an_error(tmp_path: Path, digits: Images) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.tar", "c.npy"):
        os.mkfifo(tmp_path / "in" / name)
    (tmp_path / "in" / "d.png").write_bytes(png(digits[0]))
    assert [row["error"] for row in job(tmp_path / "in", tmp_path / "out")] == [*["not a regular file"] * 3, None]
