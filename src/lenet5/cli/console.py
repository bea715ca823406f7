"""How the commands speak: results to standard output, what goes wrong to standard error."""

import shutil
import sys
from pathlib import Path

from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def program() -> str:
    """Return how a person calls lenet5 from here: by its name where that is found, else by its path."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{Path(sys.executable).name} -m lenet5"
    return "lenet5" if shutil.which("lenet5") else str(called)


def megabytes(count: int) -> str:
    """Write bytes as megabytes (10^6)."""
    return f"{count / 1e6:,.0f} MB"


def percent(value: float) -> str:
    """Write a percentage to the image in ten thousand."""
    return f"{value:.2f} %"
