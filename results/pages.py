"""Fill the pages on published numbers from recipes and record.

docs/reproduce.md, one page a source beside it, and the table of deviations in docs/lecun-1998.md:

python results/pages.py
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any, get_args

from marks import fill, write

from lenet5.recipes import catalogue
from lenet5.reports import record
from lenet5.reports.claim_values import Runs
from lenet5.reports.comparison import Compared, compare
from lenet5.reports.reproduction import explanations, verdicts
from lenet5.reports.verdict import Verdict, Word
from lenet5.spec.claim import Claim

DOCS = Path(__file__).parents[1] / "docs"
# Each source's page, by the name of its first recipe.
PAGES = {
    "archaeology": ("archaeology",),
    "lab-report": ("lab-report", "lab-report-constant", "lab-report-tenfold"),
    "sunnyhaze": ("sunnyhaze",),
    "scratch": ("scratch", "scratch-as-printed", "scratch-xavier"),
    "sigmoid-fashion": ("sigmoid-fashion",),
    "lecun-1998": (
        "lecun-1998", "lecun-1998-distortions", "lecun-1998-30k", "lecun-1998-15k", "lecun-1998-15k-longer",
        "lenet-1", "lenet-4", "mlp-300", "mlp-300-distortions", "mlp-300-deslanted", "mlp-1000", "mlp-1000-distortions",
        "mlp-300-100", "mlp-300-100-distortions", "mlp-500-150", "mlp-500-150-distortions",
    ),
}  # fmt: skip
# What of the network of 1998 our means are furthest from: a test error in percent, and passes of Figure 5.
LAST_WITH_DISTORTIONS = 0.8
EARLY_PASSES = (2, 4)
STRUCTURE = ("parameters", "connections", "output_shape", "batches", "units", "_images")
HEAD = "| published | | here: mean | one more run | runs | p | Holm | verdict |\n|---|---|---|---|---|---|---|---|"
METRICS = {
    "test_accuracy_percent": "correct answers of the 10,000 test images, after the epoch or step that is named",
    "train_accuracy_percent": "correct answers over an epoch's training images, counted while the network learns",
    "test_error_percent": "wrong answers of the 10,000 test images",
    "train_error_percent": "wrong answers over an epoch's training images, counted while the network learns",
    "test_images_correct": "correct answers of the 10,000 test images, as a count",
    "test_loss": "mean loss over the test images at the end of the epoch",
    "train_loss": "mean over the epoch of each batch's loss before its update: the network changes meanwhile",
    "step_loss": "loss of the one batch of that step before its update",
    "lowest_test_loss_epoch": "epoch with the lowest test loss; 0 where that is the last one, so that it still falls",
    "loss_crossing_epoch": "first epoch whose train loss is below its test loss; 0 if there is none",
    "converged_by_step": "end of the first epoch whose test accuracy is within half a point of the last one's",
    "seconds_per_epoch": "training alone, one thread of our processor; the source's machine and clock are its own",
    "total_seconds": "seconds an epoch, times the epochs",
    "memory_megabytes": "ours: the process's memory at its peak; the source's: its graphics card's",
    "published_weights_accuracy_percent": "the source's own weights, scored on the test images: no chance is in it",
    "original_slowness": "how many times longer an epoch took in 1998",
    "alexnet_times_larger": "AlexNet's parameters over this network's",
}


def results(names: Sequence[str], runs: Runs) -> str:
    """Return the verdicts on some recipes' numbers: a section for each recipe, a table for each command."""
    parts = []
    for name in names:
        found = verdicts(name, runs)
        parts.append(f"### {name}")
        parts += _structure(name, [each for each in found if _computed(each)])
        groups: dict[str, list[Verdict]] = {}
        for each in found:
            if not _computed(each):
                groups.setdefault(_command(name, each.claim), []).append(each)
        for command, of_command in groups.items():
            parts += [f"`{command}`", "\n".join([HEAD, *map(_line, of_command)])]
            parts += _curves([each for each in of_command if each.claim.values and each.runs])
        parts += _failed(found) + _statements(compare(name, runs)) + _explained(name, runs)
    return "\n\n".join(parts)


def commands(names: Sequence[str]) -> str:
    """Return how to train, and judge, everything on a page."""
    return (
        f"```\nlenet5 reproduce {' '.join(names)}            # all seeds, and the verdicts; hours\n"
        f"lenet5 reproduce {names[0]} --quick    # seed 1 here, the others from the record; minutes\n```\n\n"
        "Below, each table stands under the command that trains one of its runs; `--seed 2` and so on give the others."
    )


def metrics(names: Sequence[str]) -> str:
    """Return what the quantities on a page mean."""
    used = {claim.quantity: None for name in names for claim in catalogue.load(name).claims}
    rows = [f"| {_words(quantity)} | {METRICS[quantity]} |" for quantity in METRICS if quantity in used]
    columns = (
        "*Here: mean* is over our runs that trained; *one more run* is the interval in which one more run falls with "
        "95 %, or how many runs keep a bound; *Holm* is p corrected for the recipe's other numbers: "
        "[the rule](../reproduce.md)."
    )
    return "\n".join(["| | |", "|---|---|", *rows, "", columns])


def differences(names: Sequence[str]) -> str:
    """Return every difference between the publication and the recipes on a page."""
    rows, seen = ["| | the source | here |", "|---|---|---|"], set()
    for name in names:
        for each in catalogue.load(name).differences:
            if each not in seen:
                seen.add(each)
                where = "" if name == names[0] else f" (`{name}`)"
                ours = f"{each.ours} *{each.effect}*" if each.effect else each.ours
                rows.append("| " + " | ".join(map(_cell, (each.topic + where, each.source, ours))) + " |")
    return "\n".join(rows)


def overview(runs: Runs) -> str:
    """Return how many numbers of each recipe have which verdict."""
    words = get_args(Word)
    lines = [f"| recipe | {' | '.join(words)} |", "|---" * (len(words) + 1) + "|"]
    total: Counter[Word] = Counter()
    for page, names in PAGES.items():
        for name in names:
            counts = Counter(each.word for each in verdicts(name, runs))
            total += counts
            lines.append(f"| [{name}](reproduce/{page}.md) | {_counts(counts)} |")
    return "\n".join([*lines, f"| **all** | {_counts(total)} |"])


def deviations(runs: Runs) -> str:
    """Return the numbers of 1998 that our means are furthest from, and where one more run falls."""
    (final,) = (each for each in verdicts("lecun-1998-distortions", runs) if each.claim.value == LAST_WITH_DISTORTIONS)
    curve = next(each for each in verdicts("lecun-1998", runs) if each.claim.quantity == "test_error_percent"
                 and each.claim.values)  # fmt: skip
    rows = [("with distortions, after the last pass", LAST_WITH_DISTORTIONS, final, 0)]
    rows += [(f"after pass {place}", curve.claim.values[place - 1], curve, place - 1) for place in EARLY_PASSES]
    lines = ["| test error, % | 1998 | here: mean | one more run | runs | within |", "|---" * 6 + "|"]
    for name, published, verdict, place in rows:
        low, high = verdict.interval[place]
        within = "yes" if low <= published <= high else "no"
        ours = f"{verdict.mean[place]:.2f} | {low:.2f} to {high:.2f} | {len(verdict.runs)}"
        lines.append(f"| {name} | {published:.2f} | {ours} | {within} |")
    return "\n".join(lines)


def _counts(counts: Counter[Word]) -> str:
    return " | ".join(str(counts.get(word, 0) or "") for word in get_args(Word))


def _computed(verdict: Verdict) -> bool:
    return verdict.claim.quantity.endswith(STRUCTURE) and verdict.word != "contradicted"


def _command(name: str, claim: Claim) -> str:
    """Return the command that trains what a claim is about, or shows what is said of 1998."""
    if claim.quantity.startswith("original_"):
        return "lenet5 summary lecun-1998"
    if claim.quantity == "published_weights_accuracy_percent":
        return f"lenet5 import {claim.where} --recipe {name}"
    return " ".join([f"lenet5 train {name}", *(f"--set {key}={value}" for key, value in claim.overrides.items())])


def _structure(name: str, computed: Sequence[Verdict]) -> list[str]:
    if not computed:
        return []
    right = [each for each in computed if each.word == "reproduced"]
    by_quantity: dict[str, list[str]] = {}
    for each in computed:
        value = _plain(each.claim.value) + ("" if each in right else f" (here {_plain(each.ours)})")
        by_quantity.setdefault(_words(each.claim.quantity), []).append(f"{each.claim.layer or ''} {value}".strip())
    listed = "; ".join(f"{quantity} {', '.join(values)}" for quantity, values in by_quantity.items())
    return [f"`lenet5 summary {name}`", f"Structure: {len(right)} of {len(computed)} numbers reproduced: {listed}."]


def _failed(found: Sequence[Verdict]) -> list[str]:
    failed = max((each.failed for each in found), default=0)
    runs = "1 further run" if failed == 1 else f"{failed} further runs"
    return [f"{runs} failed to train, counted separately."] if failed else []


def _curves(found: Sequence[Verdict]) -> list[str]:
    """Return the curves of one command epoch by epoch: published, our mean, where one more run falls."""
    if not found:
        return []
    head = ["epoch"]
    for each in found:
        head += [f"{_words(each.claim.quantity)}: published", "here"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for place in range(max(len(each.claim.values) for each in found)):
        cells = [str(place + 1)]
        for each in found:
            low, high = each.interval[place] if each.interval else (float("nan"),) * 2
            cells += [_plain(each.claim.values[place]), f"{each.mean[place]:.4g} ({low:.4g} to {high:.4g})"]
        lines.append(f"| {' | '.join(cells)} |")
    return ["\n".join(lines)]


def _statements(found: Sequence[Compared]) -> list[str]:
    """Return the verdicts on statements that compare two ways of training."""
    if not found:
        return []
    lines = ["| statement | compared | the change | times | pairs | p | Holm | verdict |", "|---" * 8 + "|"]
    for each in found:
        comparison, numbers = each.comparison, [""] * 4
        if each.factors:
            least, middle, largest = each.factors
            times = f"{middle:.3g} ({least:.3g} to {largest:.3g})"
            numbers = [times, str(len(each.values)), f"{each.p:.2g}", f"{each.corrected:.2g}"]
        both = "".join(f" --set {key}={value}" for key, value in comparison.set.items())
        change = "".join(f" --set {key}={value}" for key, value in comparison.change.items())
        cells = [
            f"{comparison.says} {comparison.note}",
            f"{_words(comparison.quantity)}: {_means(each)}",
            f"`{change.strip()}`" + (f", both with `{both.strip()}`" if both else ""),
            *numbers,
            f"**{each.word}**",
        ]
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    return [
        "What the source says without numbers. *Times* is by what factor the change acts on the odds of an error, or "
        "on the loss: the median over pairs of runs with the same seed, and the range.",
        "\n".join(lines),
    ]


def _means(compared: Compared) -> str:
    before, after = (mean(column) for column in zip(*compared.values, strict=True)) if compared.values else (0.0, 0.0)
    return f"{before:.3g}, with the change {after:.3g}" if compared.values else ""


def _explained(name: str, runs: Runs) -> list[str]:
    """Return the recipes under which a number that fails comes out, or not, with their verdicts."""
    lines = []
    failing = {_number(verdict) for verdict in verdicts(name, runs) if verdict.word == "not reproduced"}
    for other in explanations(name):
        judged = verdicts(other, runs)
        told = [_told(verdict) for verdict in judged if _number(verdict) in failing] or [_told(judged[0])]
        lines.append(f"- [{other}](#{other}), {catalogue.load(other).title}: {'; '.join(told)}")
    return ["What would have to be true:\n\n" + "\n".join(lines)] if lines else []


def _number(verdict: Verdict) -> tuple[str, float | None]:
    return verdict.claim.quantity, verdict.claim.value


def _told(verdict: Verdict) -> str:
    """Return a number, its verdict and our mean: "98.61: reproduced (mean of 30 runs: 98.6)"."""
    ours = f" (mean of {len(verdict.runs)} runs: {verdict.mean[-1]:.4g})" if verdict.runs else ""
    return f"{_plain(verdict.claim.value)}: **{verdict.word}**{ours}"


def _line(verdict: Verdict) -> str:
    claim, runs = verdict.claim, verdict.runs
    last = claim.values[-1] if claim.values else claim.value
    ours = f"{verdict.mean[-1]:.4g}" if runs else "" if verdict.ours is None else _plain(verdict.ours)
    interval = "{:.4g} to {:.4g}".format(*verdict.interval[-1]) if verdict.interval else ""
    if verdict.share is not None:
        interval = f"{verdict.share} of {len(runs)} keep it"
    sign = {"at_least": "≥ ", "at_most": "≤ "}.get(claim.bound, "")
    about = [_words(claim.quantity)]
    about += [claim.layer] if claim.layer else []
    about += [f"epoch {claim.epoch}"] if claim.epoch else []
    about += [f"step {claim.step:,}"] if claim.step else []
    about += [f"(a curve of {len(claim.values)}; its last)"] if claim.values else []
    tested = verdict.p is not None and verdict.word not in ("not reproduced", "exceeded")
    why = f": {verdict.why}" if tested or verdict.word in ("contradicted", "needs more runs") else ""
    p = ["" if value is None else f"{value:.2g}" for value in (verdict.p, verdict.corrected)]
    cells = [sign + _plain(last), ", ".join(about), ours, interval, len(runs) or "", *p, f"**{verdict.word}**{why}"]
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _words(quantity: str) -> str:
    return quantity.replace("_percent", ", %").replace("_", " ")


def _plain(value: float | tuple[int, ...] | None) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else f"{value:.6g}"


def _cell(value: Any) -> str:
    return " ".join(str(value).replace("|", "\\|").split())


def pages() -> dict[Path, str]:
    """Return every page as it should be."""
    runs = record.read()
    summary = DOCS / "reproduce.md"
    made = {summary: fill(summary.read_text(encoding="utf-8"), "verdicts", overview(runs))}
    chapter = DOCS / "lecun-1998.md"
    made[chapter] = fill(chapter.read_text(encoding="utf-8"), "deviations", deviations(runs))
    for page, names in PAGES.items():
        path = DOCS / "reproduce" / f"{page}.md"
        text = path.read_text(encoding="utf-8")
        for mark, content in (
            ("commands", commands(names)),
            ("metrics", metrics(names)),
            ("differences", differences(names)),
            ("results", results(names, runs)),
        ):
            text = fill(text, mark, content)
        made[path] = text
    return made


if __name__ == "__main__":
    write(pages())
