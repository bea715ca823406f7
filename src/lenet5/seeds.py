"""One seed becomes independent random streams, each named by its purpose.

The generator is counter-based (Philox): its key is computed from the seed, the purpose and the epoch.
So the order of epoch 17 needs no stored state; a resumed run computes it again, and every engine,
process and machine gets the same numbers.
"""

import hashlib

import numpy as np

FIRST_RESTART = 2**32  # larger than any seed a user is likely to type


def stream(seed: int, purpose: str, epoch: int = 0) -> np.random.Generator:
    """Return the random generator of one purpose in one epoch.

    seed     any integer >= 0; the one that the user gives
    purpose  a name such as "weights", "order" or "flips"
    epoch    counted from 1; 0 for what happens once per run
    """
    name = f"{seed}/{purpose}/{epoch}".encode()
    key = int.from_bytes(hashlib.sha256(name).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=key))


def restarted(seed: int, attempt: int) -> int:
    """Return the seed of a run's restart, distinct from all others, so that no restart repeats another seed's run."""
    return seed + attempt * FIRST_RESTART


def restarts_so_far(seed: int, current: int) -> int:
    """Return the number of restarts that lead from a recipe's seed to the seed in use."""
    return (current - seed) // FIRST_RESTART
