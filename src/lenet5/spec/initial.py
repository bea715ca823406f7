"""How the first weights are drawn. The drawing itself is in `engines/initial.py`."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from lenet5.spec.plan import Plan


class Pytorch(Plan):
    """What `torch.nn.Conv2d` and `torch.nn.Linear` draw by default: all uniform in +-1/sqrt(fan-in)."""

    kind: Literal["pytorch"] = "pytorch"


class Scratch(Plan):
    """What reproduction 003 draws.

    Convolutions normal with variance 2 / maps in (the kernel's area is left out of the fan-in), dense layers normal
    with variance 2 / inputs, biases normal with variance 1.

    kernel_area  count the kernel's cells in the fan-in, as the rules of Xavier and He do
    """

    kind: Literal["scratch"] = "scratch"
    kernel_area: bool = False


class LeCun1998(Plan):
    """Uniform in +-gain/fan-in^exponent, with a choice wherever the 1998 paper is silent.

    gain, exponent  the paper has 2.4 and 1 (appendix A, p. 41); the authors' later program 1 and 1/2
    biases          "zero", as the authors' later program has them, or "uniform" like the weights
    coefficients    of the subsampling: "uniform" like the weights of a unit with size^2 inputs, or "constant" at the
                    bound, as in the authors' later program
    count_bias      whether the bias counts as one input more
    """

    kind: Literal["lecun-1998"] = "lecun-1998"
    gain: PositiveFloat = 2.4
    exponent: PositiveFloat = 1.0
    biases: Literal["zero", "uniform"] = "zero"
    coefficients: Literal["uniform", "constant"] = "constant"
    count_bias: bool = False


class He(Plan):
    """Normal with variance 2 / fan-in, for units with ReLU (He et al. 2015); the last layer's 1 / fan-in; biases 0."""

    kind: Literal["he"] = "he"


Initial = Annotated[Pytorch | Scratch | LeCun1998 | He, Field(discriminator="kind")]
