"""Keep the runs of `lenet5 reproduce` as the package's record, and fill the verdicts on it into the handbook.

python results/verdicts.py FOLDER        # the finished runs in FOLDER replace those of the same seed on record
python results/verdicts.py               # the handbook again from what is kept
"""

import re
import sys
from pathlib import Path

from lenet5.recipes import catalogue
from lenet5.reports import finished, record
from lenet5.reports.comparison import late_steps, sides
from lenet5.reports.measure import TRAINING_IMAGES, Outcome, Runs, length, settings
from lenet5.reports.reproduction import explanations, merged, outcome, settings_of, trained_for, verdicts
from lenet5.reports.verdict import Verdict

KEPT = Path(__file__).parents[1] / "src" / "lenet5" / "reports" / record.NAME
PAGE = Path(__file__).parents[1] / "docs" / "reproduce.md"
STRUCTURE = ("parameters", "connections", "output_shape", "batches")
HEAD = "| published | | here: mean | one more run | runs | p | Holm | verdict |\n|---|---|---|---|---|---|---|---|"


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
    for unit in finished.read(folder):
        recipe = unit.run.recipe()
        key = settings(recipe)
        if key in wanted and length(recipe) >= length(wanted[key].recipe):
            found.setdefault(key, []).append(outcome(unit.result, recipe.images or TRAINING_IMAGES))
    return found


def tables() -> str:
    """Return the verdicts as Markdown: a table for each recipe; what is computed is only counted."""
    runs, parts = record.read(), []
    for name in catalogue.names():
        found = verdicts(name, runs)
        if not found:
            continue
        computed = [each for each in found if each.claim.quantity.endswith(STRUCTURE) and each.word != "contradicted"]
        right = sum(each.word == "reproduced" for each in computed)
        parts.append(f"### {name}")
        if computed:
            parts.append(f"Structure: {right} of {len(computed)} numbers reproduced.")
        others = [each for each in found if each not in computed]
        if others:
            parts.append("\n".join([HEAD, *map(_line, others)]))
        failed = max(each.failed for each in found)
        if failed:
            runs_failed = "1 further run" if failed == 1 else f"{failed} further runs"
            parts.append(f"{runs_failed} failed to train, counted separately.")
        if explained := explanations(name):
            lines = [
                f"- [{other}](#{other}), {catalogue.load(other).title}: {_first(other, runs)}" for other in explained
            ]
            parts.append("What would have to be true:\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _first(name: str, runs: Runs) -> str:
    """Return the verdict on a recipe's first claim, with our mean."""
    verdict = verdicts(name, runs)[0]
    ours = f", the mean of {len(verdict.runs)} runs is {verdict.mean[-1]:.4g}" if verdict.runs else ""
    return f"{_plain(verdict.claim.value)} is **{verdict.word}**{ours}"


def _line(verdict: Verdict) -> str:
    claim, runs = verdict.claim, verdict.runs
    last = claim.values[-1] if claim.values else claim.value
    ours = f"{verdict.mean[-1]:.4g}" if runs else "" if verdict.ours is None else _plain(verdict.ours)
    interval = "{:.4g} to {:.4g}".format(*verdict.interval[-1]) if verdict.interval else ""
    if verdict.share is not None:
        interval = f"{verdict.share} of {len(runs)} keep it"
    sign = {"at_least": "≥ ", "at_most": "≤ "}.get(claim.bound, "")
    about = [claim.quantity.replace("_", " ")]
    about += [claim.layer] if claim.layer else []
    about += [f"epoch {claim.epoch}"] if claim.epoch else []
    about += [f"step {claim.step:,}"] if claim.step else []
    about += [f"{key} {value}" for key, value in claim.overrides.items()]
    about += [f"(a curve of {len(claim.values)}; its last)"] if claim.values else []
    tested = verdict.p is not None and verdict.word not in ("not reproduced", "exceeded")
    why = f": {verdict.why}" if tested or verdict.word in ("contradicted", "needs more runs") else ""
    p = ["" if value is None else f"{value:.2g}" for value in (verdict.p, verdict.corrected)]
    published = sign + _plain(last)
    cells = [published, ", ".join(about), ours, interval, str(len(runs) or ""), *p, f"**{verdict.word}**{why}"]
    return "| " + " | ".join(" ".join(cell.split()) for cell in cells) + " |"


def _plain(value: float | tuple[int, ...] | None) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else f"{value:.6g}"


def fill(page: str) -> str:
    """Return the page with the tables between its marks."""
    begin, end = "<!-- verdicts -->", "<!-- end of verdicts -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n\n{tables()}\n\n{end}", page, flags=re.DOTALL)


def main() -> None:
    """Keep, and fill in."""
    if len(sys.argv) > 1:
        record.write(KEPT, merged(record.read(), runs_in(Path(sys.argv[1]))), kept())
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
