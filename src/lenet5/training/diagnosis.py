"""Failed starts: notice them, and say in words what is wrong.

A network that answers at the level of chance after an epoch has either not moved (too few steps, saturated
units, no gradient) or has been thrown off (pixels not scaled, learning rate too large, dead units).
Reproduction 002 met such runs and could only advise to start again.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lenet5.engines.contract import Float, Network
from lenet5.spec.architecture import Architecture
from lenet5.spec.layers import Activation

HEADWAY = (
    9  # a network counts as started once it has gone a ninth of the way from guessing to 100 %: 20 % of 10 classes
)
FEW_STEPS = 200
LARGE_INPUT = 10.0
MOST = 0.5  # of a layer's units


def failed_start(accuracy_percent: float, classes: int, majority_percent: float = 0.0) -> bool:
    """Say whether an accuracy is no better than guessing.

    majority_percent  the share of the most frequent class, which an answer that never changes reaches
    """
    guessing = 100 / classes
    return accuracy_percent < guessing + (100 - guessing) / HEADWAY or accuracy_percent <= majority_percent


def diagnose(
    network: Network,
    architecture: Architecture,
    inputs: Float,
    labels: NDArray[np.int64],
    *,
    steps: int,
    learning_rate: float,
) -> list[str]:
    """Return the likely reasons why a network has not learnt, each one sentence.

    inputs, labels  some hundred training images, prepared
    steps           training steps taken so far
    """
    outputs = network.activations(inputs)
    reasons: list[str] = []
    largest = float(np.abs(inputs).max())
    if largest > LARGE_INPUT:
        reasons.append(
            f"the pixels are not scaled: inputs reach {largest:.0f}, where first weights are made for about 1."
        )
    for placed in architecture.placed:
        if isinstance(placed.layer, Activation):
            reasons += _asleep(placed.name, placed.layer.function, outputs[placed.name])
    scores = outputs[architecture.placed[-1].name]
    spread = float(scores.std(axis=0).max())
    if spread < 1e-2 * (1 + float(np.abs(scores).mean())):
        reasons.append("the network gives nearly the same scores for every image.")
    if steps < FEW_STEPS:
        reasons.append(
            f"only {steps} step{'' if steps == 1 else 's'} so far: a learning rate of {learning_rate:g} is too small "
            "for so few; more epochs, a smaller batch or a larger learning rate will help."
        )
    _, gradients = network.gradients(inputs, labels)
    steepest = max((float(np.abs(gradient).max()) for gradient in gradients.values()), default=0.0)
    if steepest < 1e-6:
        reasons.append(f"the gradient has vanished: its largest component is {steepest:.1g}.")
    return reasons or ["no single cause stands out; another seed or a smaller learning rate may help."]


def _asleep(name: str, function: str, outputs: Float) -> list[str]:
    """Say which share of an activation's units has no slope left."""
    flat = outputs.reshape(len(outputs), -1)
    if function == "relu":
        share = float((flat <= 0).all(axis=0).mean())
        text = f"{share:.0%} of the units of {name} are dead: they answer 0 to every image."
    else:
        low = -1.0 if function == "tanh" else 0.0
        margin = 0.01 * (1.0 - low)
        share = float(((flat < low + margin) | (flat > 1 - margin)).mean())
        text = f"{share:.0%} of the outputs of {name} are saturated: within 1 % of their limits."
    return [text] if share > MOST else []


def overfitting_onset(train_losses: Sequence[float], test_losses: Sequence[float]) -> int:
    """Return the first epoch after which the train loss goes on falling and the test loss does not; 0 if there is none.

    The rule that reproduction 000 states. The epochs that it reports follow the two rules below: on its own curves this
    one gives epoch 4 twice, where it reports 6 and 5. One seed's test loss jumps about, so it often says too early.

    train_losses, test_losses  one for each epoch, from the first
    """
    for epoch in range(1, len(train_losses)):
        if train_losses[epoch] < train_losses[epoch - 1] and test_losses[epoch] >= test_losses[epoch - 1]:
            return epoch
    return 0


def lowest_test_loss(test_losses: Sequence[float]) -> int:
    """Return the epoch, from 1, with the lowest test loss; 0 where that is the last: it is still falling.

    Where reproduction 000 sees overfitting begin with batches of 32. One seed's test loss jumps about, so the epoch
    differs from seed to seed.
    """
    epoch = int(np.argmin(test_losses)) + 1
    return epoch if epoch < len(test_losses) else 0


def loss_crossing(train_losses: Sequence[float], test_losses: Sequence[float]) -> int:
    """Return the first epoch, from 1, whose train loss is below its test loss; 0 if there is none.

    Where reproduction 000 sees overfitting begin with batches of 64.
    """
    pairs = zip(train_losses, test_losses, strict=True)
    return next((epoch for epoch, (train, test) in enumerate(pairs, start=1) if train < test), 0)
