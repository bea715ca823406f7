"""Export of a network in integers as C99, for microcontrollers: no floats, nothing allocated, weights in flash memory.

The caller provides the image, the scores and the working memory; the program needs no library function.
"""

from lenet5.exchange import c_integers
from lenet5.exchange.c_program import Interface, Program, checked_prefix, header, names, predict
from lenet5.exchange.integers import IntegerNetwork
from lenet5.models.model import Model


def build(model: Model, network: IntegerNetwork, *, prefix: str = "lenet5") -> Program:
    """Return a program that computes a network in integers, which was made of a model.

    prefix  prefix of the file names and of all exported identifiers

    Raises ModelError for a prefix that cannot begin a name in C.
    """
    checked_prefix(prefix)
    layers = c_integers.texts(network)
    placement = c_integers.placement(network.layers)
    calls, place = "" if placement.outputs else "(void)memory;\n", "image"
    for layer, start in zip(network.layers, [*placement.outputs, None], strict=True):
        to = "scores" if start is None else f"memory + {start}" if start else "memory"
        calls += f"run_{layer.name}({place}, {to});\n"
        place = to
    interface = Interface("int32_t", "unsigned char", "BYTES", placement.size, 1)
    constants_bytes = sum(array.nbytes for layer in layers for array in layer.constants.values())
    source = "\n".join(
        [
            f'#include "{prefix}.h"\n',
            c_integers.FLASH,
            c_integers.SEPARATE,
            c_integers.dot(network),
            *([c_integers.ACTIVATION] if len(layers) > 1 else []),
            *map(str, layers),
            predict(prefix, calls, model.architecture.classes, interface),
            names(prefix, model),
        ]
    )
    head = header(
        prefix,
        model,
        interface,
        weights=f"{network.weights}, sums int32",
        scores=f"large is good, in steps of {network.step:.4g}",
        constants_bytes=constants_bytes,
    )
    return Program(prefix, head, source, constants_bytes, placement.size)
