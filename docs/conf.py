"""Sphinx configuration of the handbook."""

import re
import sys
from pathlib import Path

from lenet5.distribution import VERSION

sys.path.insert(0, str(Path(__file__).parent))

import formulas  # neighbours, not packages
import reference

project = "lenet5"
author = "The lenet5 authors"
copyright = "2026, the lenet5 authors"
version = release = VERSION

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
nb_execution_mode = "off"  # the outputs are stored; a test executes them
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "lenet5"
html_math_renderer = "mathml"
html_static_path: list[str] = []
autodoc_typehints = "none"  # the docstrings give shapes, which say more
autodoc_member_order = "bysource"

# Our docstrings list arguments as aligned columns, "name  what it is"; reStructuredText would run the lines together.
ENTRY = re.compile(r"^(\S.*?)\s{2,}(\S.*)$")


def lay_out_columns(_app, _what, _name, _object, _options, lines: list[str]) -> None:
    """Turn each aligned entry, with the indented lines that go on with it, into lines of a line block."""
    laid_out, inside = [], False
    for line in lines:
        entry = ENTRY.match(line)
        if entry:
            laid_out += [] if inside or not laid_out or not laid_out[-1] else [""]
            laid_out.append(f"| ``{entry[1]}``  {entry[2]}")
        elif inside and line.startswith(" "):
            laid_out[-1] += f" {line.strip()}"
        else:
            laid_out += ["", line] if inside and line else [line]
        inside = bool(entry) or (inside and line.startswith(" "))
    lines[:] = laid_out


def setup(app) -> None:
    """Write the reference, render formulas, and hook into autodoc."""
    app.add_html_math_renderer("mathml", (formulas.inline, None), (formulas.block, None))
    app.connect("builder-inited", lambda _app: reference.write())
    app.connect("autodoc-process-docstring", lay_out_columns)
