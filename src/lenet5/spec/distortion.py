"""Distorted copies of the training images: planar affine transformations (1998 paper, section III-A, p. 11).

The pictures are made in `data/distort.py`.
"""

from typing import Annotated

from pydantic import Field, PositiveInt

from lenet5.spec.plan import Plan

Amplitude = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Distortion(Plan):
    """How many distorted copies of each image there are, and how far they are distorted, at most.

    Each is drawn evenly between minus and plus its amplitude. The paper names the kinds, and not the amplitudes.

    copies       of each image, beside the image itself: the paper has 540,000 beside 60,000
    translation  to the right and down, in pixels
    scaling      0.1 makes an image up to 10 % larger, or smaller
    squeezing    0.1 makes it up to 10 % wider and lower, or narrower and higher
    shearing     horizontal: 0.1 moves a line by up to a tenth of its distance from the middle
    """

    copies: PositiveInt = 9
    translation: Amplitude = 0.0
    scaling: Share = 0.0
    squeezing: Share = 0.0
    shearing: Amplitude = 0.0
