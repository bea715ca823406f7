"""Files appear whole or not at all, whatever the disk and the process do."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lenet5 import files
from lenet5.errors import RunError, StudyError


@pytest.fixture
def no_room() -> Iterator[None]:
    """Let this process write no file of more than 4 kB: a real error from the system, in the midst of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def in_small_disk(tmp_path: Path, options: str, program: str) -> str:
    """Run a program with a disk of its own at tmp_path, and return what it prints."""
    mount = f'mount -t tmpfs -o {options} none "$1" && exec "$2" -c "$3" "$1"'
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("this system lets us mount no disk of our own")
    command = ["unshare", "-rm", "sh", "-c", mount, "sh", str(tmp_path), sys.executable, program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


WRITE_TWICE = """
import sys, pathlib
from lenet5 import errors, files
path = pathlib.Path(sys.argv[1]) / "model"
try:
    files.write_atomically(path, b"first")
    files.write_atomically(path, bytes(1 << 20))
except errors.RunError as error:
    print(error)
    print([(p.name, p.read_bytes()) for p in path.parent.iterdir()])
"""


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    files.write_atomically(path, b"old")
    files.write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["result.json"]


def test_a_reader_of_the_old_file_keeps_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "model"
    files.write_atomically(path, b"old")
    with path.open("rb") as reader:
        files.write_atomically(path, b"new")
        assert reader.read() == b"old"


def test_a_new_file_may_be_read_by_those_whom_the_umask_allows(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    files.write_atomically(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.usefixtures("no_room")
def test_a_write_that_fails_midway_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "model"
    files.write_atomically(path, b"old")
    with pytest.raises(RunError, match=r"model: cannot be written: File too large. Nothing saved before is lost"):
        files.write_atomically(path, bytes(1 << 20))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.usefixtures("no_room")
def test_a_folder_that_fails_midway_does_not_appear(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be written"):
        files.write_folder_atomically(tmp_path / "step-7", {"small": b"1", "large": bytes(1 << 20)})
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_named_and_the_old_file_stays(tmp_path: Path) -> None:
    told = in_small_disk(tmp_path, "size=64k", WRITE_TWICE)
    assert "model: cannot be written: the disk is full; free some space. Nothing saved before is lost." in told
    assert "[('model', b'first')]" in told


def test_a_read_only_disk_is_named(tmp_path: Path) -> None:
    assert "the disk is read-only; choose another folder" in in_small_disk(tmp_path, "ro", WRITE_TWICE)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_missing_permission_is_named(tmp_path: Path, number: int) -> None:
    with pytest.raises(RunError, match="no permission to write here"), files._explained(tmp_path):
        raise OSError(number, os.strerror(number))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="No such file or directory"):
        files.write_atomically(tmp_path / "nowhere" / "file", b"")


def test_a_folder_appears_with_all_its_files(tmp_path: Path) -> None:
    files.write_folder_atomically(tmp_path / "step-7", {"a": b"1", "b": b"2"})
    assert {path.name: path.read_bytes() for path in (tmp_path / "step-7").iterdir()} == {"a": b"1", "b": b"2"}
    assert os.listdir(tmp_path) == ["step-7"]


def test_a_folder_gets_its_name_by_renaming_and_never_by_a_copy(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, os; from lenet5 import files; folder = pathlib.Path(sys.argv[1])\n"
        "files.write_folder_atomically(folder / 'step-7', {'a': bytes(40_000)}); print(os.listdir(folder))"
    )
    assert in_small_disk(tmp_path, "size=64k", program) == "['step-7']\n"  # two copies do not fit


def test_a_folder_is_never_overwritten(tmp_path: Path) -> None:
    files.write_folder_atomically(tmp_path / "step-7", {"a": b"1"})
    with pytest.raises(RunError, match="already exists"):
        files.write_folder_atomically(tmp_path / "step-7", {"a": b"2"})
    assert (tmp_path / "step-7" / "a").read_bytes() == b"1"


def test_a_removed_folder_is_gone_with_all_in_it(tmp_path: Path) -> None:
    files.write_folder_atomically(tmp_path / "step-7", {"a": b"1"})
    files.remove_folder(tmp_path / "step-7")
    assert os.listdir(tmp_path) == []


def test_a_killed_writer_leaves_a_whole_file_and_leftovers_that_can_be_removed(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from lenet5 import files; n = 0\n"
        "while True: n += 1; files.write_atomically(pathlib.Path(sys.argv[1]), bytes([n % 256]) * 5_000_000);"
        " n == 1 and print(flush=True)"
    )
    path = tmp_path / "model"
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()  # the first is written; now it is in the midst of another
        writer.kill()
    assert writer.returncode == -signal.SIGKILL
    content = path.read_bytes()
    assert content == content[:1] * 5_000_000
    files.remove_leftovers(tmp_path)
    assert os.listdir(tmp_path) == ["model"]


def test_leftovers_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".writing-1-model").touch()
    (tmp_path / ".writing-2-step-7").mkdir()
    (tmp_path / ".writing-2-step-7" / "a").touch()
    (tmp_path / "writing-3").touch()
    files.remove_leftovers(tmp_path)
    assert os.listdir(tmp_path) == ["writing-3"]


def test_sha256_of_abc_is_that_of_the_standard(tmp_path: Path) -> None:
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
    (tmp_path / "abc").write_bytes(b"abc")
    assert files.sha256_hex(b"abc") == files.file_sha256(tmp_path / "abc") == known


def test_a_second_holder_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with (
        files.lock_folder(tmp_path),
        pytest.raises(RunError, match=f"in use by process {os.getpid()} on "),
        files.lock_folder(tmp_path),
    ):
        pass


def test_a_lock_ends_with_its_block(tmp_path: Path) -> None:
    for _ in range(2):
        with files.lock_folder(tmp_path):
            pass


def test_a_lock_ends_with_a_killed_process(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, time; from lenet5 import files\n"
        "with files.lock_folder(pathlib.Path(sys.argv[1])): print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(RunError, match=f"process {holder.pid} "), files.lock_folder(tmp_path):
            pass
        holder.kill()
    with files.lock_folder(tmp_path):
        pass


def test_a_folder_that_cannot_be_locked_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"nowhere/\.lock: cannot be written"), files.lock_folder(tmp_path / "nowhere"):
        pass


def test_the_cache_is_a_folder_of_the_user() -> None:
    assert files.cache_folder().name == "lenet5"
    assert files.cache_folder().is_absolute()


class Form(files.JsonObject):
    """What the tests below ask for."""

    label: list[str]
    seed: int


def test_json_is_read_with_keys_that_the_form_does_not_name(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"label": ["x"], "seed": 1, "more": {"y": [1.5, null]}}')
    assert files.read_json(tmp_path / "a.json", Form) == {"label": ["x"], "seed": 1, "more": {"y": [1.5, None]}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not valid JSON"),
        ('{"label": ["x"], "seed": ', "not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("9" * 5000, "not valid JSON"),
        ('{"label": ["x"]}', "'seed' is missing"),
        ('{"label": ["x", 2], "seed": 1}', r"'label\.1' is wrong: input should be a valid string"),
        ('{"label": ["x"], "seed": "1"}', "'seed' is wrong: input should be a valid integer"),
        ("[1, 2]", "its content is wrong"),
        ("null", "its content is wrong"),
    ],
)
def test_damaged_json_is_one_sentence(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(content)
    with pytest.raises(StudyError, match=f"{path}: .*{said}") as refusal:
        files.read_json(path, Form, StudyError)
    assert "\n" not in str(refusal.value)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "bytes").write_bytes(b'"\xff"')
    for name, said in (("folder", "is a folder"), ("pipe", "is not a regular file"), ("large", "has 1,099,512 MB"),
                       ("missing", "no such file"), ("bytes", "not valid JSON")):  # fmt: skip
        with pytest.raises(RunError, match=said):
            files.read_json(tmp_path / name, Form)


@pytest.mark.parametrize("content", ["a = ", "a = " + "9" * 5000, "a = " + "[" * 100_000])
def test_damaged_toml_is_one_sentence(content: str) -> None:
    with pytest.raises(StudyError, match=r"plan\.toml: not valid TOML"):
        files.parse_toml(content, "plan.toml", StudyError)
