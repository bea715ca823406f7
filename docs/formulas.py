"""Formulas as MathML, which browsers draw themselves: the handbook needs no script and no font of another host."""

from docutils import nodes
from latex2mathml.converter import convert


def inline(writer, node: nodes.math) -> None:
    """Write a formula in a line."""
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def block(writer, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    writer.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>\n')
    raise nodes.SkipNode
