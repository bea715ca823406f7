"""The form of MNIST's images, and the names of the classes of digits and of signs."""

from collections.abc import Iterable

SIDE = 28  # px: an image is 28x28, 0 = background, 255 = ink
BOX = 20  # px: the square in its middle that the digit fills (LeCun 1998, p. 10)
DIGITS = tuple("0123456789")
NOT_A_DIGIT = "not a digit"  # the class of models that tell digits from everything else
NOT_A_DIGIT_LABEL = len(DIGITS)  # in the sets that have this class
SIGNS = ("+", "x", "$", "%")  # classes of the network that is asked about what is no digit
NOT_A_SIGN = "not a sign"


def knows_digits(class_names: Iterable[str]) -> bool:
    """Whether the classes are the ten digits, with or without "not a digit"."""
    return set(DIGITS) <= set(class_names) <= {*DIGITS, NOT_A_DIGIT}
