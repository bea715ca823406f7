"""The papers tell the truth: the handbook builds, links lead somewhere, the two READMEs agree, commands exist."""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from statistics import mean
from types import ModuleType

import pytest
from typer.main import get_command

from lenet5.cli.main import HOMES, app
from lenet5.distribution import NAME, VERSION
from lenet5.recipes import catalogue
from lenet5.reports import record
from lenet5.spec.recipe import Recipe
from lenet5.studies import plan as plans
from lenet5.studies.units import units

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
PAGES = [page for page in PAGES if "_build" not in page.parts and page.parent.name != "reference"]  # those are built


def loaded(path: Path) -> ModuleType:
    """Return a program of the repository as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program


def test_the_handbook_builds_without_a_warning_and_needs_no_other_host(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", ROOT / "docs", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "index.html").exists()
    fetched = r'<script[^>]*src="(?:https?:)?//|<link[^>]*rel="stylesheet"[^>]*href="(?:https?:)?//|url\((?:https?:)?//'
    written = [*tmp_path.rglob("*.html"), *tmp_path.rglob("*.css")]
    assert [page.name for page in written if re.search(fetched, page.read_text(encoding="utf-8"))] == []
    assert "<math" in (tmp_path / "layers" / "convolution.html").read_text(encoding="utf-8")


def test_the_reference_lists_every_command_and_every_field_of_a_recipe() -> None:
    reference = loaded(ROOT / "docs" / "reference.py")
    commands, fields = "\n".join(reference.commands()), "\n".join(reference.fields())
    assert all(f"## lenet5 {name}" in commands for name in HOMES)
    assert "`--threads " in commands
    assert all(f"| `{name}` |" in fields for name in Recipe.model_fields)
    assert all(f"`{kind}`" in fields for kind in ("max_pool", "sdlm", "cosine", "lecun-1998"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_local_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_and_option_that_is_shown_exists(page: Path) -> None:
    commands = get_command(app).commands
    for line in re.findall(r"(?:^|`)lenet5 ([a-z][^`\n]*)", page.read_text(encoding="utf-8"), flags=re.MULTILINE):
        name, *rest = re.split("#|&&", line)[0].split()
        assert name in commands, line
        command = commands[name]
        if hasattr(command, "commands"):
            for choice in rest[0].split("|"):
                assert choice in command.commands, line
            continue
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known, line


@pytest.mark.parametrize("name", ["README", "docs/start"])
def test_both_languages_give_the_same_numbers(name: str) -> None:
    english, chinese = (
        sorted(re.findall(r"\d[\d.,]*\d", (ROOT / f"{name}{language}.md").read_text(encoding="utf-8")))
        for language in ("", ".zh-CN")
    )
    assert english == chinese


def test_both_start_pages_give_the_same_commands() -> None:
    english, chinese = (
        re.findall(
            r"^(?:lenet5|make) [^#\n]*?(?=\s*(?:#|$))", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.MULTILINE
        )
        for name in ("start.md", "start.zh-CN.md")
    )
    assert len(english) > 10
    assert english == chinese


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "README.zh-CN.md"], ids=lambda page: page.name)
def test_every_room_in_the_tree_is_there(page: Path) -> None:
    tree = re.findall(r"^[├└]── ([a-z_/]+)/", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert tree
    for room in tree:
        assert (ROOT / "src" / "lenet5" / room).is_dir(), room


def test_the_tables_of_accuracies_are_the_record() -> None:
    for path, text in loaded(ROOT / "results" / "readme.py").pages().items():
        assert path.read_text(encoding="utf-8") == text, path


def test_the_chapter_on_batch_sizes_is_the_record() -> None:
    page = (ROOT / "docs" / "batch-size.md").read_text(encoding="utf-8")
    assert loaded(ROOT / "docs" / "pictures" / "batch_sizes.py").fill(page) == page


def test_the_scatter_over_seeds_is_the_record() -> None:
    page = (ROOT / "docs" / "modern.md").read_text(encoding="utf-8")
    assert loaded(ROOT / "docs" / "pictures" / "seeds.py").fill(page) == page


@pytest.mark.parametrize("name", ["modern-ways", "modern-fashion-ways"])
def test_the_ways_to_a_better_network_are_those_of_the_study(name: str) -> None:
    study = json.loads((ROOT / "results" / "studies" / f"{name}.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "modern.md").read_text(encoding="utf-8")
    for row in study["rows"]:
        error, loss = row["error_percent"][-1], row["loss"][-1]
        shown = f"{error:.2f} | {loss:.4f} |" if name == "modern-ways" else f"{100 - error:.2f}"
        assert shown in page, row["label"]


def test_the_errors_after_one_epoch_are_those_of_the_study() -> None:
    study = json.loads((ROOT / "results" / "studies" / "speedrun-one-epoch.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "speedrun.md").read_text(encoding="utf-8")
    errors: dict[str, list[float]] = {}
    for row in study["rows"]:
        errors.setdefault(row["label"], []).append(row["error_percent"][-1])
    two_epochs = mean(errors.pop("two epochs, as the recipe"))
    assert f"two epochs {two_epochs:.2f} %" in page
    for label, values in errors.items():
        assert f"| {label} | {mean(values):.2f} |" in page


def test_the_timeline_is_the_record() -> None:
    program = loaded(ROOT / "docs" / "pictures" / "timeline.py")
    page = (ROOT / "docs" / "timeline.md").read_text(encoding="utf-8")
    assert program.fill(page, program.changes()) == page


def test_the_comparison_is_the_record() -> None:
    program = loaded(ROOT / "docs" / "pictures" / "comparison.py")
    page = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
    assert program.fill(page, program.on_record()) == page


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_table_of_speed_is_the_record(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for contest in json.loads((ROOT / "benchmarks" / "speed.json").read_text())["contests"]:
        seconds = [contest["seconds"][way][0] for way in ("native", contest["best"])]
        row = f"{contest['batch_size']:,} | {seconds[0]:.2f} | {seconds[1]:.2f} | {contest['times_faster']:.1f} |"
        assert row in text, contest["recipe"]


def test_the_chapter_on_1998_has_the_tables_of_the_record() -> None:
    """Its program, run again over the kept studies, changes nothing."""
    program = loaded(ROOT / "docs" / "pictures" / "lecun.py")
    text = (ROOT / "docs" / "lecun-1998.md").read_text(encoding="utf-8")
    assert program.chapter(text, program.kept()) == text


def test_kept_studies_are_those_of_the_recipes_as_they_stand() -> None:
    """A recipe that changes makes its kept runs worthless: they must be made again."""
    for path in (ROOT / "results" / "studies").glob("*.json"):
        kept = json.loads(path.read_text(encoding="utf-8"))["rows"]
        plan = plans.read(ROOT / "results" / "plans" / path.with_suffix(".toml").name)
        assert {row["recipe_digest"] for row in kept} == {unit.recipe.digest for unit in units(plan, "native")}, path


def test_the_pages_on_published_numbers_are_the_record() -> None:
    program = loaded(ROOT / "results" / "pages.py")
    for path, text in program.pages().items():
        assert path.read_text(encoding="utf-8") == text, path


def test_every_recipe_with_claims_is_on_a_page_of_its_source() -> None:
    on_pages = {name for names in loaded(ROOT / "results" / "pages.py").PAGES.values() for name in names}
    assert on_pages == {name for name in catalogue.names() if catalogue.load(name).claims}


def test_the_package_has_one_name_and_one_version() -> None:
    """On PyPI the name lenet5 is another project's: a hint that names it would install a stranger's code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == NAME
    assert version(NAME) == VERSION
    assert f"\nversion: {VERSION}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    for file in [*PAGES, ROOT / "pyproject.toml", ROOT / "Dockerfile", *(ROOT / "src").rglob("*.py")]:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"""pip install ["']?lenet5(?!-)|\blenet5\[\w|version\(["']lenet5["']\)""", text), file
        for extra in re.findall(rf"{NAME}\[(\w+)\]", text):
            assert extra in project["optional-dependencies"], (file, extra)


def test_the_record_is_small_and_holds_no_run_that_no_claim_needs() -> None:
    program = loaded(ROOT / "results" / "verdicts.py")
    assert program.KEPT.stat().st_size < 100_000
    assert set(record.read()) <= set(program.kept())
