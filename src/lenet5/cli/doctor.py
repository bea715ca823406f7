"""`lenet5 doctor`: what a bug report should say of this installation."""

from typing import Any

from lenet5.cli.console import out, print_json
from lenet5.cli.options import AsJson, DataFolder

EXAMPLES = ("lenet5 doctor", "lenet5 doctor --json > report.json")


def doctor(
    as_json: AsJson = False,
    data_dir: DataFolder = None,
) -> None:
    """Examine this installation and machine, for a bug report; no user name, home folder or host name is printed."""
    from lenet5.doctor import examine

    found = examine(data_dir)
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if isinstance(value, dict):
            out.print(f"{name}:")
            for key, item in value.items():
                out.print(f"  {key}: {_text(item)}", markup=False)
        else:
            out.print(f"{name}: {_text(value)}", markup=False)


def _text(value: Any) -> str:
    """Write a value of JSON in one line."""
    if isinstance(value, dict):
        words = [
            (key if item else f"not {key}") if isinstance(item, bool) else f"{key} {_text(item)}"
            for key, item in value.items()
        ]
        return ", ".join(words)
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "not installed" if value is None else str(value)
