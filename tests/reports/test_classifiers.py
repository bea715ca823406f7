"""Verdicts on the paper's comparison, on made fits whose right answers are known."""

from pathlib import Path

import pytest

from lenet5.errors import RunError
from lenet5.methods import record
from lenet5.methods.catalogue import ROWS
from lenet5.methods.run import Result
from lenet5.recipes import catalogue
from lenet5.reports.classifiers import lines, with_runs


def fit(errors: int, seed: int = 1, test_images: int = 10_000) -> Result:
    return Result(seed, 60_000, test_images, errors, 5.0, 4_010, 4_010, 1.0)


def word(name: str, *fits: Result) -> str:
    return lines([name], {name: fits})[0].verdict.word


@pytest.mark.parametrize(
    ("errors", "right"),
    [(844, "reproduced"), (835, "reproduced"), (846, "not reproduced"), (834, "exceeded")],
)
def test_what_no_seed_changes_must_round_to_the_published_number(errors: int, right: str) -> None:
    assert word("linear-deslanted", fit(errors)) == right


def test_one_run_of_a_network_decides_nothing_and_thirty_equal_ones_do() -> None:
    assert word("lenet-4", fit(110)) == "needs more runs"
    assert word("lenet-4", *(fit(108 + seed % 5, seed) for seed in range(1, 31))) == "reproduced"


def test_a_row_without_a_fit_says_so() -> None:
    assert word("lenet-4") == "not run"


def test_fits_on_few_images_are_not_judged() -> None:
    assert word("linear-deslanted", fit(84, test_images=1000)) == "not run"


def test_every_recipe_of_the_comparison_exists_and_claims_the_error_of_its_row() -> None:
    for row in ROWS.values():
        if row.recipe:
            values = [claim.value for claim in catalogue.load(row.recipe).claims if "test_error" in claim.quantity]
            assert row.error in values, row


def test_lenet_5_has_the_runs_of_its_recipes() -> None:
    assert len(with_runs({})["lecun-1998"]) >= 5


def test_fits_survive_being_kept(tmp_path: Path) -> None:
    record.keep(tmp_path, "linear", fit(1200))
    assert record.finished(tmp_path) == {"linear": [fit(1200)]}
    fresh = {"linear": [fit(1100), fit(1150, 2)]}
    assert record.merged(record.finished(tmp_path), fresh) == fresh


def test_a_damaged_fit_is_named(tmp_path: Path) -> None:
    record.keep(tmp_path, "linear", fit(1200))
    record.place(tmp_path, "linear", 1).write_text('{"seed": 1}')
    with pytest.raises(RunError, match="linear-seed1"):
        record.finished(tmp_path)
