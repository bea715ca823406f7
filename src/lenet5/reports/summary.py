"""A network as a table: a row a layer, as the publications print it, with the counts of the 1998 paper beside."""

from typing import Any

from rich.table import Table

from lenet5.spec.architecture import Architecture, PlacedLayer
from lenet5.spec.layers import (
    Activation,
    AveragePool,
    BatchNormalization,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    MaxPool,
    Rbf,
    Subsample,
)

FUNCTIONS = {"relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid", "scaled_tanh": "Scaled tanh"}


def kind_of(placed: PlacedLayer) -> str:
    """Name a layer's kind and sizes, such as "Conv 5x5 (1→6)"."""
    match placed.layer:
        case Convolution(maps=maps, kernel=kernel, padding=padding, table=table):
            edge = f"+{padding}" if padding else ""  # lines of zeros around each map
            word = "Conv" if table == "full" else "Partial"
            return f"{word} {kernel}x{kernel}{edge} ({placed.input_shape[0]}→{maps})"
        case Subsample(size=size):
            return f"Subsample {size}x{size}"
        case AveragePool(size=size):
            return f"Average pool {size}x{size}"
        case MaxPool(size=size):
            return f"Max pool {size}x{size}"
        case Dense(units=units):
            return f"Dense ({placed.input_shape[0]}→{units})"
        case Rbf():
            return f"RBF ({placed.connections:,} fixed)"
        case BatchNormalization():
            return "Batch norm"
        case Dropout(share=share):
            return f"Dropout {share:g}"
        case Activation(function=function):
            return FUNCTIONS[function]
        case Flatten():
            return "Flatten"


def summary_table(architecture: Architecture) -> Table:
    """Return the layers with output shapes, parameters, connections and MACs (multiply-accumulates), and the totals."""
    table = Table("", "layer", "output shape", "param #", "connections", "MACs", box=None, pad_edge=False)
    for index, column in enumerate(table.columns):
        column.no_wrap = True
        column.justify = "right" if index > 2 else "left"
    table.add_row("input", "", _shape(architecture.input), "", "", "")
    for placed in architecture.placed:
        name = "" if isinstance(placed.layer, Activation | Flatten) else placed.name
        counts = (placed.parameters, placed.connections, placed.multiply_adds)
        table.add_row(f"[bold]{name}[/]", kind_of(placed), _shape(placed.output_shape), *(f"{n:,}" for n in counts))
    totals = (architecture.parameters, architecture.connections, architecture.multiply_adds)
    table.add_row("[bold]total[/]", "", "", *(f"[bold]{n:,}[/]" for n in totals))
    return table


def summary_values(architecture: Architecture) -> dict[str, Any]:
    """Return the same as plain values, shapes without the batch."""
    return {
        "input": list(architecture.input),
        "layers": [
            {
                "name": placed.name,
                "kind": placed.layer.kind,
                "output_shape": list(placed.output_shape),
                "parameters": placed.parameters,
                "connections": placed.connections,
                "multiply_adds": placed.multiply_adds,
            }
            for placed in architecture.placed
        ],
        "parameters": architecture.parameters,
        "connections": architecture.connections,
        "multiply_adds": architecture.multiply_adds,
    }


def _shape(shape: tuple[int, ...]) -> str:
    return f"(batch, {', '.join(map(str, shape))})"
