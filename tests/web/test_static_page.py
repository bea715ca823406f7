"""The exported folder, its types, and the command that writes it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lenet5.cli.main import app
from lenet5.errors import RunError
from lenet5.models import shipped
from lenet5.web import static_page


def test_every_shipped_model_of_the_size_of_1998_is_listed_with_its_file(exported: Path) -> None:
    listed = json.loads((exported / "models" / "models.json").read_text(encoding="utf-8"))
    assert [entry["name"] for entry in listed] == [
        name for name in shipped.names() if name not in {"digits-large", "signs"}
    ]
    for entry in listed:
        assert (exported / "models" / entry["file"]).stat().st_size > 100_000
        assert 0 < entry["test_accuracy_percent"] < 100


def test_the_page_without_models_is_small(exported: Path) -> None:
    assert sum(path.stat().st_size for path in exported.iterdir() if path.is_file()) < 400_000


def test_every_module_that_is_named_is_there(exported: Path) -> None:
    named = {
        name
        for path in exported.iterdir()
        if path.is_file()
        for name in re.findall(r'(?:from |import |src=|href=)"(?:[.]/)?([a-z_]+[.][a-z]+)"', path.read_text("utf-8"))
    }
    assert "network.js" in named
    assert {name for name in named if not (exported / name).exists()} == set()


def test_a_folder_that_exists_is_not_written_over(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="already exists"):
        static_page.export_page(tmp_path)


def test_the_command_writes_the_folder_and_says_how_to_look_at_it(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["page", "--export", str(tmp_path / "site")])
    assert done.exit_code == 0
    assert "http.server" in done.output
    assert (tmp_path / "site" / "index.html").exists()


def test_the_command_writes_one_file(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    done = CliRunner().invoke(app, ["page", "--export", str(path)])
    assert done.exit_code == 0
    assert "open it in a browser" in done.output
    again = CliRunner().invoke(app, ["page", "--export", str(path)])
    assert isinstance(again.exception, RunError)


def test_the_types_of_the_page_hold(packages: Path) -> None:
    node = shutil.which("node") or "node"
    program = [node, str(packages / "typescript" / "bin" / "tsc"), "-p", str(packages.parent / "tsconfig.json")]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.stdout == ""
    assert done.returncode == 0
