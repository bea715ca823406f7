"""A certificate of a reproduction: what was run, where, on which data, and what came out, for others to check."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lenet5.distribution import VERSION
from lenet5.reports.comparison import Compared
from lenet5.reports.reproduction import plain, plain_statement
from lenet5.reports.verdict import Verdict
from lenet5.studies.ledger import Ledger
from lenet5.studies.units import Unit

MACHINE = ("platform", "processor", "python", "numpy", "engine", "instructions", "threads")
FORMAT = "lenet5-certificate-1"


def certificate(
    verdicts: Mapping[str, Sequence[Verdict]],
    statements: Mapping[str, Sequence[Compared]],
    units: Iterable[Unit],
    ledger: Ledger,
    seeds: int | None,
) -> dict[str, Any]:
    """Return the certificate as plain values.

    Each run has its recipe's digest, its seed, the digests of its data, where it ran, and the SHA-256 of its model. The
    same version, engine, instruction set and seed give the same bytes, so one run repeated checks a line. `check` is
    the command that repeats all.
    """
    runs, machines = [], []
    for unit in units:
        result = ledger.result(unit)
        if result is None:
            continue
        environment = result["environment"]
        machine = {key: environment.get(key) for key in MACHINE} | {"lenet5": environment.get("lenet5")}
        if machine not in machines:
            machines.append(machine)
        runs.append(
            {
                "recipe": result["result"]["recipe"],
                "settings": list(unit.label[1:]),
                "seed": unit.seed,
                "recipe_digest": unit.recipe.digest,
                "data": environment.get("data"),
                "machine": machines.index(machine),
                "test_images_correct": result["result"]["test_images_correct"],
                "model_sha256": result["result"]["model_sha256"],
            }
        )
    names = " ".join(verdicts)
    return {
        "format": FORMAT,
        "lenet5": VERSION,
        "check": f"lenet5 reproduce {names}" + (f" --seeds {seeds}" if seeds else "") + " --certificate OTHER.json",
        "machines": machines,
        "runs": runs,
        "verdicts": {name: [plain(verdict) for verdict in of_recipe] for name, of_recipe in verdicts.items()},
        "statements": {name: [plain_statement(each) for each in of_recipe] for name, of_recipe in statements.items()},
    }
