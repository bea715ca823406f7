"""The printed table of a network."""

import pytest
from rich.console import Console

from lenet5.recipes import catalogue
from lenet5.reports.summary import summary_table


def printed(name: str, width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(summary_table(catalogue.load(name).architecture))
    return capture.get()


def test_archaeology_prints_the_published_table() -> None:
    lines = [line.split() for line in printed("archaeology").splitlines()]
    parameters = [line[-3] for line in lines[2:]]
    published = ["156", "0", "0", "2,416", "0", "0", "0", "30,840", "0", "10,164", "0", "850", "44,426"]
    assert parameters == published


@pytest.mark.parametrize("name", catalogue.names())
def test_every_network_fits_into_80_columns(name: str) -> None:
    assert "…" not in printed(name)
