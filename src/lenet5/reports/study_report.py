"""A study as one HTML page: claims, choices over seeds, curves with bands, comparisons, errors, what ran where."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lenet5.inference.evaluation import Evaluation
from lenet5.reports import html, style
from lenet5.reports.confusion import confusion_figure
from lenet5.reports.study_results import Finished, by_label, set_aside
from lenet5.reports.translations import HOW_TO_READ, Language, say
from lenet5.studies.statistics import holm, mcnemar_p, paired_p, summary

MOST_CURVES = len(style.SERIES)
ENVIRONMENT = ("lenet5", "engine", "device", "instructions", "threads", "python", "numpy", "platform", "processor")
Choices = dict[str, list[Finished]]


def report(
    folder: Path,
    units: Sequence[Finished],
    claims: dict[str, list[dict[str, Any]]],
    evaluations: dict[str, list[Evaluation]],
    language: Language = "en",
) -> str:
    """Return the page of a study.

    claims       the verdicts that `lenet5 reproduce` wrote, by recipe; empty for other studies
    evaluations  of each choice that is compared, its models on what they were scored on, in the order of the seeds;
                 the first choice is what the others are held against
    """

    def words(text: str) -> str:
        return say(text, language)

    choices = by_label(units)
    where = " / ".join(sorted({words(f"{unit.scored_on} images") for unit in units}))
    body = [html.link(words("The command that trains the first run again"), "repeat")]
    body += [html.paragraph(f"{len(units)} {words('finished runs; scored after the last epoch on the')} {where}")]
    if claims:
        body += [html.heading(words("Published numbers")), _claims(claims, language)]
    body += [
        html.heading(words("Choices")),
        _choices(choices, language),
        html.heading(words("Curves")),
        html.picture(bands(choices), words("Mean and range over the seeds"), language=language),
    ]
    if len(choices) > MOST_CURVES:
        body.append(html.paragraph(words("Drawn are the first eight choices.")))
    if len(evaluations) > 1:
        body += [
            html.heading(words("Comparisons with the first choice")),
            _comparisons(choices, evaluations, language),
            html.paragraph(words(HOW_TO_READ)),
        ]
    body += _misclassified(evaluations, language)
    failures = set_aside(folder)
    if failures:
        body += [html.heading(words("Set aside")), html.table([words("run"), words("why")], failures)]
    body += [
        html.heading(words("What ran where")),
        _machines(units, language),
        html.heading(words("Repeat it"), anchor="repeat"),
        html.commands([f"lenet5 train {unit.run.path / 'recipe.toml'}" for unit in units[:1]]),
        html.paragraph(words("Every run's folder holds its recipe.toml, whole; this trains the first one again.")),
    ]
    return html.page(folder.resolve().name, body, language=language)


def bands(choices: Choices) -> Figure:
    """Return the error of each choice against the epoch: the mean over the seeds, and their range."""
    with style.styled():
        drawn = style.figure(8, 4.4)
        axes = drawn.subplots()
        for (label, units), colour in zip(choices.items(), style.SERIES, strict=False):
            shortest = min(len(unit.errors) for unit in units)
            errors = np.array([unit.errors[:shortest] for unit in units])
            epochs = np.arange(1, shortest + 1)
            axes.fill_between(epochs, errors.min(0), errors.max(0), color=colour, alpha=0.18, lw=0)
            mark = "o" if shortest == 1 else ""  # a line of one epoch has no length
            axes.plot(epochs, errors.mean(0), color=colour, marker=mark, label=f"{label} ({len(units)})")
            if shortest == 1:
                axes.vlines(epochs, errors.min(0), errors.max(0), color=colour, lw=1)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_xlabel("epoch")
        axes.set_ylabel("error, %")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize=8)
        return drawn


def _claims(claims: dict[str, list[dict[str, Any]]], language: Language) -> str:
    """Every claim on what is trained; of a curve its last point. What is computed from a network is only counted."""
    header = ["recipe", "what", "published", "here: mean", "one more run", "runs", "p", "verdict", "why"]
    rows = []
    computed = [row for verdicts in claims.values() for row in verdicts if row["ours"] is not None]
    for recipe, verdicts in claims.items():
        for row in verdicts:
            if row in computed and row["word"] == "reproduced":
                continue
            claim, runs, interval = row["claim"], row["runs"], row["interval"]
            published = claim["values"][-1] if claim.get("values") else claim["value"]
            about = [
                claim["quantity"].replace("_", " "),
                *(f"{key} {value}" for key, value in claim.get("overrides", {}).items()),
            ]
            about += [f"epoch {claim['epoch']}"] if claim.get("epoch") else []
            ours = f"{mean(run[-1] for run in runs):.4g}" if runs else _plain(row["ours"])
            ends = "{:.4g} – {:.4g}".format(*interval[-1]) if interval else ""
            if row.get("share") is not None:
                ends = f"{row['share']} / {len(runs)}"
            p = "" if row.get("corrected") is None else f"{row['corrected']:.2g}"
            count = str(len(runs) or "")
            rows.append(
                [
                    recipe,
                    ", ".join(about),
                    _plain(published),
                    ours,
                    ends,
                    count,
                    p,
                    say(row["word"], language),
                    row["why"],
                ]
            )
    right = sum(row["word"] == "reproduced" for row in computed)
    structure = f"{say('Shapes, parameters, connections: reproduced', language)} {right} / {len(computed)}"
    table = html.table([say(name, language) for name in header], rows, numbers=(2, 3, 4, 5, 6))
    return f"{html.paragraph(structure)}\n{table}"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "x".join(map(str, value))
    return "" if value is None else f"{value:,.6g}"


def _choices(choices: Choices, language: Language) -> str:
    header = [
        say(name, language) for name in ("choice", "seeds", "error, %", "95 % interval", "each seed", "seconds a run")
    ]
    rows = []
    for label, units in choices.items():
        last = [unit.errors[-1] for unit in units]
        found = summary(last)
        interval = f"{found.low:.2f} – {found.high:.2f}" if found.n > 1 else ""
        seconds = mean(sum(unit.result["seconds"]) for unit in units)
        each = "  ".join(f"{error:.2f}" for error in last)
        rows.append([label, str(found.n), f"{found.mean:.2f}", interval, each, f"{seconds:.1f}"])
    return html.table(header, rows, numbers=(1, 2, 3, 5))


def _comparisons(choices: Choices, evaluations: dict[str, list[Evaluation]], language: Language) -> str:
    first, *others = evaluations
    differences, by_t, by_mcnemar = [], [], []
    for label in others:
        pairs = _paired(choices[first], choices[label])
        errors = [[unit.errors[-1] for unit in side] for side in zip(*pairs, strict=True)]
        differences.append(mean(errors[1]) - mean(errors[0]))
        by_t.append(paired_p(errors[0], errors[1]) if len(pairs) > 1 else 1.0)
        by_mcnemar.append(mcnemar_p(evaluations[first][0].right, evaluations[label][0].right))
    rows = [
        [label, f"{difference:+.2f}", _chance(t), _chance(mcnemar)]
        for label, difference, t, mcnemar in zip(others, differences, holm(by_t), holm(by_mcnemar), strict=True)
    ]
    header = [say("choice", language), say("difference, %", language), "p (t)", "p (McNemar)"]
    return html.table(header, rows, numbers=(1, 2, 3))


def _paired(first: Sequence[Finished], second: Sequence[Finished]) -> list[tuple[Finished, Finished]]:
    """Return the runs of two choices that have a seed in common."""
    by_seed = {unit.seed: unit for unit in second}
    return [(unit, by_seed[unit.seed]) for unit in first if unit.seed in by_seed]


def _chance(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def _misclassified(evaluations: dict[str, list[Evaluation]], language: Language) -> list[str]:
    """The confusion of the first choice, summed over its seeds, and the images that most of its models misclassify."""
    if not evaluations:
        return []
    label, outcomes = next(iter(evaluations.items()))
    matrix = sum((outcome.confusion for outcome in outcomes[1:]), outcomes[0].confusion)
    wrong = Counter(int(index) for outcome in outcomes for index in outcome.misclassified)
    data = outcomes[0].data
    rows = [
        [str(index), data.class_names[data.labels[index]], f"{count} / {len(outcomes)}"]
        for index, count in wrong.most_common(12)
    ]
    header = [say(name, language) for name in ("image", "label", "models that misclassify it")]
    return [
        html.heading(f"{say('Confusion', language)}: {label}"),
        html.picture(
            confusion_figure(matrix, outcomes[0].class_names, ""),
            say("Summed over the seeds", language),
            language=language,
        ),
        html.table(header, rows, numbers=(0, 2)),
    ]


def _machines(units: Sequence[Finished], language: Language) -> str:
    """The environments, each with how many runs it did."""
    found = Counter(tuple(str(unit.result["environment"].get(key, "")) for key in ENVIRONMENT) for unit in units)
    header = [say("runs", language), *ENVIRONMENT]
    return html.table(header, [[str(count), *environment] for environment, count in found.most_common()], numbers=(0,))
