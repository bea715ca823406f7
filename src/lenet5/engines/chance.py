"""Which units a dropout layer leaves out: a function of the epoch's key, the image and the unit alone.

So neither the order of the batches nor the number of threads changes it, and every engine leaves out the same. The
mixing of bits is lowbias32 (Chris Wellons, "Prospecting for hash functions", 2018; public domain).
"""

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]
GOLDEN = np.uint32(0x9E3779B9)  # 2^32 / golden ratio: neighbours come far apart


def mixed(words: Words) -> Words:
    """Return other bits for each word, one to one, without a pattern."""
    words = (words ^ (words >> np.uint32(16))) * np.uint32(0x7FEB352D)
    words = (words ^ (words >> np.uint32(15))) * np.uint32(0x846CA68B)
    return words ^ (words >> np.uint32(16))


def kept(key: int, layer: int, images: NDArray[np.int64], units: int, share: float) -> NDArray[np.bool_]:
    """Return which units stay: (n, units), each with probability 1 - share.

    key     32 bits that are drawn for each epoch
    layer   the number of the dropout layer in the architecture
    images  (n,) each image's number in the epoch
    """
    of_layer = mixed(np.array([key], np.uint32) + np.array([layer], np.uint32) * GOLDEN)
    of_image = mixed(images.astype(np.uint32) ^ of_layer)
    of_unit = mixed(of_image[:, None] + np.arange(units, dtype=np.uint32) * GOLDEN)
    return (of_unit >> np.uint32(8)) >= np.uint32(threshold(share))


def threshold(share: float) -> int:
    """Return below which number of 24 bits a unit is left out."""
    return round(share * 2**24)
