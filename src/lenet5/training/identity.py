"""The identity of a computation: everything that decides its bytes. Written with every result, compared here alone.

lenet5, numpy, torch            versions; NumPy draws first weights and order, whatever the engine
engine, instructions, device, gpu    the means of computing
threads                         where the engine's bytes depend on their number
recipe                          the fields of the recipe that decide, without those at their defaults
data                            the fingerprint of each part
teachers                        the digest of each teacher's weights
start                           that of the weights that training starts from
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from lenet5.data.datasets import Images
from lenet5.distribution import VERSION
from lenet5.engines.contract import Engine, Weights
from lenet5.errors import Lenet5Error, RunError
from lenet5.models.model import Model
from lenet5.spec.recipe import Recipe

Identity = dict[str, Any]
KEYS = (
    "lenet5", "numpy", "torch", "engine", "instructions", "device", "gpu", "threads", "recipe", "data", "teachers",
    "start",
)  # fmt: skip
TITLES = {  # of keys, for people
    "lenet5": "version",
    "data": "data fingerprints",
    "teachers": "weights of teachers",
    "start": "weights to start from",
}
SHOWN = 60  # characters of a value


def of_engine(engine: Engine) -> Identity:
    """Return the part of an identity that an engine on this machine gives."""
    facts: Identity = {"lenet5": VERSION, "numpy": version("numpy")} | engine.describe()
    if not engine.threads_matter:
        del facts["threads"]
    return facts


def fingerprints(parts: Iterable[Images]) -> dict[str, str]:
    """Return the fingerprint of each part of a data set."""
    return {part.part: part.fingerprint for part in parts}


def of_run(
    recipe: Recipe,
    engine: Engine,
    data: Mapping[str, str],
    teachers: Sequence[Model] = (),
    start: Model | None = None,
) -> Identity:
    """Return the identity of training a recipe on data with some fingerprints, here and now."""
    identity = of_engine(engine) | {
        "recipe": json.loads(json.dumps(recipe.decides)),
        "data": dict(data),
    }
    if teachers:
        identity["teachers"] = [weights_digest(model.weights) for model in teachers]
    if start:
        identity["start"] = weights_digest(start.weights)
    return identity


def recorded(environment: Mapping[str, Any], now: Identity) -> Identity:
    """Return the identity in the record of an earlier run, to be compared with `now`: threads where they matter."""
    return {key: environment[key] for key in KEYS if key in environment and (key != "threads" or key in now)}


def differences(before: Any, now: Any, name: str = "") -> list[str]:
    """Return one phrase for each value that differs: its name, what it was, and what it is now."""
    if before == now:
        return []
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = [*before, *(key for key in now if key not in before)]
        return [
            phrase
            for key in keys
            for phrase in differences(before.get(key), now.get(key), f"{name}.{key}" if name else TITLES.get(key, key))
        ]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = enumerate(zip(before, now, strict=True))
        return [phrase for index, (old, new) in pairs for phrase in differences(old, new, f"{name}.{index}")]
    return [f"{name} was {_shown(before)}, now {_shown(now)}"]


def check(
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    *,
    where: str,
    accepted: bool,
    error: type[Lenet5Error] = RunError,
) -> list[str]:
    """Return what differs between two identities, to be put on record when it is accepted.

    where     the folder or file that the first identity was read from
    accepted  whether the user has accepted differences

    Raises `error`, naming each difference, when there is one and it is not accepted.
    """
    found = differences(before, now)
    if found and not accepted:
        raise error(
            f"{where}: was computed under other conditions: {'; '.join(found)}. Going on would not give the bytes of "
            "an unbroken run. Restore them, or give --accept-changes to go on all the same; the changes are recorded."
        )
    return found


def weights_digest(weights: Weights) -> str:
    """Return the SHA-256 of weights: names, shapes and bytes, without anything else in their file."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        array = np.ascontiguousarray(weights[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _shown(value: Any) -> str:
    if value is None:
        return "not given"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
