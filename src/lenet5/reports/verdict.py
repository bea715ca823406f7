"""Verdicts on published numbers, by the rule in docs/reproduce.md.

A recipe's claims are judged together, because Holm's correction counts all numbers that its runs could contradict.
Each number is counted once, however often its source prints it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import log
from statistics import mean
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lenet5.reports.claim_values import (
    EPOCH_NUMBERS,
    HARDWARE,
    STATED,
    Outcome,
    length,
    measured,
    scale,
    scaled,
    settings,
    structure,
    unscaled,
)
from lenet5.spec.claim import Claim
from lenet5.spec.recipe import Recipe
from lenet5.studies import prediction
from lenet5.studies.prediction import ALPHA, POWER, RARE
from lenet5.studies.scale import Scale
from lenet5.studies.statistics import holm

Word = Literal[
    "reproduced",
    "exceeded",
    "not reproduced",
    "needs more runs",
    "a single run decides nothing",
    "contradicted",
    "side by side",
    "not run",
]
MORE_IS_BETTER = {"test_accuracy_percent", "train_accuracy_percent", "test_images_correct"}
LESS_IS_BETTER = {"test_error_percent", "train_error_percent", "train_loss", "test_loss"}
SHIFT = log(1.5)  # the deviation that must be noticed: in the odds of an error, or in the loss
HALF_A_HUNDREDTH = 0.005  # percent; accuracies are printed with two digits
FEWEST_FOR_A_CURVE = 20  # ranks of fewer curves cannot reach 5 %
Row = tuple[float, ...]


@dataclass(frozen=True)
class Case:
    """A claim, its recipe with the claim's overrides, and finished runs of these settings, one a seed."""

    claim: Claim
    recipe: Recipe
    runs: tuple[Outcome, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """A claim with what we found.

    ours       our value for a structural claim
    runs       what the claim is about in each run that trained: the number, or one for each epoch
    failed     how many further runs failed to train
    interval   (low, high) where one further run falls with 95 %, for each number of the claim
    share      runs that keep the claim, of those that trained, for a bound or an epoch number
    p          how probable a run as far off as the published one is, if it is one of ours
    corrected  p after Holm's correction over the recipe's numbers
    power      the probability of noticing a deviation by a factor of 1.5, given our number of runs
    """

    claim: Claim
    word: Word
    why: str
    ours: float | tuple[int, ...] | None = None
    runs: tuple[Row, ...] = ()
    failed: int = 0
    interval: tuple[tuple[float, float], ...] = ()
    share: int | None = None
    p: float | None = None
    corrected: float | None = None
    power: float | None = None

    @property
    def mean(self) -> Row:
        """The mean over the runs, for each number of the claim."""
        return tuple(mean(values) for values in zip(*self.runs, strict=True))


def judge(cases: Sequence[Case]) -> list[Verdict]:
    """Return the verdict on every claim of one recipe, in order."""
    verdicts = [_measured(case) for case in cases]
    chosen = _numbers(cases, verdicts)
    once = sorted(set(chosen.values()))
    corrected = holm([p for index in once if (p := verdicts[index].p) is not None])
    judged = {
        index: _decided(cases[index], replace(verdicts[index], corrected=p), ALPHA / len(once))
        for index, p in zip(once, corrected, strict=True)
    }
    return [
        _as_printed(verdict, judged[chosen[index]], index == chosen[index]) if index in chosen else verdict
        for index, verdict in enumerate(verdicts)
    ]


def _measured(case: Case) -> Verdict:
    """Return the verdict where no test is needed; otherwise what the test needs, with its p."""
    claim, computed = case.claim, structure(case.claim, case.recipe)
    if claim.contradicted:
        return Verdict(claim, "contradicted", claim.note, computed, _rows(case))
    if computed is not None:
        same = computed == claim.value if isinstance(computed, tuple) else _kept(claim, computed)
        return Verdict(claim, "reproduced" if same else "not reproduced", "computed from the architecture", computed)
    if claim.quantity in STATED or claim.quantity.startswith("original_"):
        return Verdict(claim, "side by side", claim.note or "said of the network of 1998")
    rows = _rows(case)
    if claim.quantity in HARDWARE:
        return Verdict(claim, "side by side", claim.note or "another machine", runs=rows)
    failed = sum(run.failed for run in case.runs)
    if not rows:
        why = f"all {failed} runs failed to train" if failed else "no finished run reaches it"
        return Verdict(claim, "not run", why, failed=failed)
    found = Verdict(
        claim,
        "needs more runs",
        "one run is too few" if len(rows) == 1 else f"{len(rows)} runs are too few",
        runs=rows,
        failed=failed,
    )
    if by_share(claim):
        k = sum(_kept(claim, row[0]) for row in rows)
        return replace(found, share=k, p=prediction.share_p_value(k, len(rows)))
    return _with_p(case, found) if len(rows) > 1 else found


def judge_weights(claim: Claim, accuracy_percent: float) -> Word:
    """Return whether weights that a source gives away have the accuracy that it states: no chance is in it."""
    return "reproduced" if abs(accuracy_percent - _published(claim)[0]) < HALF_A_HUNDREDTH else "not reproduced"


def by_share(claim: Claim) -> bool:
    """Whether a claim is judged by the share of runs that keep it: a bound, or an epoch's number."""
    return claim.bound != "equal" or claim.quantity in EPOCH_NUMBERS


def _rows(case: Case) -> tuple[Row, ...]:
    """Return what the claim is about in each run that trained and reaches it."""
    stated = case.claim.quantity in STATED or case.claim.quantity.startswith("original_")
    if stated or structure(case.claim, case.recipe) is not None:
        return ()
    every = (measured(case.claim, case.recipe, run) for run in case.runs if not run.failed)
    return tuple(row for row in every if row is not None)


def _kept(claim: Claim, value: float) -> bool:
    (published,) = _published(claim)
    if claim.bound == "equal":
        return abs(value - published) <= claim.rounding / 2
    return value >= published if claim.bound == "at_least" else value <= published


def _published(claim: Claim) -> Row:
    if claim.values:
        return claim.values
    assert isinstance(claim.value, float), "only structure has shapes, and it is computed"
    return (claim.value,)


def _places(case: Case, values: Iterable[float]) -> list[float]:
    on = scale(case.claim, case.recipe)
    return [on.to(scaled(case.claim, case.recipe, value)) for value in values]


def _published_places(case: Case, found: Sequence[prediction.Sample]) -> list[float]:
    """Return the published number on its scale; of the values that round to it, the nearest to our mean."""
    claim, half = case.claim, case.claim.rounding / 2
    ends = [sorted(_places(case, (value - half, value + half))) for value in _published(claim)]
    return [min(max(each.mean, low), high) for each, (low, high) in zip(found, ends, strict=True)]


def _samples(case: Case, rows: Sequence[Row]) -> list[prediction.Sample]:
    on = scale(case.claim, case.recipe)
    columns = [_places(case, column) for column in zip(*rows, strict=True)]
    return [prediction.sample(places, on.rounding(mean(places))) for places in columns]


def _with_p(case: Case, found: Verdict) -> Verdict:
    """Add the interval and, where there are runs enough for one, the p of a number or a curve."""
    claim, on = case.claim, scale(case.claim, case.recipe)
    samples = _samples(case, found.runs)
    ends = [prediction.interval(sample) for sample in samples]
    found = replace(found, interval=tuple(_ends(case, on, low, high) for low, high in ends))
    published = _published_places(case, samples)
    if not claim.values:
        return replace(found, p=prediction.p_value(samples[0], published[0]))
    if len(found.runs) < FEWEST_FOR_A_CURVE:
        return replace(found, why=f"a curve needs {FEWEST_FOR_A_CURVE} runs")
    return replace(
        found, p=prediction.curve_p_value(_curves(case, found.runs), np.array(published), _least(samples, on))
    )


def _ends(case: Case, on: Scale, low: float, high: float) -> tuple[float, float]:
    """Return an interval in the claim's own quantity, the smaller end first."""
    ends = [unscaled(case.claim, case.recipe, on.back(end)) for end in (low, high)]
    return min(ends), max(ends)


def _curves(case: Case, rows: Sequence[Row]) -> NDArray[np.float64]:
    return np.array([_places(case, row) for row in rows])


def _numbers(cases: Sequence[Case], verdicts: Sequence[Verdict]) -> dict[int, int]:
    """Return for each tested claim the one that is judged in its place: the same number, printed again or in a curve.

    Of several prints the one with the most digits is judged; a curve that holds the very number is judged for it.
    """
    tested = [index for index, verdict in enumerate(verdicts) if verdict.p is not None]
    keys = {index: _key(cases[index]) for index in tested}
    in_curves: dict[tuple[object, ...], int] = {
        (keys[index], epoch, value): index
        for index in tested
        for epoch, value in enumerate(cases[index].claim.values, start=1)
    }
    most_exact: dict[tuple[object, object], int] = {}
    for index in sorted(tested, key=lambda index: -_digits(cases[index].claim)):
        most_exact.setdefault((keys[index], _where(cases[index])), index)
    chosen = {}
    for index in tested:
        where = _where(cases[index])
        curve = in_curves.get((keys[index], where, cases[index].claim.value))
        chosen[index] = most_exact[keys[index], where] if curve is None else curve
    return chosen


def _key(case: Case) -> tuple[str, str, str]:
    """Return settings, quantity and bound: what two prints of one number share."""
    quantity = case.claim.quantity.removeprefix("test_").removesuffix("_percent")
    same = "test error" if quantity in ("accuracy", "error", "images_correct") else case.claim.quantity
    return settings(case.recipe), same, case.claim.bound


def _where(case: Case) -> object:
    claim = case.claim
    if claim.values:
        return ("curve", len(claim.values))
    if claim.quantity == "step_loss":
        return ("step", claim.step)
    return claim.epoch or length(case.recipe)


def _digits(claim: Claim) -> int:
    return 0 if claim.value is None or isinstance(claim.value, tuple) else len(repr(claim.value).strip("0"))


def _as_printed(own: Verdict, judged: Verdict, is_judged: bool) -> Verdict:
    """Return the verdict of a claim whose number another print stands for."""
    if is_judged:
        return judged
    why = f"the same number as {judged.claim.where}, counted there"
    return replace(own, word=judged.word, why=why, p=judged.p, corrected=judged.corrected, power=judged.power)


def _decided(case: Case, found: Verdict, alpha: float) -> Verdict:
    """Return the word for a tested number. `alpha` is what Holm's correction asks of the smallest p."""
    if by_share(case.claim):
        return _by_share(found)
    assert found.corrected is not None, "only tested numbers are decided"
    if found.corrected < ALPHA:
        return replace(found, word=_outside(case, found), why=_p_text(found))
    samples = _samples(case, found.runs)
    word: Word = "needs more runs"
    if case.claim.values:
        least = _least(samples, scale(case.claim, case.recipe))
        power = prediction.curve_power(_curves(case, found.runs), SHIFT, alpha, least)
    else:
        power = prediction.power(samples[0], SHIFT, alpha)
        if prediction.power_limit(samples[0], SHIFT, alpha) < POWER:
            word = "a single run decides nothing"
    if power >= POWER:
        word = "reproduced"
    return replace(found, word=word, why=f"a factor of 1.5 is noticed with {power:.0%}", power=power)


def _by_share(found: Verdict) -> Verdict:
    """Return the verdict on a bound or on an epoch, from the number of runs that satisfy it."""
    k, n = found.share or 0, len(found.runs)
    low, high = prediction.share_interval(k, n)
    assert found.corrected is not None
    word: Word = "reproduced" if low > RARE else "not reproduced" if found.corrected < ALPHA else "needs more runs"
    return replace(found, word=word, why=f"{k} of {n} runs, so {low:.0%} to {high:.0%} of all")


def _outside(case: Case, found: Verdict) -> Word:
    """Return "exceeded" where ours are better wherever the published number lies outside the interval."""
    sides = [
        (value > high) - (value < low)
        for value, (low, high) in zip(_published(case.claim), found.interval, strict=True)
    ]
    good = 1 if case.claim.quantity in LESS_IS_BETTER else -1 if case.claim.quantity in MORE_IS_BETTER else 0
    return "exceeded" if good and all(side in (0, good) for side in sides) and any(sides) else "not reproduced"


def _p_text(found: Verdict) -> str:
    return f"p = {found.p:.2g}, {found.corrected:.2g} by Holm, {len(found.runs)} runs"


def _least(samples: Sequence[prediction.Sample], on: Scale) -> NDArray[np.float64]:
    return np.array([on.rounding(sample.mean) for sample in samples])
