"""The rule for verdicts: each word, by made runs whose intervals are worked by hand."""

from dataclasses import replace

import pytest

from lenet5.recipes import catalogue
from lenet5.reports.measure import Outcome
from lenet5.reports.reproduction import needs_runs, settings_of, units_for
from lenet5.reports.verdict import judge
from lenet5.spec.claim import Claim
from lenet5.training.history import EpochRow

RECIPE = catalogue.load("archaeology")


def run(seed: int, *accuracies: float) -> Outcome:
    """A run with these test accuracies, epoch by epoch; its losses are 1 / accuracy."""
    rows = [
        EpochRow(n, 100 * n, 0.01, 1 / each, each, 1 / each, each, 10.0, 6000.0, 150_000_000)
        for n, each in enumerate(accuracies, start=1)
    ]
    return Outcome(seed, tuple(rows))


# Mean 98, standard deviation 0.1: the interval of one more run is 98 +- 4.3027 * 0.1 * sqrt(4/3) = 97.503 to 98.497.
RUNS = [run(1, 90.0, 97.9), run(2, 91.0, 98.0), run(3, 92.0, 98.1)]


@pytest.mark.parametrize(
    ("published", "word"),
    [(97.51, "reproduced"), (98.49, "reproduced"), (97.49, "exceeded"), (98.51, "not reproduced")],
)
def test_an_accuracy_is_held_against_where_one_more_run_would_fall(published: float, word: str) -> None:
    claim = Claim(quantity="test_accuracy_percent", value=published, where="table")
    verdict = judge(claim, RECIPE, RUNS)
    assert verdict.word == word
    assert verdict.interval[0] == pytest.approx((97.5032, 98.4968), abs=1e-4)
    assert verdict.mean == pytest.approx((98.0,))


def test_an_error_is_good_when_it_is_small() -> None:
    assert judge(Claim(quantity="test_error_percent", value=3.0, where="x"), RECIPE, RUNS).word == "exceeded"
    assert judge(Claim(quantity="test_error_percent", value=1.0, where="x"), RECIPE, RUNS).word == "not reproduced"


def test_the_epoch_of_a_claim_is_the_one_that_is_read() -> None:
    claim = Claim(quantity="test_accuracy_percent", value=91.0, epoch=1, where="x")
    assert judge(claim, RECIPE, RUNS).mean == pytest.approx((91.0,))


def test_a_curve_must_hold_at_all_its_points() -> None:
    def curve(*values: float) -> Claim:
        return Claim(quantity="test_accuracy_percent", values=values, where="figure")

    assert judge(curve(91.0, 98.0), RECIPE, RUNS).word == "reproduced"
    verdict = judge(curve(91.0, 99.5), RECIPE, RUNS)
    assert (verdict.word, "1 of 2 points" in verdict.why) == ("not reproduced", True)
    # Two points share the error of 5 %, so each interval is wider than one alone would be.
    assert verdict.interval[1][1] > 98.4968


def test_bounds_are_kept_by_the_mean() -> None:
    claim = Claim(quantity="test_accuracy_percent", value=98.0, bound="at_least", where="x")
    assert judge(claim, RECIPE, RUNS).word == "reproduced"
    assert judge(claim.model_copy(update={"value": 98.2}), RECIPE, RUNS).word == "not reproduced"


def test_structure_is_computed() -> None:
    claim = Claim(quantity="parameters", value=44426, where="x")
    assert judge(claim, RECIPE, []).word == "reproduced"
    assert judge(claim.model_copy(update={"value": 44427.0}), RECIPE, []).word == "not reproduced"
    original = Claim(quantity="original_parameters", layer="C3", value=1516, where="x")
    assert judge(original, RECIPE, []).word == "reproduced"


def test_what_the_source_contradicts_stays_contradicted_whatever_we_measure() -> None:
    claim = Claim(quantity="test_accuracy_percent", value=98.0, where="x", contradicted=True, note="97 elsewhere")
    verdict = judge(claim, RECIPE, RUNS)
    assert (verdict.word, verdict.why) == ("contradicted", "97 elsewhere")


def test_what_is_said_of_1998_is_not_read_from_our_runs() -> None:
    claim = Claim(quantity="original_accuracy_percent", value=99.0, where="x")
    assert judge(claim, RECIPE, RUNS).word == "side by side"


def test_seconds_and_megabytes_are_not_judged() -> None:
    verdict = judge(Claim(quantity="seconds_per_epoch", value=19.86, where="x"), RECIPE, RUNS)
    assert (verdict.word, verdict.mean) == ("side by side", (10.0,))


def test_without_two_runs_there_is_no_verdict() -> None:
    claim = Claim(quantity="test_accuracy_percent", value=98.0, where="x")
    assert judge(claim, RECIPE, []).word == "not run"
    assert judge(claim, RECIPE, RUNS[:1]).word == "not run"


def test_the_published_rule_finds_the_onset_of_overfitting() -> None:
    falling = run(1, 90.0, 95.0, 97.0)
    rising = replace(falling.epochs[2], test_loss=1.0, train_loss=0.001)
    turned = Outcome(1, (*falling.epochs[:2], rising))
    claim = Claim(quantity="overfitting_onset_epoch", value=2, where="x")
    assert judge(claim, RECIPE, [turned, turned]).runs == ((2.0,), (2.0,))
    assert judge(claim, RECIPE, [falling, falling]).runs == ((0.0,), (0.0,))


def test_every_claim_that_is_judged_by_training_has_its_runs() -> None:
    units = units_for(catalogue.names(), [1, 2], "native")
    for name in catalogue.names():
        for claim in catalogue.load(name).claims:
            recipe = settings_of(name, claim)
            if needs_runs(claim, recipe):
                same = [unit for unit in units if unit.recipe.model_copy(update={"seed": recipe.seed}) == recipe]
                assert {unit.seed for unit in same} == {1, 2}, (name, claim)


def test_runs_are_not_needed_for_what_is_computed() -> None:
    assert units_for(["sigmoid-fashion"], [1, 2], "native") == []
