"""The pages on the sources tell the same numbers as the recipes, in what is written by hand."""

import re
from pathlib import Path

import pytest

from lenet5.recipes import catalogue
from lenet5.spec.claim import Claim

PAGE = Path(__file__).parents[2] / "docs" / "sources.md"
SOURCES = ("archaeology", "lab-report", "sunnyhaze", "scratch", "sigmoid-fashion")
# What the page tells in words ("half an hour"), in rounded form, or leaves to the recipe.
NOT_AS_A_NUMBER = {
    "total_seconds",
    "original_year",
    "step_loss",
    "lowest_test_loss_epoch",
    "loss_crossing_epoch",
    "output_shape",
}


@pytest.mark.parametrize("name", SOURCES)
def test_each_published_number_stands_on_the_page_of_its_source(name: str) -> None:
    page = (PAGE.parent / "reproduce" / f"{name}.md").read_text(encoding="utf-8")
    by_hand = re.sub(r"<!-- (\w+) -->.*?<!-- end of \1 -->", "", page, flags=re.DOTALL)
    for claim in catalogue.load(name).claims:
        if claim.quantity not in NOT_AS_A_NUMBER and claim.layer is None and not claim.values:
            assert any(form in by_hand for form in _forms(claim)), claim


def test_the_network_of_1998_adds_up_to_the_totals_on_the_page() -> None:
    table = PAGE.read_text(encoding="utf-8").split("## The paper of 1998")[1].split("**in all**")[0]
    rows = [line.split("|")[4:6] for line in table.splitlines() if line.startswith(("| C", "| S", "| F", "| o"))]
    trainable, connections = zip(*rows, strict=True)
    assert sum(int(cell.split()[0].replace(",", "")) for cell in trainable) == 60_000
    assert sum(int(cell.replace(",", "")) for cell in connections) == 340_908


def _forms(claim: Claim) -> tuple[str, ...]:
    """Return the ways in which the page may write a number."""
    assert isinstance(claim.value, float)
    return f"{claim.value:,.10g}", f"{claim.value:.2f}", f"{claim.value:.4f}"
