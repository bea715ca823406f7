"""Whether a published number holds, by one rule for all that was fixed before the runs.

1. A number that its own source contradicts is "contradicted", whatever we measure; so is what a source says of the
   network of 1998 where the 1998 paper says otherwise.
2. Structure (shapes, parameters, connections, batches) is computed: it is "reproduced" when it is equal, and otherwise
   "not reproduced".
3. Seconds and megabytes belong to their hardware: they stand "side by side" and are not judged.
4. What is trained is run with several seeds. Their 95 % prediction interval is where one more run of ours would
   fall; the published run is "reproduced" when it lies inside. For a curve all its points must lie inside intervals
   that hold together (Bonferroni). Outside it is "exceeded" when ours are better, and "not reproduced" when they are
   worse; a quantity that is neither good nor bad (an onset, a single batch's loss) is then "not reproduced".
5. "At least" and "at most" are "reproduced" when the mean of our runs keeps the bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Literal

from lenet5.reports.measure import HARDWARE, Outcome, measured, structure
from lenet5.spec.claim import Claim
from lenet5.spec.recipe import Recipe
from lenet5.studies.statistics import prediction_interval

Word = Literal["reproduced", "exceeded", "not reproduced", "contradicted", "side by side", "not run"]
MORE_IS_BETTER = {"test_accuracy_percent", "train_accuracy_percent", "test_images_correct"}
LESS_IS_BETTER = {"test_error_percent", "train_error_percent", "train_loss", "test_loss"}
CONFIDENCE = 0.95
Row = tuple[float, ...]


@dataclass(frozen=True)
class Verdict:
    """A claim with what we found.

    ours      our value for a structural claim; otherwise one row for each run: the number, or one for each epoch
    interval  (low, high) where one more run of ours would fall, for each number of the claim
    """

    claim: Claim
    word: Word
    why: str
    ours: float | tuple[int, ...] | None = None
    runs: tuple[tuple[float, ...], ...] = ()
    interval: tuple[tuple[float, float], ...] = ()

    @property
    def mean(self) -> tuple[float, ...]:
        """The mean over the runs, for each number of the claim."""
        return tuple(mean(values) for values in zip(*self.runs, strict=True))


def judge(claim: Claim, recipe: Recipe, runs: Sequence[Outcome]) -> Verdict:
    """Return the verdict on a claim.

    recipe  the recipe with the claim's overrides
    runs    finished runs of it, one a seed; none for a structural claim
    """
    return judge_rows(claim, recipe, read_from(claim, recipe, runs))


def read_from(claim: Claim, recipe: Recipe, runs: Sequence[Outcome]) -> tuple[Row, ...]:
    """Return what a claim is about in each run that reaches it."""
    if claim.quantity.startswith("original_") or structure(claim, recipe) is not None:
        return ()
    return tuple(row for row in (measured(claim, run) for run in runs) if row is not None)


def judge_rows(claim: Claim, recipe: Recipe, rows: tuple[Row, ...]) -> Verdict:
    """Return the verdict on a claim by what it is about in each run: a number, or one for each epoch."""
    computed = structure(claim, recipe)
    about_1998 = claim.quantity.startswith("original_")
    if claim.contradicted:
        return Verdict(claim, "contradicted", claim.note, computed, rows)
    if about_1998 and computed is None:
        return Verdict(claim, "side by side", claim.note or "said of the network of 1998")
    if computed is not None:
        same = computed == claim.value
        return Verdict(claim, "reproduced" if same else "not reproduced", "computed from the architecture", computed)
    if not rows:
        return Verdict(claim, "not run", "no finished run reaches it")
    if claim.quantity in HARDWARE:
        return Verdict(claim, "side by side", claim.note or "another machine", runs=rows)
    if claim.bound != "equal":
        return _bounded(claim, rows)
    if len(rows) < 2:
        return Verdict(claim, "not run", "one run has no interval; at least two seeds are needed", runs=rows)
    return _against_interval(claim, rows)


def _published(claim: Claim) -> tuple[float, ...]:
    if claim.values:
        return claim.values
    assert isinstance(claim.value, float), "only structure has shapes, and it is computed"
    return (claim.value,)


def _bounded(claim: Claim, rows: tuple[tuple[float, ...], ...]) -> Verdict:
    (bound,) = _published(claim)
    ours = mean(row[0] for row in rows)
    kept = ours >= bound if claim.bound == "at_least" else ours <= bound
    sign = "at least" if claim.bound == "at_least" else "at most"
    return Verdict(
        claim,
        "reproduced" if kept else "not reproduced",
        f"the mean of ours is {ours:.4g}, {sign} {bound:.4g} is claimed",
        runs=rows,
    )


def _against_interval(claim: Claim, rows: tuple[tuple[float, ...], ...]) -> Verdict:
    published = _published(claim)
    confidence = 1 - (1 - CONFIDENCE) / len(published)
    intervals = tuple(prediction_interval(values, confidence) for values in zip(*rows, strict=True))
    low = sum(value < interval[0] for interval, value in zip(intervals, published, strict=True))
    high = sum(value > interval[1] for interval, value in zip(intervals, published, strict=True))
    if not low + high:
        return Verdict(claim, "reproduced", f"inside the interval of {len(rows)} runs", runs=rows, interval=intervals)
    ours_better = (claim.quantity in MORE_IS_BETTER and not high) or (claim.quantity in LESS_IS_BETTER and not low)
    word: Word = "exceeded" if ours_better else "not reproduced"
    points = f"{low + high} of {len(published)} points lie" if len(published) > 1 else "it lies"
    return Verdict(claim, word, f"{points} outside the interval of {len(rows)} runs", runs=rows, interval=intervals)
