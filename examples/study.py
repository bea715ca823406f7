"""A study: does a larger batch cost accuracy? Two batch sizes, three seeds each.

    python examples/study.py
    python examples/study.py --images 2000

Writes the plan, runs it with `lenet5 study`, and prints the mean test error of each choice and the p of a paired t test
over the seeds. Stop it and start it again: runs that are finished are not run again.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import lenet5
from lenet5.studies.statistics import paired_p

PLAN = """
name = "batch-size-example"
recipe = "archaeology"
seeds = 3
set = ["epochs=2", "images={images}"]

[[vary]]
name = "batch"

[vary.options]              # label = overrides
"32" = []
"256" = ["batch_size=256"]
"""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=60_000)
    given = parser.parse_args()

    lenet5.data("mnist")  # fetched where it is missing
    plan = Path(f"batch-size-{given.images}.toml")
    plan.write_text(PLAN.format(images=given.images))
    folder = Path("studies") / plan.stem
    command = [sys.executable, "-m", "lenet5", "study", str(plan), "--folder", str(folder), "--again", "--json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)

    errors = []
    for choice in json.loads(done.stdout)["choices"]:
        print(f"batch {choice['choice']['batch']}: test error {choice['error_percent']:.2f} %")
        errors.append([run["result"]["test_error_percent"][-1] for run in choice["runs"]])
    print(f"p = {paired_p(*errors):.3f}")
