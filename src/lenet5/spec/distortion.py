"""Distorted copies of the training images: planar affine transformations (1998 paper, p. 11), and bending.

The pictures are made in `data/distort.py`.
"""

from typing import Annotated

from pydantic import Field

from lenet5.spec.plan import Plan

Amplitude = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Distortion(Plan):
    """How many distorted copies of each image there are, and how far they are distorted, at most.

    Each is drawn evenly between minus and plus its amplitude. The paper names the kinds, and not the amplitudes;
    rotation and bending are not of the paper.

    copies       of each image, beside the image itself: the paper has 540,000 beside 60,000. With 0 every epoch
                 distorts every image anew
    translation  to the right and down, in pixels
    scaling      0.1 makes an image up to 10 % larger, or smaller
    squeezing    0.1 makes it up to 10 % wider and lower, or narrower and higher
    shearing     horizontal: 0.1 moves a line by up to a tenth of its distance from the middle
    rotation     in degrees
    bending      of the paper's plane: how far, in pixels, the nodes of a grid seven pixels wide are moved; what lies
                 between follows smoothly (after the elastic distortions of Simard et al. 2003)
    untouched    with copies = 0: so large a share of an epoch's images stays as it is
    """

    copies: Annotated[int, Field(ge=0)] = 9
    translation: Amplitude = 0.0
    scaling: Share = 0.0
    squeezing: Share = 0.0
    shearing: Amplitude = 0.0
    rotation: Amplitude = 0.0
    bending: Amplitude = 0.0
    untouched: Share = 0.0
