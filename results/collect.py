"""Keep the outcome of a finished study as one small file: results/studies/NAME.json.

python results/collect.py results/plans/NAME.toml STUDY_FOLDER
"""

import json
import sys
from pathlib import Path
from typing import Any

from lenet5.engines import registry
from lenet5.studies import plan as plans
from lenet5.studies.ledger import Ledger
from lenet5.studies.units import units

KEPT = Path(__file__).parent / "studies"
ENVIRONMENT = ("lenet5", "python", "numpy", "processor", "engine", "instructions", "threads")


def row(label: tuple[str, ...], digest: str, result: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of one run: what it was, and its figures epoch by epoch."""
    outcome = result["result"]
    return {
        "label": ", ".join(label),
        "recipe": outcome["recipe"],
        "recipe_digest": digest,
        "seed": result["seed"],
        "scored_on": outcome["scored_on"],
        "error_percent": result["test_error_percent"],
        "train_error_percent": result["train_error_percent"],
        "train_loss": [round(loss, 5) for loss in result["train_loss"]],
        "loss": [round(loss, 5) for loss in result["test_loss"]],
        "seconds": [round(seconds, 2) for seconds in result["seconds"]],
    }


def main(plan_file: Path, folder: Path) -> None:
    """Collect every run of a plan; the study must be finished."""
    plan, ledger = plans.read(plan_file), Ledger(folder)
    rows, environment = [], {}
    for unit in units(plan, registry.get(registry.AUTO).name):
        result = ledger.result(unit)
        if result is None:
            sys.exit(f"{plan.name}: {', '.join(unit.label)} seed {unit.seed} is not done yet")
        rows.append(row(unit.label, unit.recipe.digest, result))
        environment = {key: result["environment"].get(key) for key in ENVIRONMENT}
    KEPT.mkdir(exist_ok=True)
    target = KEPT / f"{plan.name}.json"
    target.write_text(json.dumps({"plan": plan.name, "environment": environment, "rows": rows}, indent=1) + "\n")
    print(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
