"""Properties of a network that the sequence of its layers determines, in the files that record one."""

from collections.abc import Sequence

from lenet5.errors import ModelError

WEIGHTS, NORMALIZATION = "weights", "normalization"
FUNCTIONS = ("relu", "tanh", "sigmoid")
POOLINGS = ("average", "max")
# A scale per unit of pixel below this limit is meant for pixels 0..255: 1/255 and 1/127.5 are common.
SCALE_OF_BYTES = 1 / 50


def known_of(steps: Sequence[str], where: str) -> dict[str, str]:
    """Return the fields of `match_shapes.Choices` that a sequence of steps determines: function, pooling, normalized.

    steps  WEIGHTS for a layer with weights, NORMALIZATION, a name in FUNCTIONS or POOLINGS, or another program's name
           of something else

    Steps after the last weights are ignored. Raises ModelError for steps that our networks do not have.
    """
    last = max((place for place, step in enumerate(steps) if step == WEIGHTS), default=0)
    inner = steps[:last]
    for step in inner:
        if step not in (WEIGHTS, NORMALIZATION, *FUNCTIONS, *POOLINGS):
            raise ModelError(
                f"{where}: applies {step} between its layers; a network can be imported with the functions "
                f"{', '.join(FUNCTIONS)} and with average or max pooling."
            )
    known: dict[str, str] = {}
    for name, words in (("function", FUNCTIONS), ("pooling", POOLINGS)):
        used = [word for word in words if word in inner]
        if len(used) > 1:
            raise ModelError(f"{where}: uses {' and '.join(used)}; only networks with one {name} can be imported.")
        if used:
            known[name] = used[0]
    places = {_place(steps[number + 1 :]) for number, step in enumerate(inner) if step == NORMALIZATION}
    if len(places) == 1:
        known["normalized"] = places.pop()
    return known


def _place(following: Sequence[str]) -> str:
    """Return whether batch normalisation precedes or follows the activation, given the steps after it."""
    is_first = next((step for step in following if step == WEIGHTS or step in FUNCTIONS), WEIGHTS) != WEIGHTS
    return "before" if is_first else "after"


def scale_of(factor: float, shift: float, *, of_bytes: bool) -> tuple[float, float] | None:
    """Return the inputs for background and ink of a network that computes factor x + shift first.

    of_bytes  whether x is certainly 0..255; otherwise the factor decides, and None means undecided
    """
    if not of_bytes and abs(factor) > SCALE_OF_BYTES:
        return None
    return shift, 255 * factor + shift
