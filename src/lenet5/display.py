"""Rich display in notebooks.

What is shown has a card in `reports/cards.py`, which stands on top of pictures; so it is looked up only when a notebook
asks for it, and no class depends on the pictures.
"""

from importlib import import_module


class Shown:
    """A value that a notebook shows as HTML: a card, a table, a curve or a picture."""

    def _repr_html_(self) -> str:
        html: str = import_module("lenet5.reports.cards").card(self)
        return html
