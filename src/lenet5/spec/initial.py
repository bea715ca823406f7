"""Rules for the initial weights; `engines/initial.py` draws them."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from lenet5.spec.specification import Specification


class Pytorch(Specification):
    """The default of `torch.nn.Conv2d` and `torch.nn.Linear`: weights and biases uniform in +-1/sqrt(fan-in)."""

    kind: Literal["pytorch"] = "pytorch"


class Scratch(Specification):
    """The rule of reproduction 003.

    Convolutions normal with variance 2 / maps in (the kernel's area is left out of the fan-in), dense layers normal
    with variance 2 / inputs, biases normal with variance 1.

    kernel_area  include the kernel's area in the fan-in, as the rules of Xavier and He do
    """

    kind: Literal["scratch"] = "scratch"
    kernel_area: bool = False


class LeCun1998(Specification):
    """Uniform in +-gain/fan-in^exponent, with options wherever the 1998 paper is silent.

    gain, exponent  2.4 and 1 in the paper (appendix A, p. 41); 1 and 1/2 in the authors' later program
    biases          "zero", as in the authors' later program, or "uniform" like the weights
    coefficients    coefficients of subsampling layers: "uniform" like the weights of a unit with size^2 inputs, or
                    "constant" at the bound, as in the authors' later program
    count_bias      whether the bias counts as one more input
    """

    kind: Literal["lecun-1998"] = "lecun-1998"
    gain: PositiveFloat = 2.4
    exponent: PositiveFloat = 1.0
    biases: Literal["zero", "uniform"] = "zero"
    coefficients: Literal["uniform", "constant"] = "constant"
    count_bias: bool = False


class He(Specification):
    """Normal with variance 2 / fan-in, for ReLU (He et al. 2015); 1 / fan-in in the last layer; biases 0."""

    kind: Literal["he"] = "he"


Initial = Annotated[Pytorch | Scratch | LeCun1998 | He, Field(discriminator="kind")]
