"""Preparation of images: the map from pixels to network inputs.

Every model file contains its preparation, so that inference cannot prepare images differently from training. The
arithmetic is in `data/prepare.py`.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lenet5.spec.layers import Side
from lenet5.spec.specification import Specification

Input = Annotated[float, Field(ge=-1e6, le=1e6)]  # raw pixels go to 255; beyond a million float32 loses precision


class Preparation(Specification):
    """A linear scale for the pixels, then a size.

    background     the input for pixel 0
    ink            the input for pixel 255
    subtract_mean  subtract the mean input of the training set (one number for all pixels);
                   `centred` turns this into a plain scale once the mean is known
    padding        pixels of background added on each of the four sides; a negative number crops
    resize         side length to which the image is scaled, by bilinear interpolation
    flip           images of each training batch that are mirrored, each with probability 1/2
    """

    background: Input = 0.0
    ink: Input = 1.0
    subtract_mean: bool = False
    padding: Annotated[int, Field(ge=-13, le=512)] = 0
    resize: Side | None = None
    flip: Literal["none", "horizontal", "vertical"] = "none"

    @model_validator(mode="after")
    def _one_way_to_a_size(self) -> Self:
        if self.padding and self.resize is not None:
            raise ValueError("padding and resize are mutually exclusive; keep one of them")
        return self

    def side(self, image_side: int = 28) -> int:
        """Height and width of the inputs made from images of `image_side` pixels."""
        return self.resize if self.resize is not None else image_side + 2 * self.padding

    def kept(self, image_side: int = 28) -> slice:
        """The lines of an image, and of its columns, that a negative padding leaves."""
        taken = max(0, -self.padding)
        return slice(taken, image_side - taken)

    def scale(self) -> list[float]:
        """Return the input for each of the 256 pixel values; both ends are exact."""
        return [self.background * (1 - pixel / 255) + self.ink * (pixel / 255) for pixel in range(256)]

    def centred(self, mean_pixel: float) -> "Preparation":
        """Return the same preparation with the mean of the training set folded into the scale.

        mean_pixel  mean of all pixels of the training set, 0..255
        """
        if not self.subtract_mean:
            return self
        mean = self.background + mean_pixel / 255 * (self.ink - self.background)
        return self.model_copy(
            update={"background": self.background - mean, "ink": self.ink - mean, "subtract_mean": False}
        )
