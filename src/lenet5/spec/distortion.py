"""Distorted copies of the training images: planar affine transformations (1998 paper, p. 11), and bending.

The images are generated in `data/distort.py`.
"""

from typing import Annotated

from pydantic import Field

from lenet5.spec.specification import Specification

Amplitude = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Distortion(Specification):
    """Number of distorted copies of each image, and the maximum amplitude of each kind of distortion.

    Each distortion is drawn uniformly between minus and plus its amplitude. The paper names the kinds but not the
    amplitudes; rotation and bending are not in the paper.

    copies       distorted copies of each image in addition to the image itself; the paper has 540,000 for 60,000
                 images. 0: every epoch distorts every image anew
    translation  pixels, horizontally and vertically
    scaling      0.1 makes an image up to 10 % larger or smaller
    squeezing    0.1 makes it up to 10 % wider and shorter, or narrower and taller
    shearing     horizontal: 0.1 shifts a row by up to a tenth of its distance from the centre
    rotation     degrees
    bending      pixels: displacement of the nodes of a grid with a spacing of seven pixels, interpolated smoothly in
                 between (after the elastic distortions of Simard et al. 2003)
    untouched    with copies = 0: fraction of an epoch's images left undistorted
    """

    copies: Annotated[int, Field(ge=0)] = 9
    translation: Amplitude = 0.0
    scaling: Share = 0.0
    squeezing: Share = 0.0
    shearing: Amplitude = 0.0
    rotation: Amplitude = 0.0
    bending: Amplitude = 0.0
    untouched: Share = 0.0
