"""The 1998 paper's comparison, row by row: what was published, what came out here, and the verdict.

A row whose answers depend on a seed is judged by the rule for recipes (`verdict.py`). One that does not has a single
right value, so it is judged as a computed number: it is reproduced where it rounds to the published one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from statistics import mean

from lenet5.methods.catalogue import ROWS, Row
from lenet5.methods.record import Results
from lenet5.methods.run import TRAIN_IMAGES, Result
from lenet5.recipes import catalogue
from lenet5.reports import record
from lenet5.reports.claim_values import TEST_IMAGES, Outcome, settings
from lenet5.reports.verdict import Case, Verdict, Word, judge
from lenet5.spec.claim import Claim
from lenet5.training.history import EpochScores

# A verdict on one number needs of a recipe only that it ends with the epoch that is read.
ONE_EPOCH = catalogue.load("archaeology", ["epochs=1"])


@dataclass(frozen=True)
class Line:
    """A row with its finished fits, one a seed, and the verdict on its error."""

    name: str
    row: Row
    results: tuple[Result, ...]
    verdict: Verdict

    @property
    def error_percent(self) -> float | None:
        """Mean test error; None without a fit."""
        return mean(result.error_percent for result in self.results) if self.results else None

    @property
    def rejected(self) -> float | None:
        """Mean percentage rejected for 0.5 % error; None where a fit has none."""
        every = [result.rejected for result in self.results if result.rejected is not None]
        return mean(every) if every else None


def lines(names: Sequence[str], results: Mapping[str, Sequence[Result]]) -> list[Line]:
    """Return the rows of some names, each with its whole fits and the verdict."""
    return [
        Line(name, ROWS[name], whole := _whole(results.get(name, ())), verdict(ROWS[name], whole)) for name in names
    ]


def verdict(row: Row, results: Sequence[Result]) -> Verdict:
    """Return the verdict on a row's test error by its fits; without any it is "not run"."""
    claim = Claim(quantity="test_error_percent", value=row.error, rounding=row.step, where="Figure 9")
    if row.make is not None and results and not row.make().seeded:
        return _computed(claim, results[0])
    outcomes = tuple(Outcome(result.seed, (_scores(result),)) for result in results)
    (found,) = judge([Case(claim, ONE_EPOCH, outcomes)])
    return found


def with_runs(results: Results) -> Results:
    """Return fits with the recipes' runs on record (`reports/record.json.gz`) where a row has none of its own."""
    runs = record.read()
    found = dict(results)
    for name, row in ROWS.items():
        if row.recipe and name not in found:
            recipe = catalogue.load(row.recipe)
            network = recipe.architecture
            fits = [
                Result(
                    seed=run.seed,
                    train_images=TRAIN_IMAGES,
                    test_images=run.epochs[-1].test_images,
                    errors=run.epochs[-1].test_errors,
                    rejected=None,
                    multiply_adds=network.connections,
                    memory=network.parameters,
                    seconds=sum(epoch.seconds for epoch in run.epochs),
                )
                for run in runs.get(settings(recipe), ())
            ]
            if fits:
                found[name] = fits
    return found


def _whole(results: Sequence[Result]) -> tuple[Result, ...]:
    """Return the fits on all images: those of a quick look have nothing published beside them."""
    sizes = (TRAIN_IMAGES, TEST_IMAGES)
    return tuple(result for result in results if (result.train_images, result.test_images) == sizes)


def _computed(claim: Claim, result: Result) -> Verdict:
    """Return the verdict on an error that no seed changes."""
    assert isinstance(claim.value, float)
    ours, half = result.error_percent, claim.rounding / 2 + 1e-9
    word: Word = (
        "reproduced" if abs(ours - claim.value) <= half else "exceeded" if ours < claim.value else "not reproduced"
    )
    return Verdict(claim, word, "no seed changes it", runs=((ours,),))


def _scores(result: Result) -> EpochScores:
    """Return a fit as the only epoch of a run."""
    return EpochScores(
        epoch=1,
        step=1,
        train_loss=nan,
        train_correct=None,
        train_images=result.train_images,
        test_loss=nan,
        test_correct=result.test_images - result.errors,
        test_images=result.test_images,
        seconds=result.seconds,
        peak_memory_bytes=0,
    )
