"""Keep the verdicts of `lenet5 reproduce`, and fill them into the handbook.

lenet5 reproduce all --status --folder FOLDER
python results/verdicts.py FOLDER        # its recipes replace theirs on record
python results/verdicts.py               # the handbook again from what is kept
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

KEPT = Path(__file__).parents[1] / "src" / "lenet5" / "reports" / "record.json"
PAGE = Path(__file__).parents[1] / "docs" / "reproduce.md"
STRUCTURE = ("parameters", "connections", "output_shape", "batches")
Row = dict[str, Any]


def kept_row(verdict: Row) -> Row:
    """Return what is kept of a verdict: numbers to four digits, of a curve every point."""
    return {
        "claim": verdict["claim"],
        "verdict": verdict["word"],
        "why": verdict["why"],
        "computed": verdict["ours"],
        "runs": [[float(f"{value:.6g}") for value in run] for run in verdict["runs"]],
        "interval": [[float(f"{end:.6g}") for end in ends] for ends in verdict["interval"]],
    }


def tables(kept: dict[str, list[Row]]) -> str:
    """Return the verdicts as Markdown: a table for each recipe; what is computed is only counted."""
    parts = []
    for name, rows in kept.items():
        computed = [
            row for row in rows if row["claim"]["quantity"].endswith(STRUCTURE) and row["verdict"] != "contradicted"
        ]
        right = sum(row["verdict"] == "reproduced" for row in computed)
        parts.append(f"### {name}\n\nStructure: {right} of {len(computed)} numbers reproduced.")
        others = [row for row in rows if row not in computed]
        if others:
            lines = ["| published | | here: mean | one more run | runs | verdict |", "|---|---|---|---|---|---|"]
            parts.append("\n".join([*lines, *map(_line, others)]))
    return "\n\n".join(parts)


def _line(row: Row) -> str:
    claim, runs = row["claim"], row["runs"]
    last = claim["values"][-1] if claim.get("values") else claim["value"]
    ours = f"{sum(run[-1] for run in runs) / len(runs):.4g}" if runs else _computed(row)
    interval = "{:.4g} to {:.4g}".format(*row["interval"][-1]) if row["interval"] else ""
    about = [claim["quantity"].replace("_", " ")]
    about += [f"epoch {claim['epoch']}"] if claim.get("epoch") else []
    about += [f"step {claim['step']:,}"] if claim.get("step") else []
    about += [f"{key} {value}" for key, value in claim.get("overrides", {}).items()]
    about += [f"(a curve of {len(claim['values'])}; its last)"] if claim.get("values") else []
    why = f": {row['why']}" if row["verdict"] in ("contradicted", "not reproduced", "exceeded") else ""
    cells = [f"{last:.6g}", ", ".join(about), ours, interval, str(len(runs) or ""), f"**{row['verdict']}**{why}"]
    return "| " + " | ".join(" ".join(cell.split()) for cell in cells) + " |"


def _computed(row: Row) -> str:
    return "" if row["computed"] is None else f"{row['computed']:,}"


def fill(page: str, kept: dict[str, list[Row]]) -> str:
    """Return the page with the tables between its marks."""
    begin, end = "<!-- verdicts -->", "<!-- end of verdicts -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n\n{tables(kept)}\n\n{end}", page, flags=re.DOTALL)


def main() -> None:
    """Keep, and fill in."""
    if len(sys.argv) > 1:
        found = json.loads((Path(sys.argv[1]) / "verdicts.json").read_text(encoding="utf-8"))
        kept = json.loads(KEPT.read_text(encoding="utf-8"))
        kept |= {name: [kept_row(verdict) for verdict in verdicts] for name, verdicts in found.items()}
        KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), kept), encoding="utf-8")


if __name__ == "__main__":
    main()
