"""Keep the runs of `lenet5 reproduce` as the package's record, and fill the handbook from it.

python results/verdicts.py FOLDER        # the finished runs in FOLDER replace those of the same seed on record
python results/verdicts.py               # the handbook again from what is kept
"""

import sys
from pathlib import Path

from marks import write
from pages import pages

from lenet5.recipes import catalogue
from lenet5.reports import record, study_results
from lenet5.reports.claim_values import TRAINING_IMAGES, Outcome, length, settings
from lenet5.reports.comparison import late_steps, sides
from lenet5.reports.reproduction import merged, outcome, settings_of, trained_for

KEPT = Path(__file__).parents[1] / "src" / "lenet5" / "reports" / record.NAME


def kept() -> dict[str, record.Settings]:
    """Return what the record keeps: everything that a claim needs trained, with the single losses that are needed."""
    names = catalogue.names()
    needed: dict[str, set[int]] = {}
    for name in names:
        for claim in catalogue.load(name).claims:
            if claim.quantity == "step_loss" and claim.step:
                needed.setdefault(settings(settings_of(name, claim)), set()).add(claim.step)
        for comparison in catalogue.load(name).comparisons:
            if comparison.quantity == "late_loss_deviation":
                for recipe in sides(name, comparison):
                    needed.setdefault(settings(recipe), set()).update(late_steps(recipe))
    return {
        key: record.Settings(name, recipe, frozenset(needed.get(key, ())))
        for key, (name, recipe) in trained_for(names).items()
    }


def runs_in(folder: Path) -> dict[str, list[Outcome]]:
    """Return the finished runs in a folder that the record needs, whichever version and command made them."""
    wanted = kept()
    found: dict[str, list[Outcome]] = {}
    for unit in study_results.read(folder):
        recipe = unit.run.recipe()
        key = settings(recipe)
        if key in wanted and length(recipe) >= length(wanted[key].recipe):
            found.setdefault(key, []).append(outcome(unit.result, recipe.images or TRAINING_IMAGES))
    return found


def main() -> None:
    """Keep, and fill in."""
    if len(sys.argv) > 1:
        record.write(KEPT, merged(record.read(), runs_in(Path(sys.argv[1]))), kept())
    write(pages())


if __name__ == "__main__":
    main()
