"""`lenet5 reproduce`, as a user types it."""

import json
import re
import subprocess
import sys
from pathlib import Path

from lenet5.distribution import VERSION


def reproduce(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lenet5", "reproduce", *arguments, "--folder", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_structure_is_judged_without_a_run(tmp_path: Path) -> None:
    done = reproduce(tmp_path / "r", "sigmoid-fashion")
    assert done.returncode == 0, done.stderr
    assert re.search(r"reproduced +61,706  here 61,706", done.stdout)
    kept = json.loads((tmp_path / "r" / "verdicts.json").read_text())
    assert {row["word"] for row in kept["sigmoid-fashion"]} == {"reproduced", "contradicted"}


def test_status_starts_nothing_and_judges_what_is_there(tmp_path: Path) -> None:
    done = reproduce(tmp_path / "r", "all", "--status")
    assert done.returncode == 0, done.stderr
    assert re.search(r"not run +97.4\b", done.stdout)
    assert re.search(r"contradicted +98.79\b", done.stdout)
    assert not (tmp_path / "r" / "units").exists()


def test_a_mistyped_recipe_is_one_sentence(tmp_path: Path) -> None:
    done = reproduce(tmp_path / "r", "archeology")
    assert done.returncode == 1
    assert 'Did you mean "archaeology"?' in done.stderr
    assert "Traceback" not in done.stderr


def test_a_certificate_tells_what_others_need_to_check_it(tmp_path: Path) -> None:
    target = tmp_path / "certificate.json"
    done = reproduce(tmp_path / "r", "sigmoid-fashion", "--certificate", str(target))
    assert done.returncode == 0, done.stderr
    certificate = json.loads(target.read_text())
    assert certificate["check"] == "lenet5 reproduce sigmoid-fashion --certificate OTHER.json"
    assert (certificate["runs"], certificate["lenet5"]) == ([], VERSION)
    assert len(certificate["verdicts"]["sigmoid-fashion"]) == 10


def test_statements_without_numbers_are_told_and_certified(tmp_path: Path) -> None:
    target = tmp_path / "certificate.json"
    done = reproduce(tmp_path / "r", "scratch", "--status", "--certificate", str(target))
    assert done.returncode == 0, done.stderr
    assert re.search(r"not run +Weight decay does not raise the accuracy\.", done.stdout)
    statements = json.loads(target.read_text())["statements"]["scratch"]
    assert {statement["word"] for statement in statements} == {"not run"}
