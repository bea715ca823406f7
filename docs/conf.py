"""How Sphinx builds the handbook."""

from importlib.metadata import version as version_of

project = "lenet5"
author = "The lenet5 authors"
copyright = "2026, the lenet5 authors"
version = release = version_of("lenet5")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "lenet5"
html_static_path: list[str] = []
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
