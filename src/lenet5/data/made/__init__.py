"""Made data: images composed of MNIST's digits, pen strokes, templates and printed characters, degraded as in reality.

The sets are `rough_digits` (to read photographs), `line_windows` (for a network slid along lines) and `signs`, the
benchmark of numbers is `strings`; the others are what these are made of: `degrade`, `not_digits`, `printed_characters`,
`pens` with `stroke_templates` and `writers`. All is drawn from seeds and computed in memory; nothing is downloaded,
and no network is asked. Read first: `rough_digits.py`, then `degrade.py`.
"""
