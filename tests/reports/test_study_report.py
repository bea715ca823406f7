"""The report of a study: made by the command, from a folder alone, in two languages."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lenet5.reports.translations import CHINESE

PLAN = """
name = "small"
recipe = "archaeology"
seeds = 2
set = ["steps=40"]

[[vary]]
name = "batch"
options = { "32" = [], "64" = ["batch_size=64"], "tiny" = ["batch_size=2"] }
"""


def lenet5(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lenet5", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def study(small_mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    (folder / "plan.toml").write_text(PLAN)
    done = lenet5("study", folder / "plan.toml", "--folder", folder / "small", "--data-dir", small_mnist)
    assert done.returncode == 0, done.stderr
    return folder / "small"


def page_of(study: Path, data: Path, *options: str) -> str:
    done = lenet5("report", study, "--data-dir", data, *options)
    assert done.returncode == 0, done.stderr
    return (study / "report.html").read_text(encoding="utf-8")


def test_it_has_every_part_and_needs_no_other_file(study: Path, small_mnist: Path) -> None:
    page = page_of(study, small_mnist)
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    assert headings == [
        "Choices", "Curves", "Comparisons with the first choice", "Confusion: 32", "What ran where", "Repeat it",
    ]  # fmt: skip
    assert "6 finished runs" in page
    assert "test images" in page
    assert not re.search(r'\b(src|href)="(?!#|data:)|url\((?!#)', page.replace("xlink:href", "href"))
    rows = re.findall(r"<tr><td>(32|64|tiny)</td>", page)
    assert rows == ["32", "64", "tiny", "64", "tiny"]  # the choices, and the comparisons with the first


def test_choices_stand_in_the_order_of_the_plan_whichever_was_done_first(study: Path, small_mnist: Path) -> None:
    for place, name in enumerate(("tiny", "64", "32")):
        for result in (study / "units").glob("*/result.json"):
            if json.loads(result.read_text())["label"] == [name]:
                os.utime(result, (place, place))
    assert re.findall(r"<tr><td>(32|64|tiny)</td>", page_of(study, small_mnist))[:3] == ["32", "64", "tiny"]


def test_runs_of_two_recipes_in_one_folder_are_two_choices(small_mnist: Path, tmp_path: Path) -> None:
    for recipe in ("archaeology", "scratch"):
        plan = PLAN.split("[[vary]]")[0].replace("archaeology", recipe).replace("seeds = 2", "seeds = 1")
        (tmp_path / "plan.toml").write_text(plan)
        done = lenet5("study", tmp_path / "plan.toml", "--folder", tmp_path / "both", "--data-dir", small_mnist)
        assert done.returncode == 0, done.stderr
    rows = re.findall(r"<tr><td>(\w*)</td>", page_of(tmp_path / "both", small_mnist))
    assert {"archaeology", "scratch"} <= set(rows)


def test_it_speaks_chinese(study: Path, small_mnist: Path) -> None:
    page = page_of(study, small_mnist, "--lang", "zh")
    for word in ("Choices", "Comparisons with the first choice", "What ran where", "each seed"):
        assert CHINESE[word] in page
        assert f">{word}<" not in page


def test_claims_stand_first_where_there_are_verdicts(tmp_path: Path, small_mnist: Path) -> None:
    done = lenet5("reproduce", "scratch", "--seeds", 2, "--folder", tmp_path / "r", "--status")
    assert done.returncode == 0, done.stderr
    refused = lenet5("report", tmp_path / "r")
    assert refused.returncode == 1
    assert "neither a run folder nor a study's" in refused.stderr


@pytest.mark.parametrize("made", [True, False])
def test_a_folder_without_a_finished_run_is_one_sentence(tmp_path: Path, made: bool) -> None:
    if made:
        (tmp_path / "units").mkdir()
    done = lenet5("report", tmp_path)
    assert done.returncode == 1
    assert ("no run of this study is finished" if made else "neither a run folder nor a study's") in done.stderr
    assert "Traceback" not in done.stderr
