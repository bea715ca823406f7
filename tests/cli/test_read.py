"""`lenet5 read` as a person uses it."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner

from lenet5.cli.main import app
from lenet5.data.datasets import load


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, mnist_folder: Path) -> Path:
    """A folder with two pictures, of 7 2 and of 1 0, as MNIST's test set begins."""
    images = 255 - load("mnist", "test", mnist_folder).images
    place = tmp_path_factory.mktemp("pictures")
    for name, pair in (("a", images[:2]), ("b", images[2:4])):
        Pillow.fromarray(np.kron(np.pad(np.hstack(pair), 10, constant_values=255), np.ones((2, 2), np.uint8))).save(
            place / f"{name}.png"
        )
    return place


def run(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["read", "--model", "modern", *map(str, words)], catch_exceptions=False)
    return done.exit_code, done.stdout, done.stderr


def test_a_folder_and_a_pattern_name_the_same_pictures(folder: Path) -> None:
    expected = f"{folder / 'a.png'}:\n72\n{folder / 'b.png'}:\n10\n"
    assert run(folder)[:2] == (0, expected)
    assert run(folder / "*.png")[:2] == (0, expected)


def test_it_says_how_sure_it_is(folder: Path) -> None:
    said = run(folder / "a.png")[2]
    assert re.fullmatch(r"\S+a.png: 2 digits, the least sure (9\d|100)\.\d %\n", said)


def test_one_bad_picture_does_not_stop_the_others(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes((folder / "a.png").read_bytes()[:60])
    code, said, told = run(tmp_path / "bad.png", folder / "b.png")
    assert code == 1
    assert said.endswith("10\n")
    assert "error: " in told
    assert "bad.png: is damaged or cut short" in told


def test_json_holds_boxes_and_the_three_best_answers(folder: Path) -> None:
    page = json.loads(run("--json", folder / "a.png")[1])
    assert page["text"] == "72"
    digits = page["lines"][0]["numbers"][0]["digits"]
    assert [digit["text"] for digit in digits] == ["7", "2"]
    assert all(len(digit["answers"]) == 3 and digit["rejected"] is None for digit in digits)
    assert page["lines"][0]["numbers"][0]["box"][0] == digits[0]["box"][0]


def test_the_method_without_cuts_says_the_same_with_the_same_fields(folder: Path) -> None:
    slid = CliRunner().invoke(app, ["read", "--method", "space-displacement", "--json", str(folder / "a.png")])
    page, other = json.loads(slid.stdout), json.loads(run("--json", folder / "a.png")[1])
    assert page["text"] == "72"
    numbers = [each["lines"][0]["numbers"][0] for each in (page, other)]
    assert [list(each) for each in numbers] == [list(numbers[0])] * 2
    assert [list(each["digits"][0]) for each in numbers] == [list(numbers[0]["digits"][0])] * 2


def test_a_method_that_there_is_not_is_one_sentence(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lenet5", "read", "--method", "magic", str(folder / "a.png")],
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "'magic' is not one of 'combined', 'lattice', 'space-displacement'" in done.stderr.decode()


def test_csv_has_a_row_a_digit(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run("--csv", folder)[1])))
    assert [row["text"] for row in rows] == ["7", "2", "1", "0"]
    assert rows[1]["number_text"] == "72"
    assert {row["column"] for row in rows} == {""}  # of no table
    assert 0 < float(rows[0]["probability_1"]) <= 1


def test_standard_input_is_read(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lenet5", "read", "--model", "modern", "-"],
        input=(folder / "a.png").read_bytes(), capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.decode().split() == ["72"]


def test_explain_writes_each_stage_and_an_overlay(folder: Path, tmp_path: Path) -> None:
    run("--explain", tmp_path / "stages", folder / "a.png")
    names = sorted(path.name for path in (tmp_path / "stages").iterdir())
    assert names[0] == "1-picture.png"
    assert {name.split("-", 1)[-1] for name in names} >= {"grey.png", "ink.png", "mask.png", "prepared.png"}
    with Pillow.open(tmp_path / "stages" / "overlay.png") as overlay:
        with Pillow.open(folder / "a.png") as picture:
            assert overlay.size == picture.size
        assert len(overlay.convert("RGB").getcolors(10_000)) > 20


def test_an_empty_page_says_so(tmp_path: Path) -> None:
    Pillow.new("L", (200, 100), 255).save(tmp_path / "empty.png")
    code, said, told = run(tmp_path / "empty.png")
    assert (code, said) == (0, "no digits found\n")
    assert "the page is empty" in told


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("0.001%", "knows no threshold for 0.001 % errors; it knows 0.1 %"),
        ("lots", "expected a percentage"),
        ("nan", "expected a percentage"),
    ],
)
def test_an_error_that_cannot_be_promised_is_refused(folder: Path, given: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lenet5", "read", "--model", "modern", "--max-error", given, str(folder / "a.png")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_read_bulk_is_the_command_bulk(tmp_path: Path, mnist_folder: Path) -> None:
    np.save(tmp_path / "a.npy", load("mnist", "test", mnist_folder).images[:30])
    # A process of its own: the job's workers start the program that they come from anew.
    words = [sys.executable, "-m", "lenet5", "read", "--model", "modern", "--bulk", tmp_path / "a.npy"]
    done = subprocess.run([*words, "--out", tmp_path / "out"], capture_output=True, text=True, check=True, timeout=60)
    assert "30 rows: 30 answered" in done.stdout
    assert (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.parametrize(
    "words", [["a.npy", "--bulk"], ["a.png", "--out", "b"], ["a", "--bulk", "--out", "b", "--json"]]
)
def test_bulk_with_options_that_it_does_not_take_is_wrong_usage(words: list[str]) -> None:
    code, _, told = run(*words)
    assert code == 2
    assert "--bulk takes one folder or file" in told


def test_heic_is_named_with_how_to_convert_it_also_in_a_folder(folder: Path, tmp_path: Path) -> None:
    photo = tmp_path / "IMG_0001.HEIC"
    photo.write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(200))
    for given in (photo, tmp_path):
        code, said, errors = run(given)
        assert (code, said) == (1, "")
        assert f"{photo}: is HEIC" in errors.replace("\n", "")
        assert "heif-convert" in errors
    (tmp_path / "a.png").write_bytes((folder / "a.png").read_bytes())
    code, said, errors = run(tmp_path)
    assert code == 1
    assert "72" in said


def test_what_is_passed_over_in_a_folder_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes((folder / "a.png").read_bytes())
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "older").mkdir()
    (tmp_path / ".hidden").touch()
    code, said, errors = run(tmp_path)
    assert (code, said.splitlines()[-1]) == (0, "72")
    assert "notes.txt, older/" in errors.replace("\n", " ")
    assert ".hidden" not in errors
