"""Fill the tables of accuracies in the READMEs, and those of engines and models in the handbook, from the record.

python results/readme.py
"""

import json
from pathlib import Path
from statistics import mean

from marks import fill, write

from lenet5.files import file_sha256
from lenet5.inference.corruptions import UNCHANGED
from lenet5.metrics import wilson_interval_percent
from lenet5.models import shipped
from lenet5.models.file import WEIGHTS
from lenet5.recipes import catalogue
from lenet5.reports import record
from lenet5.reports.claim_values import Runs, length
from lenet5.reports.reproduction import settings_of, verdicts
from lenet5.reports.translations import say
from lenet5.reports.verdict import Verdict
from lenet5.spec.claim import Claim

ROOT = Path(__file__).parents[1]
QUANTITIES = ("test_accuracy_percent", "test_error_percent", "test_images_correct")
OTHER_NETWORKS = ("lenet-", "mlp-")  # those that the paper compares LeNet-5 with have a chapter of their own
# The READMEs show the first number of each of these; the chapter shows all.
PUBLISHED = ("archaeology", "lab-report", "lecun-1998", "lecun-1998-distortions", "scratch", "sunnyhaze")
CHAPTER = "docs/reproduce.md"
ENGLISH = "| recipe | published, % | here: mean, % | one more run, % | runs | p | verdict |"
HEADS = {
    "README.md": ENGLISH,
    "README.zh-CN.md": "| 配方 | 公布值，% | 这里：平均，% | 再跑一次，% | 次数 | p | 结论 |",
    CHAPTER: ENGLISH,
}


def accuracy(claim: Claim, value: float) -> float:
    """Return what a claim's number says as an accuracy in percent, of 10,000 test images."""
    return {"test_error_percent": 100 - value, "test_images_correct": value / 100}.get(claim.quantity, value)


def final(name: str, runs: Runs) -> list[Verdict]:
    """Return the verdicts on the accuracies after a recipe's last epoch, one for each of its settings."""
    found: dict[str, Verdict] = {}
    for verdict in verdicts(name, runs):
        claim, recipe = verdict.claim, settings_of(name, verdict.claim)
        last = claim.epoch in (None, length(recipe))
        if claim.quantity in QUANTITIES and last and not claim.contradicted and claim.value is not None:
            found.setdefault(recipe.digest, verdict)
    return list(found.values())


def table(page: str) -> str:
    """Return the table as Markdown, in the language of the page."""
    runs = record.read()
    if page == CHAPTER:
        names = [name for name in catalogue.names() if not name.startswith(OTHER_NETWORKS)]
        rows = [_row(name, verdict, page) for name in names for verdict in final(name, runs)]
    else:
        rows = [_row(name, final(name, runs)[0], page) for name in PUBLISHED]
    return "\n".join([HEADS[page], "|---|---|---|---|---|---|---|", *rows])


def _row(name: str, verdict: Verdict, page: str) -> str:
    claim = verdict.claim
    ours = [accuracy(claim, run[0]) for run in verdict.runs]
    ends = sorted(accuracy(claim, end) for end in verdict.interval[0]) if verdict.interval else []
    sign = {"at_least": "≥ ", "at_most": "≤ "}.get(claim.bound, "")
    settings = "".join(f", {key} {value:,}" for key, value in claim.overrides.items())
    one_more = f"{ends[0]:.2f}–{ends[1]:.2f}" if ends else ""
    if verdict.share is not None:
        one_more = f"{verdict.share} / {len(ours)}"
    cells = [
        f"`{name}`{settings.replace('_', ' ')}",
        f"{sign}{accuracy(claim, float(str(claim.value))):.2f}",
        f"{mean(ours):.2f}" if ours else "",
        one_more,
        str(len(ours)),
        "" if verdict.corrected is None else f"{verdict.corrected:.2g}",
        say(verdict.word, "zh" if page == "README.zh-CN.md" else "en"),
    ]
    return f"| {' | '.join(cells)} |"


def engines() -> str:
    """Return the accuracies of single recipes by each engine, as Markdown."""
    lines = ["| recipe | engine | accuracy, % | seeds |", "|---|---|---|---|"]
    for entry in json.loads((ROOT / "results" / "runs.json").read_text(encoding="utf-8")):
        values = entry["test_accuracy_percent"]
        spread = f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else ""
        settings = "".join(f", {key.replace('_', ' ')} {value:,}" for key, value in entry["overrides"].items())
        first, last = entry["seeds"][0], entry["seeds"][-1]
        assert entry["seeds"] == list(range(first, last + 1))
        seeds = f"{first}–{last}" if last > first else str(first)
        lines.append(f"| `{entry['recipe']}`{settings} | {entry['engine']} | {mean(values):.2f}{spread} | {seeds} |")
    return "\n".join(lines)


def models() -> str:
    """Return the models that come with the package, as Markdown, from their files."""
    heads = (
        "model", "data", "seed", "epochs", "accuracy, %", "parameters", "temperature", "confidence off by, %",
        "trained", "SHA-256",
    )  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in shipped.names():
        model, path = shipped.read(name), WEIGHTS / f"{name}.safetensors"
        card = model.card
        low, high = wilson_interval_percent(
            round(card.test_accuracy_percent * card.test_images / 100), card.test_images
        )
        known = card.calibration
        cells = [
            f"`{name}`",
            card.data,
            str(card.seed),
            str(card.epochs),
            f"{card.test_accuracy_percent:.2f} ({low:.2f} to {high:.2f})",
            f"{model.architecture.parameters:,}",
            f"{known.temperature:.2f}" if known else "",
            f"{known.expected_calibration_error_percent:.2f}" if known else "",
            card.trained_on[:10],
            f"`{file_sha256(path)[:16]}`",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def corruptions() -> str:
    """Return the models' accuracy on corrupted images, as Markdown."""
    kept = json.loads((ROOT / "results" / "corruptions.json").read_text(encoding="utf-8"))
    names = sorted(kept[UNCHANGED])
    lines = [f"| images | {' | '.join(f'`{name}`' for name in names)} |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {images} | {' | '.join(f'{row[name]:.2f}' for name in names)} |" for images, row in kept.items()]
    return "\n".join(lines)


def pages() -> dict[Path, str]:
    """Return every page that is filled from the record, as it should be."""
    made = {
        ROOT / page: fill((ROOT / page).read_text(encoding="utf-8"), "published and measured", table(page))
        for page in HEADS
    }
    tables = (
        ("reproduce", "engines", engines()),
        ("models", "models", models()),
        ("models", "corruptions", corruptions()),
    )
    for page, name, content in tables:
        path = ROOT / "docs" / f"{page}.md"
        made[path] = fill(made.get(path) or path.read_text(encoding="utf-8"), name, content)
    return made


if __name__ == "__main__":
    write(pages())
