"""Import of a model from weights saved by another program."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lenet5 import files
from lenet5.data.datasets import load
from lenet5.distribution import VERSION
from lenet5.engines import registry
from lenet5.engines.checks import check_weights
from lenet5.errors import ModelError
from lenet5.exchange import read_weights
from lenet5.exchange.match_shapes import FRAMES, FUNCTIONS, POOLINGS, Choices, Fit, fit
from lenet5.exchange.read_weights import Foreign
from lenet5.exchange.select_by_accuracy import Standing, race
from lenet5.inference.evaluation import evaluate
from lenet5.inference.predictor import Predictor
from lenet5.models import file as model_file
from lenet5.models.model import Card, Model
from lenet5.models.range import check_range

LEAST_PERCENT = 50.0  # accuracy below which no candidate counts as a correct interpretation
SHOWN = 6


@dataclass(frozen=True)
class Imported:
    """A model built from foreign weights, and the facts found in the process, as sentences."""

    model: Model
    facts: tuple[str, ...]


def import_file(
    path: Path,
    *,
    data: str = "mnist",
    said: Choices | None = None,
    network: str | None = None,
    measure: bool = False,
    engine: str = registry.AUTO,
    device: str = registry.AUTO,
    data_folder: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Imported:
    """Return the model built from foreign weights.

    path      a file of PyTorch, Lightning, safetensors, NumPy (.npz), ONNX or Keras
    data      the data set with the model's classes
    said      choices given by the user that the weights do not reveal
    network   the location in the file of the weights to read, if it holds several networks
    measure   determine the remaining choices by the accuracy on training images of `data`
    progress  called with a message before a slow step

    The accuracy on the card is measured once, on the test images of `data`, after all choices are made. Raises
    ModelError when the file is unreadable, hostile or not a LeNet-5, when choices are missing, and when measuring does
    not decide them.
    """
    found = read_weights.read(path)
    if {"architecture", "preparation", "card"} <= found.metadata.keys():
        return Imported(_our_own(path, found), ("exported by lenet5: the metadata describe the network completely",))
    where, placed = _placed(path, found, network)
    training = load(data, "train", data_folder)
    facts = [", ".join(f"{name} is {here}" for here, name in placed.names.items())]
    if where:
        facts.insert(0, f"the weights are in {where}")
    card = _card(path, data, training.class_names, training.fingerprint)
    candidates = placed.candidates(_with_known(said or Choices(), found.known, placed))
    if measure:
        progress(f"trying {len(candidates)} candidates on training images of {data}")
        ahead, behind = race(placed, candidates, training, card, engine=engine, device=device)
        choice = _decided(path, ahead)
        facts += _told(ahead[0], behind)
    else:
        choice = _only(path, candidates, placed)
    model = _scored(placed, choice, card, engine, device, data_folder)
    facts.append(f"taken as {choice.words()}")
    return Imported(model, tuple(facts))


def _placed(path: Path, found: Foreign, network: str | None) -> tuple[str, Fit]:
    """Return the location of a LeNet-5's weights in the file, and how they fit.

    network  the location to read; None is the only one

    Raises ModelError when there are none, with the fault of the largest candidate, or several different ones.
    """
    fits: dict[str, Fit] = {}
    faults: list[tuple[int, ModelError]] = []
    for where, arrays in found.candidates.items():
        if any(where.startswith(f"{outer}." if outer else "") for outer in fits):
            continue  # contained in a larger candidate that fits
        try:
            fits[where] = fit(arrays)
        except ModelError as error:
            faults.append((sum(array.ndim > 1 for array in arrays.values()), error))
    if not fits:
        raise ModelError(f"{path}: {max(faults, key=lambda fault: fault[0])[1]}")
    if network is not None:
        if network not in fits:
            raise ModelError(f'{path}: holds no network "{network}"; there is {", ".join(map(repr, fits))}.')
        return network, fits[network]
    first, *others = fits
    if any(not _same(fits[first], fits[other]) for other in others):
        raise ModelError(
            f"{path}: holds several networks, in {', '.join(fits)}; choose one with --network, as in --network {first}."
        )
    return first, fits[first]


def _same(one: Fit, other: Fit) -> bool:
    """Whether two fits hold the same numbers."""
    return one.weights.keys() == other.weights.keys() and all(
        np.array_equal(array, other.weights[name]) for name, array in one.weights.items()
    )


def _with_known(said: Choices, known: dict[str, Any], placed: Fit) -> Choices:
    """Return the user's choices, completed by those that the file records and that apply to this network."""
    applies = {
        "frame": placed.on_32,
        "pooling": not placed.trained_pools,
        "normalized": bool(placed.norms),
        "flattened": placed.weights["C5.weight"].ndim == 2,
    }
    told = {name: value for name, value in known.items() if applies.get(name, True) and getattr(said, name) is None}
    return replace(said, **told)


def _only(path: Path, candidates: list[Choices], placed: Fit) -> Choices:
    """Return the only candidate. Raises ModelError, naming the missing options, when there are several."""
    usual = {"squash_pools": placed.trained_pools, "normalized": "before", "flattened": "places"}
    for name, value in usual.items():  # assume the usual choices if no other is given
        if len({getattr(one, name) for one in candidates}) > 1:
            candidates = [one for one in candidates if getattr(one, name) == value]
    if len(candidates) == 1:
        return candidates[0]
    options = {
        "function": f"--function {'|'.join(FUNCTIONS)}",
        "pooling": f"--pooling {'|'.join(POOLINGS)}",
        "frame": f"--frame {'|'.join(FRAMES)} (C1 pads, the image is padded, the image is resized)",
        "scale": "--background B --ink I (the inputs for pixels 0 and 255: 0 and 1 for ToTensor(); -0.42421 and 2.8215 "
        "after Normalize(0.1307, 0.3081))",
        "squash_pools": "--squash-pools or --no-squash-pools",
    }
    still = [words for name, words in options.items() if len({getattr(one, name) for one in candidates}) > 1]
    raise ModelError(
        f"{path}: a LeNet-5, but its weights leave some choices open. Give {'; '.join(still)}. Or add --measure, "
        f"which tries all {len(candidates)} candidates on training images."
    )


def _decided(path: Path, ahead: list[Standing]) -> Choices:
    """Return the winner's choices. Raises ModelError when there is no winner, or more than one."""
    best = ahead[0]
    if best.percent < LEAST_PERCENT:
        raise ModelError(
            f"{path}: none of the candidates classifies the images; the best, {best.choices.words()}, classifies "
            f"{best.percent:.1f} % of {len(best.right):,} correctly. Check the data set; if the scaling is unusual, "
            "give it with --background and --ink."
        )
    if len(ahead) > 1:
        rows = "".join(f"\n  {one.percent:.2f} %, loss {one.loss:.4f}  {one.choices.words()}" for one in ahead[:SHOWN])
        more = f"\n  and {len(ahead) - SHOWN} more" if len(ahead) > SHOWN else ""
        raise ModelError(
            f"{path}: {len(ahead)} candidates do not differ significantly on {len(best.right):,} training images; "
            f"select one of them by its options:{rows}{more}"
        )
    return best.choices


def _told(best: Standing, behind: list[Standing]) -> list[str]:
    """Describe the results of the winner and the runner-up."""
    said = f"{best.percent:.2f} % correct on {len(best.right):,} training images (loss {best.loss:.4f})"
    if behind:
        next_best = behind[0]
        said += f"; the next, {next_best.choices.words()}, {next_best.percent:.2f} % (loss {next_best.loss:.4f})"
        said += f" of {len(next_best.right):,}" if len(next_best.right) != len(best.right) else ""
    return [said]


def _scored(placed: Fit, choice: Choices, card: Card, engine: str, device: str, data_folder: Path | None) -> Model:
    """Return the model with its accuracy on the test set in its card."""
    architecture, preparation = placed.build(choice)
    weights = placed.weights_of(choice)
    model = Model(architecture, preparation, weights, card)
    check_weights(architecture, weights)
    check_range(architecture, weights, preparation)
    outcome = evaluate(Predictor(model, engine=engine, device=device), load(card.data, "test", data_folder))
    return replace(
        model,
        card=card.model_copy(
            update={"test_images": len(outcome.answers), "test_accuracy_percent": outcome.accuracy_percent}
        ),
    )


def _card(path: Path, data: str, class_names: tuple[str, ...], fingerprint: str) -> Card:
    """Return a card that names the file; its training is unknown."""
    return Card(
        recipe=f"imported from {path.name}",
        recipe_digest=files.file_sha256(path)[:16],
        data=data,
        data_fingerprint=fingerprint,
        class_names=class_names,
        seed=0,
        engine="unknown",
        epochs=0,
        steps=0,
        test_images=0,
        test_accuracy_percent=0.0,
        lenet5_version=VERSION,
    )


def _our_own(path: Path, found: Foreign) -> Model:
    """Return the model of a file from `lenet5 export --to safetensors`, or of a model file."""
    if found.metadata.get("format") == model_file.FORMAT:
        return model_file.read(path)
    weights = {name: array for name, array in found.arrays.items() if not name.endswith(".codes")}
    return model_file.model_of(found.metadata, weights, str(path))
