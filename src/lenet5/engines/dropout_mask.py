"""Dropout masks: a pure function of the epoch's key, the image and the unit.

The mask therefore depends neither on the order of the batches nor on the number of threads, and is the same for every
engine. The bit mixer is lowbias32 (Chris Wellons, "Prospecting for hash functions", 2018; public domain).
"""

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]
GOLDEN = np.uint32(0x9E3779B9)  # 2^32 / golden ratio: spreads consecutive numbers far apart


def mixed(words: Words) -> Words:
    """Hash each 32-bit word with lowbias32, a bijection."""
    words = (words ^ (words >> np.uint32(16))) * np.uint32(0x7FEB352D)
    words = (words ^ (words >> np.uint32(15))) * np.uint32(0x846CA68B)
    return words ^ (words >> np.uint32(16))


def kept(key: int, layer: int, images: NDArray[np.int64], units: int, share: float) -> NDArray[np.bool_]:
    """Return the dropout mask (n, units): True for units that are kept, each with probability 1 - share.

    key     32 bits, drawn once for each epoch
    layer   index of the dropout layer in the architecture
    images  (n,) index of each image in the epoch
    """
    of_layer = mixed(np.array([key], np.uint32) + np.array([layer], np.uint32) * GOLDEN)
    of_image = mixed(images.astype(np.uint32) ^ of_layer)
    of_unit = mixed(of_image[:, None] + np.arange(units, dtype=np.uint32) * GOLDEN)
    return (of_unit >> np.uint32(8)) >= np.uint32(threshold(share))


def threshold(share: float) -> int:
    """Return the 24-bit threshold: a unit is dropped when its random 24 bits are below it."""
    return round(share * 2**24)
