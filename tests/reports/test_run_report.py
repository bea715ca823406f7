"""The report of a run: one file, all of it inside, in two languages."""

import re
from pathlib import Path

import pytest

from lenet5 import api
from lenet5.recipes import catalogue
from lenet5.reports.run_report import report
from lenet5.reports.translations import CHINESE, Language
from lenet5.training.run import RunFolder
from lenet5.training.train import train


@pytest.fixture(scope="module")
def run(small_mnist: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    plan = catalogue.load("archaeology", overrides=["epochs=2"])
    return train(plan, data_folder=small_mnist, runs_folder=tmp_path_factory.mktemp("runs"))


def page_of(run: RunFolder, data: Path, language: Language) -> str:
    return report(run, api.evaluate(run.path, data_folder=data), language)


def test_a_report_holds_the_figures_and_needs_no_other_file(run: RunFolder, small_mnist: Path) -> None:
    page = page_of(run, small_mnist, "en")
    result = run.result()
    assert result is not None
    assert f"{result['test_accuracy_percent']:.2f} %" in page
    assert "97.56" in page  # published for epoch 1
    assert page.count("<svg") == 5
    assert not re.findall(r'(?:src|href)="(?!#|\s*data:)', page)


def test_a_chinese_report_has_no_english_heading(run: RunFolder, small_mnist: Path) -> None:
    page = page_of(run, small_mnist, "zh")
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    assert headings
    assert all(heading in CHINESE.values() for heading in headings)
    assert '<html lang="zh">' in page


def test_what_a_recipe_says_cannot_become_markup(run: RunFolder, small_mnist: Path) -> None:
    text = (run.path / "recipe.toml").read_text()
    (run.path / "recipe.toml").write_text(
        re.sub('^title = ".*"', 'title = "<script>x</script>"', text, flags=re.MULTILINE)
    )
    try:
        assert "<script>" not in page_of(run, small_mnist, "en")
    finally:
        (run.path / "recipe.toml").write_text(text)
