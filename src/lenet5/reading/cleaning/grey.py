"""Pixels -> grey in linear light, of a size that can be worked on.

Pixel values follow the eye (sRGB, IEC 61966-2-1). Light adds up, and a shadow is a factor, only in linear values.
"""

import numpy as np
from numpy.typing import NDArray

from lenet5.data.pixels import blocks
from lenet5.reading.opening.arrays import Pixels

Float = NDArray[np.float32]
WORKING_PIXELS = 4_000_000  # an A4 page at 170 dots per inch: a digit 4 mm high keeps 27 pixels
LUMINANCE = (0.2126, 0.7152, 0.0722)  # of red, green, blue, in linear light
STRIP = 256
STEPS = 16_384


def linear(values: Float) -> Float:
    """Return the light of sRGB values 0..1."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def encoded(light: Float) -> Float:
    """Return the sRGB values of light 0..1, by a table of 16,384 steps; they differ by 1/20,000 at most."""
    return _ENCODED[np.rint(np.sqrt(light) * np.float32(STEPS)).astype(np.int32)]


def reduction(height: int, width: int) -> int:
    """Return by which whole number a picture's sides are divided to be worked on."""
    return int(np.ceil(np.sqrt(max(1.0, height * width / WORKING_PIXELS))))


def grey(pixels: Pixels) -> Float:
    """Return the light of a picture, (H // f, W // f) 0..1, with f = `reduction`: each pixel the mean of f x f.

    Worked on in strips, so that a large picture takes little memory beside itself.
    """
    height, width = pixels.shape[:2]
    factor = reduction(height, width)
    rows, columns = height // factor, width // factor
    result = np.empty((rows, columns), np.float32)
    for top in range(0, rows, STRIP):
        strip = pixels[top * factor : min(rows, top + STRIP) * factor, : columns * factor]
        light = _light(strip)
        result[top : top + STRIP] = blocks(light, factor).mean(axis=(1, 3))
    return result


def _light(strip: Pixels) -> Float:
    if strip.dtype != np.uint8:
        return linear(strip.astype(np.float32))
    levels: NDArray[np.uint8] = np.asarray(strip, np.uint8)
    if levels.ndim == 2:
        return _BYTES[levels]
    light: Float = _RED[levels[..., 0]] + _GREEN[levels[..., 1]] + _BLUE[levels[..., 2]]
    return light


_BYTES = linear(np.arange(256).astype(np.float32) / np.float32(255))
_RED, _GREEN, _BLUE = (_BYTES * np.float32(share) for share in LUMINANCE)
_STEPS = np.linspace(0, 1, STEPS + 1) ** 2  # denser in the dark, where the curve is steep
_ENCODED = np.where(_STEPS <= 0.0031308, 12.92 * _STEPS, 1.055 * _STEPS ** (1 / 2.4) - 0.055).astype(np.float32)
