"""The rule for verdicts, on made runs whose right answers are known."""

from collections.abc import Sequence
from math import exp, log

import numpy as np
import pytest

from lenet5.recipes import catalogue
from lenet5.reports.claim_values import Outcome
from lenet5.reports.verdict import Case, Verdict, judge
from lenet5.spec.claim import Claim
from lenet5.training.history import EpochScores

RECIPE = catalogue.load("archaeology", ["epochs=3"])


def run(seed: int, *errors: int, losses: Sequence[float] = ()) -> Outcome:
    """A run with these misclassified test images of 10,000, epoch by epoch."""
    losses = losses or [errors[-1] / 1000] * len(errors)
    rows = [
        EpochScores(n, 100 * n, loss, 10_000 - each, 10_000, loss, 10_000 - each, 10_000, 10.0, 150_000_000)
        for n, (each, loss) in enumerate(zip(errors, losses, strict=True), start=1)
    ]
    return Outcome(seed, tuple(rows))


def drawn(random: np.random.Generator, rate: float, spread: float) -> int:
    """Misclassified images of 10,000: the logit of the rate is normal."""
    return round(10_000 / (1 + exp(-random.normal(log(rate / (1 - rate)), spread))))


def runs(n: int, spread: float) -> list[Outcome]:
    random = np.random.default_rng(1)
    return [run(seed, 300, 150, drawn(random, 0.012, spread)) for seed in range(n)]


def accuracy(errors: float, **more: object) -> Claim:
    return Claim.model_validate(
        {"quantity": "test_accuracy_percent", "value": round(100 - errors / 100, 2), "where": "table", **more}
    )


def verdict(claim: Claim, of: Sequence[Outcome]) -> Verdict:
    (found,) = judge([Case(claim, RECIPE, tuple(of))])
    return found


def test_a_precise_sample_reproduces_what_lies_inside_and_refuses_what_lies_outside() -> None:
    ours = runs(30, 0.06)
    assert verdict(accuracy(120), ours).word == "reproduced"
    assert verdict(accuracy(180), ours).word == "exceeded"
    assert verdict(accuracy(80), ours).word == "not reproduced"


def test_too_few_runs_decide_nothing_yet() -> None:
    found = verdict(accuracy(120), runs(4, 0.1))
    assert found.word == "needs more runs"
    assert found.power is not None
    assert found.power < 0.8


def test_where_runs_scatter_too_much_no_number_of_seeds_helps() -> None:
    assert verdict(accuracy(120), runs(30, 0.5)).word == "a single run decides nothing"


@pytest.mark.parametrize("errors", [[0, 0, 1], [9000, 9900, 10000], [5, 5, 5], [7990, 300, 40]])
def test_no_interval_leaves_the_possible_range_and_none_is_a_point(errors: list[int]) -> None:
    # The last accuracy decides whether a run trained, so it is good here, and epoch 1 is asked for.
    ours = [run(seed, each, 150, 120) for seed, each in enumerate(errors)]
    ((low, high),) = verdict(accuracy(120, epoch=1), ours).interval
    assert 0 <= low < high <= 100
    losses = [run(seed, 100, losses=[each / 1e4]) for seed, each in enumerate(errors)]
    ((low, high),) = verdict(Claim(quantity="test_loss", epoch=1, value=0.5, where="x"), losses).interval
    assert 0 <= low < high


def test_a_number_that_was_rounded_stands_for_all_that_round_to_it() -> None:
    ours = [run(seed, 300, 150, errors) for seed, errors in enumerate([1248, 1250, 1252] * 10)]
    exact = Claim(quantity="test_accuracy_percent", value=87.0, where="x")
    assert verdict(exact, ours).word == "exceeded"
    assert verdict(exact.model_copy(update={"rounding": 1.0}), ours).word == "reproduced"


def test_runs_that_failed_to_train_are_counted_apart() -> None:
    trained = runs(28, 0.06)
    found = verdict(accuracy(120), [*trained, run(98, 9000, 9000, 8865), run(99, 120, 110, 9026)])
    assert (found.word, found.failed, len(found.runs)) == ("reproduced", 2, 28)
    assert found.interval == verdict(accuracy(120), trained).interval


@pytest.mark.parametrize(
    ("keep", "of", "word"),
    [
        (5, 5, "reproduced"),  # at least 48 % of all runs
        (3, 30, "needs more runs"),  # 2 to 27 %
        (0, 30, "needs more runs"),  # at most 12 %
        (0, 72, "not reproduced"),  # at most 4.99 %
        (0, 71, "needs more runs"),  # at most 5.06 %
    ],
)
def test_bounds_are_judged_by_the_share_of_runs_that_keep_them(keep: int, of: int, word: str) -> None:
    ours = [run(seed, 300, 150, 100 if seed < keep else 140) for seed in range(of)]
    found = verdict(accuracy(120, bound="at_least"), ours)
    assert (found.word, found.share) == (word, keep)


def test_an_epoch_is_judged_by_the_share_of_runs_that_have_it() -> None:
    turned, falling = [0.3, 0.1, 0.2], [0.3, 0.2, 0.1]
    ours = [run(n, 9, 9, 9, losses=turned if n < 6 else falling) for n in range(30)]
    claim = Claim(quantity="lowest_test_loss_epoch", value=2, where="x")
    assert (verdict(claim, ours).word, verdict(claim, ours).share) == ("reproduced", 6)
    assert verdict(claim.model_copy(update={"value": 0.0}), ours).share == 24


def points(random: np.random.Generator, times: float = 1.0) -> list[int]:
    return [drawn(random, times * rate, 0.08) for rate in (0.03, 0.015, 0.012)]


def curves(n: int, seed: int = 1) -> list[Outcome]:
    random = np.random.default_rng(seed)
    return [run(number, *points(random)) for number in range(n)]


def curve(*errors: float) -> Claim:
    return Claim(quantity="test_accuracy_percent", values=tuple(100 - each / 100 for each in errors), where="figure")


def test_a_curve_must_hold_at_all_its_points() -> None:
    ours = curves(30)
    assert verdict(curve(300, 150, 120), ours).word == "reproduced"
    assert verdict(curve(300, 150, 60), ours).word == "not reproduced"
    assert verdict(curve(500, 260, 200), ours).word == "exceeded"
    assert verdict(curve(300, 150, 60), curves(19)).word == "needs more runs"


def test_a_number_is_counted_once_however_often_it_is_printed() -> None:
    ours = tuple(curves(30))
    again = Claim(quantity="test_images_correct", value=9880, where="figure 9")
    claims = [accuracy(120), again, curve(300, 150, 121), accuracy(150, epoch=2), accuracy(300, epoch=1)]
    first, second, drawn_curve, point, other = judge([Case(claim, RECIPE, ours) for claim in claims])
    assert first.p == second.p
    assert "the same number as" in first.why + second.why
    assert (point.p, other.p) == (drawn_curve.p, drawn_curve.p)
    # Two numbers: the last accuracy, and the curve, which holds the others.
    alone = judge([Case(claims[0], RECIPE, ours), Case(claims[2], RECIPE, ours)])
    assert [each.corrected for each in alone] == [first.corrected, drawn_curve.corrected]


def test_a_longer_run_of_the_same_settings_is_read_as_far_as_the_claim_goes() -> None:
    long = [run(seed, 300, 150, 120 + seed % 3, 900) for seed in range(30)]
    assert verdict(accuracy(121), long).word == "reproduced"


def test_structure_is_computed() -> None:
    claim = Claim(quantity="parameters", value=44426, where="x")
    assert verdict(claim, []).word == "reproduced"
    assert verdict(claim.model_copy(update={"value": 44427.0}), []).word == "not reproduced"
    assert verdict(Claim(quantity="original_parameters", layer="C3", value=1516, where="x"), []).word == "reproduced"


def test_what_the_source_contradicts_stays_contradicted_whatever_we_measure() -> None:
    found = verdict(accuracy(200, contradicted=True, note="97 elsewhere"), runs(30, 0.06))
    assert (found.word, found.why) == ("contradicted", "97 elsewhere")


def test_what_is_said_of_1998_or_of_a_machine_is_not_judged() -> None:
    ours = runs(3, 0.06)
    assert verdict(Claim(quantity="original_accuracy_percent", value=99.0, where="x"), ours).word == "side by side"
    found = verdict(Claim(quantity="seconds_per_epoch", value=19.86, where="x"), ours)
    assert (found.word, found.mean) == ("side by side", (10.0,))


def test_without_runs_there_is_no_verdict() -> None:
    assert verdict(accuracy(120), []).word == "not run"
    assert verdict(accuracy(120), runs(1, 0.1)).word == "needs more runs"
    assert verdict(accuracy(120), [run(1, 9000, 9000, 9000)]).word == "not run"


NUMBERS = 5
SPREAD = 0.105  # 30 runs notice a factor of 1.5 in the odds with 84 %, at the level of 0.05 / 5
OUTSIDE = ("exceeded", "not reproduced")


def highest(rate: float, n: int) -> float:
    """The highest share that sampling error explains, one time in forty."""
    return rate + 2 * (rate * (1 - rate) / n) ** 0.5


def test_false_alarms_detections_and_coverage_over_a_thousand_recipes() -> None:
    """Five independent numbers each, 30 runs; in every second recipe one number is off by 1.5 in the odds."""
    random = np.random.default_rng(2)
    rule = catalogue.load("archaeology", [f"epochs={NUMBERS}"])
    rates = [0.05 / (k + 1) for k in range(NUMBERS)]
    alarms = covered = detected = decided = 0
    for trial in range(1000):
        ours = tuple(run(seed, *(drawn(random, rate, SPREAD) for rate in rates)) for seed in range(30))
        published = [drawn(random, rate, SPREAD) for rate in rates]
        if trial % 2:
            published[0] = drawn(random, rates[0] * 1.5 / (1 + 0.5 * rates[0]), SPREAD)
        cases = [Case(accuracy(each, epoch=n), rule, ours) for n, each in enumerate(published, start=1)]
        first, *others = judge(cases)
        if trial % 2:
            detected += first.word in OUTSIDE
        else:
            alarms += any(each.word in OUTSIDE for each in (first, *others))
        decided += sum(each.word == "reproduced" for each in others)
        for each in others:
            ((low, high),) = each.interval
            covered += low <= float(str(each.claim.value)) <= high
    assert 0.94 < covered / 4000 < 0.96
    assert alarms / 500 < highest(0.05, 500)
    assert 1 - detected / 500 < highest(0.2, 500)
    assert decided / 4000 > 0.5


def test_a_rank_among_curves_is_wrong_once_in_twenty_and_notices_a_moved_curve() -> None:
    random = np.random.default_rng(3)
    alarms = noticed = 0
    for trial in range(200):
        ours = curves(24, seed=trial)
        alarms += verdict(curve(*points(random)), ours).word in OUTSIDE
        noticed += verdict(curve(*points(random, times=1.5)), ours).word == "exceeded"
    assert alarms / 200 < highest(0.05, 200)
    assert noticed / 200 > 0.8
