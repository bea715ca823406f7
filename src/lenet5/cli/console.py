"""How the commands speak: results to standard output, what goes wrong to standard error."""

from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def megabytes(count: int) -> str:
    """Write bytes as megabytes (10^6)."""
    return f"{count / 1e6:,.0f} MB"


def percent(value: float) -> str:
    """Write a percentage to the image in ten thousand."""
    return f"{value:.2f} %"
