"""Statements about two ways of training, on made runs whose right answers are known."""

from collections.abc import Sequence
from math import exp, log

import numpy as np
import pytest

from lenet5.recipes import catalogue
from lenet5.reports.claim_values import Outcome, settings
from lenet5.reports.comparison import Compared, compare, late_steps, sides
from lenet5.reports.reproduction import units_for
from lenet5.spec.claim import Comparison
from lenet5.training.history import EpochScores, StepRow

STATEMENTS = catalogue.load("scratch").comparisons
DECAY, MOMENTUM = STATEMENTS[0], STATEMENTS[1]


def run(seed: int, error_percent: float, loss: float = 0.2, late: Sequence[float] = (0.1, 0.2)) -> Outcome:
    errors = (1000, round(100 * error_percent))
    rows = [
        EpochScores(n, 938 * n, loss, 90, 100, loss, 10_000 - each, 10_000, 1, 1) for n, each in enumerate(errors, 1)
    ]
    return Outcome(seed, tuple(rows), tuple(StepRow(1250 + 25 * n, each) for n, each in enumerate(late)))


def judged(comparison: Comparison, before: Sequence[Outcome], after: Sequence[Outcome]) -> Compared:
    first, second = (settings(recipe) for recipe in sides("scratch", comparison))
    found = compare("scratch", {first: before, second: after})
    return next(each for each in found if each.comparison == comparison)


def changed(factor: float, n: int = 10, spread: float = 0.02, seed: int = 1) -> tuple[list[Outcome], list[Outcome]]:
    """Pairs of runs of which the second has `factor` times the odds of an error, up to noise."""
    random = np.random.default_rng(seed)
    before, after = [], []
    for number in range(n):
        odds = 0.025 * exp(random.normal(0, 0.2))
        other = odds * factor * exp(random.normal(0, spread))
        before.append(run(number, 100 * odds / (1 + odds)))
        after.append(run(number, 100 * other / (1 + other)))
    return before, after


@pytest.mark.parametrize(
    ("factor", "word"), [(1.0, "reproduced"), (1.5, "reproduced"), (0.95, "reproduced"), (0.8, "not reproduced")]
)
def test_what_does_not_help_is_told_from_what_does(factor: float, word: str) -> None:
    found = judged(DECAY, *changed(factor, spread=0.04))
    assert (found.word, len(found.values)) == (word, 10)
    assert found.factors[1] == pytest.approx(factor, rel=0.05)


def test_five_pairs_decide_nothing() -> None:
    assert judged(DECAY, *changed(3.0, n=5)).word == "needs more runs"


def test_without_pairs_there_is_no_verdict() -> None:
    assert judged(DECAY, [run(1, 2.5)], [run(2, 2.5)]).word == "not run"


def test_a_run_that_fails_counts_by_its_rank_alone() -> None:
    before, after = changed(0.7, n=15)
    after[3] = run(3, 90)
    assert judged(DECAY, before, after).word == "not reproduced"
    assert judged(DECAY, before, [run(each.seed, 90) for each in after]).word == "reproduced"


def test_losses_are_compared_over_the_whole_run_of_the_same_seed() -> None:
    before = [run(seed, 3, loss=0.2 + seed / 10) for seed in range(10)]
    slower = [run(each.seed, 3, loss=1.2 * each.epochs[0].train_loss) for each in before]
    assert judged(MOMENTUM, before, slower[::-1]).word == "not reproduced"
    assert judged(MOMENTUM, slower, before).word == "reproduced"


def test_the_late_deviation_is_that_of_the_second_half_of_the_reported_losses() -> None:
    comparison = next(each for each in STATEMENTS if each.quantity == "late_loss_deviation")
    assert list(late_steps(sides("scratch", comparison)[0]))[:2] == [1250, 1275]
    found = judged(comparison, [run(1, 3, late=(0.1, 0.3))], [run(1, 3, late=(0.1, 0.2))])
    assert found.values[0] == pytest.approx((0.1, 0.05))
    assert log(found.factors[1]) == pytest.approx(log(0.5))


def test_a_change_that_makes_no_difference_seldom_lowers() -> None:
    words = [judged(DECAY, *changed(1.0, spread=0.3, seed=seed)).word for seed in range(100)]
    assert words.count("not reproduced") < 5


def test_runs_that_are_only_compared_have_ten_seeds_and_labels_of_their_own() -> None:
    labels = [unit.label for unit in units_for(["scratch"], None, "native")]
    assert labels.count(("scratch", "batch 64, 2,500 steps, kind adam")) == 10
    assert labels.count(("scratch", "batch 64, 20,000 steps")) == 30
