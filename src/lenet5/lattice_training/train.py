"""Training of a network through the lattices of numbers, by the training steps that every engine has.

The gradient of cross-entropy by the scores is softmax - target. So a target of softmax - g makes an engine apply any
gradient g that was computed outside, here by `gradient.py`. Batches of numbers alternate with batches of single images,
for a network that sees nothing else unlearns what stands in no number: letters, textures, blanks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lenet5 import metrics
from lenet5.data.batches import Examples, batches, examples_for_epoch
from lenet5.data.datasets import Images
from lenet5.engines.contract import Engine, Network, Weights
from lenet5.engines.scoring import score_all
from lenet5.errors import EngineError
from lenet5.lattice_training.examples import Example
from lenet5.lattice_training.gradient import NOTHING, loss_and_gradient
from lenet5.models.model import Model
from lenet5.reading.recognition.by_lattice import digit_columns
from lenet5.seeds import stream
from lenet5.spec.distortion import Distortion
from lenet5.spec.objective import Objective
from lenet5.spec.optimizer import Sgd

HOPELESS = 15.0  # -log(posterior): the ink is segmented wrongly or lost, and the number teaches nothing good
ENGINES = ("native", "numpy")  # torch scales the softmax by the sum of the targets, which is not 1 here


@dataclass(frozen=True)
class Schedule:
    """Length and speed of the training. Every pass shows each number once.

    numbers        in a batch
    singles        images in a batch of single images, of which one follows each batch of numbers; 0 for none
    learning_rate  at the start; it falls to 0 along half a cosine
    """

    passes: int = 4
    numbers: int = 16
    singles: int = 128
    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 1e-4
    seed: int = 1


@dataclass(frozen=True)
class Pass:
    """One pass: its number, counted from 1, and the mean loss of its numbers, each counted up to `HOPELESS`."""

    number: int
    loss: float


def check_engine(engine: Engine) -> None:
    """Raise EngineError for an engine that scales the gradient it is given."""
    if engine.name not in ENGINES:
        raise EngineError(f"{engine.name}: cannot be trained through lattices; take --engine {' or '.join(ENGINES)}.")


def trained(
    model: Model, numbers: Sequence[Example], singles: Images, engine: Engine, schedule: Schedule,
    distortion: Distortion | None, report: Callable[[Pass], None] = lambda _: None,
) -> Weights:  # fmt: skip
    """Return a model's weights after training on numbers and single images.

    engine      one of `ENGINES`, see `check_engine`
    distortion  of the single images, anew in every pass
    """
    optimizer = Sgd(
        learning_rate=schedule.learning_rate, momentum=schedule.momentum, weight_decay=schedule.weight_decay
    )
    network = engine.build(model.architecture, model.weights, Objective(), optimizer)
    steps_a_pass = -(-len(numbers) // schedule.numbers)
    for done in range(schedule.passes):
        single = _of_pass(singles, steps_a_pass * schedule.singles, model, schedule.seed, done + 1, distortion)
        order, losses = stream(schedule.seed, "numbers", done + 1).permutation(len(numbers)), []
        for step, batch in enumerate(batches(order, schedule.numbers)):
            at = (done * steps_a_pass + step + 0.5) / (schedule.passes * steps_a_pass)
            rate = schedule.learning_rate * (1 + np.cos(np.pi * at)) / 2
            losses += _step(network, [numbers[place] for place in batch], model, rate)
            if schedule.singles:
                network.hold(single)
                network.train([np.arange(step * schedule.singles, (step + 1) * schedule.singles)], rate)
        report(Pass(done + 1, float(np.mean(losses))))
    return network.weights()


def _of_pass(
    singles: Images, count: int, model: Model, seed: int, number: int, distortion: Distortion | None
) -> Examples:
    """Return the single images of a pass."""
    chosen = stream(seed, "single images", number).choice(len(singles.labels), count)
    own = Examples(singles.images[chosen], singles.labels[chosen], model.preparation)
    return examples_for_epoch(own, seed, number, distortion=distortion)


def _step(network: Network, numbers: list[Example], model: Model, rate: float) -> list[float]:
    """Take one step on numbers; return their losses."""
    images = np.concatenate([number.images for number in numbers])
    examples = Examples(images, np.zeros(len(images), np.int64), model.preparation)
    scores = score_all(network, examples)
    columns = digit_columns(model.card.class_names)
    gradient, losses, start, marks = np.zeros(scores.shape), [], 0, 0
    for number in numbers:
        arcs = slice(start, start + len(number.images))
        start = arcs.stop
        loss, slope = loss_and_gradient(number.lattice, scores[arcs], number.label, columns)
        losses.append(min(loss, HOPELESS))
        if loss < HOPELESS or number.label == NOTHING:  # whatever a word is cut into is no digit
            gradient[arcs] = slope
            marks += number.marks
    # The engine divides by the number of images; the loss is a mean over the digits and letters.
    gradient *= len(images) / max(marks, 1)
    targets = metrics.softmax(scores.astype(np.float64)) - gradient
    network.hold(replace(examples, targets=targets.astype(np.float32)))
    network.train([np.arange(len(images))], rate)
    return losses
