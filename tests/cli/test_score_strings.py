"""`lenet5 data score-strings` on tiny folders in each layout that it knows, of our own made digits."""

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from lenet5.cli.main import app
from lenet5.data.datasets import load
from lenet5.data.made.strings import made_string, write
from lenet5.errors import DataError, DataNotFoundError, Lenet5Error, ReadingError

COUNT = 4


@pytest.fixture(scope="module")
def strings(mnist_folder: Path) -> list[tuple[Image.Image, str]]:
    """Four strings of three digits that stand well apart."""
    made = [made_string(load("mnist", "test", mnist_folder), 8, "plain", n, seed=1, length=3) for n in range(COUNT)]
    return [(Image.fromarray(each.image), each.label) for each in made]


def orand(place: Path, strings: list[tuple[Image.Image, str]]) -> Path:
    folder = place / "ORAND-CAR-2014" / "CAR-A"
    (folder / "a_test_images").mkdir(parents=True)
    lines = []
    for number, (image, label) in enumerate(strings):
        image.save(folder / "a_test_images" / f"a_car_{number:06}.png")
        lines.append(f"a_car_{number:06}.png\t{label}\n")
    (folder / "a_test_gt.txt").write_text("".join(lines))
    return folder


def cvl(place: Path, strings: list[tuple[Image.Image, str]]) -> Path:
    folder = place / "cvl-strings-eval"
    folder.mkdir()
    for number, (image, label) in enumerate(strings):
        image.convert("RGB").save(folder / f"{label}-0164-{number:02}.png")
    return folder


def run(*words: object) -> list[dict[str, object]]:
    done = CliRunner().invoke(app, ["data", "score-strings", *map(str, words), "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_all_layouts_are_scored_alike(tmp_path: Path, strings: list[tuple[Image.Image, str]]) -> None:
    orand(tmp_path, strings), cvl(tmp_path, strings)
    (tmp_path / "own").mkdir()
    for number, (image, _) in enumerate(strings):
        image.save(tmp_path / "own" / f"{number}.png")
    table = "".join(f"{number}.png,{label}\n" for number, (_, label) in enumerate(strings))
    (tmp_path / "own" / "labels.csv").write_text("file,label\n" + table)
    found = run(tmp_path)
    assert {(each["layout"], each["used_in_training"]) for each in found} == {
        ("ORAND-CAR", False), ("CVL", False), ("labels.csv", None),
    }  # fmt: skip
    assert [(each["n"], each["exact"], each["edits"], each["digits"]) for each in found] == [(4, 4, 0, 12)] * 3
    assert all(each["model"] == "digits-large" and each["trained_on"] == "rough-digits" for each in found)


def test_a_wrong_label_counts_as_misclassified_and_is_listed(
    tmp_path: Path, strings: list[tuple[Image.Image, str]]
) -> None:
    folder = orand(tmp_path, strings)
    truth = folder / "a_test_gt.txt"
    name = "a_car_000000.png"
    right = strings[0][1]
    truth.write_text(truth.read_text().replace(f"{name}\t{right}", f"{name}\t{right}5"))
    (found,) = run(truth)
    assert (found["exact"], found["edits"], found["digits"]) == (3, 1, 13)
    assert found["wrong"] == [{"file": str(folder / "a_test_images" / name), "label": f"{right}5", "read": right}]


def test_made_strings_are_scored_as_they_are_written(tmp_path: Path, mnist_folder: Path) -> None:
    count = write(load("mnist", "test", mnist_folder), tmp_path, count=1, seed=3, length=2)
    done = CliRunner().invoke(app, ["data", "score-strings", str(tmp_path), "--wrong"], catch_exceptions=False)
    said = " ".join(done.stdout.split())  # the lines of a narrow console are one again
    assert f"of {count} strings read exactly, 95 % interval" in said
    assert "model digits" in said
    assert "was trained on rough-digits" in said


def test_a_picture_without_digits_is_rejected(tmp_path: Path) -> None:
    cvl(tmp_path, [(Image.new("L", (120, 60), 255), "123")])
    (found,) = run(tmp_path)
    assert (found["exact"], found["rejected"], found["edits"]) == (0, 1, 3)


def _error(folder: Path) -> Lenet5Error:
    with pytest.raises(Lenet5Error) as caught:
        run(folder)
    return caught.value


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("", DataError, "holds no labels"),
        ("a_car_000000.png\n", DataError, 'is labelled ""; expected digits'),
        ("a_car_000000.png\t12x\n", DataError, 'is labelled "12x"; expected digits'),
        ("none.png\t12\n", DataNotFoundError, "none.png: missing; a_test_gt.txt names it as its picture 1"),
        ("x" * 5000 + ".png\t12\n", DataNotFoundError, "missing"),
    ],
)
def test_a_bad_line_is_one_clear_error(
    tmp_path: Path, strings: list[tuple[Image.Image, str]], text: str, kind: type[Exception], said: str
) -> None:
    folder = orand(tmp_path, strings)
    (folder / "a_test_gt.txt").write_text(text)
    error = _error(folder)
    assert isinstance(error, kind)
    assert said in str(error)


def test_other_bad_folders_are_one_clear_error(tmp_path: Path, strings: list[tuple[Image.Image, str]]) -> None:
    assert "no such file or folder" in str(_error(tmp_path / "none"))
    assert "holds no labelled pictures; expected labels.csv" in str(_error(tmp_path))
    (tmp_path / "labels.csv").write_text("name,digits\n")
    assert "has the columns name, digits; expected file and label" in str(_error(tmp_path))
    (tmp_path / "labels.csv").write_bytes(b"file,label\n\xff\xfe")
    assert "not UTF-8 text" in str(_error(tmp_path))
    (tmp_path / "labels.csv").unlink()
    folder = cvl(tmp_path, strings[:1])
    (picture,) = folder.iterdir()
    picture.write_bytes(picture.read_bytes()[:60])
    error = _error(folder)
    assert isinstance(error, ReadingError)
    assert picture.name in str(error)
