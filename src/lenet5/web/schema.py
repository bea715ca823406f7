"""JSON requests and responses; also the schemas of openapi.json."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, RootModel, ValidationError

from lenet5 import files
from lenet5.spec.digits import SIDE
from lenet5.web.problems import Problem

Pixel = Annotated[int, Field(strict=True, ge=0, le=255)]
# Validation stops at the first fault: reporting a million of them would block other requests.
Row = Annotated[list[Pixel], Field(min_length=SIDE, max_length=SIDE, fail_fast=True)]
Image = Annotated[list[Row], Field(min_length=SIDE, max_length=SIDE, fail_fast=True)]


class Sent(BaseModel):
    """Images in MNIST form: 28 rows of 28 integers, 0 background, 255 ink."""

    # Integers only: with floats, the scale of an image of 0 and 1 would be ambiguous (1 of 1, or 1 of 255).
    images: Annotated[list[Image], Field(min_length=1, max_length=256, fail_fast=True)]


class Answer(BaseModel):
    """The model's prediction for one image."""

    text: str = Field(description="the name of the class with the highest score")
    index: int = Field(description="its index in the model's `class_names`, from 0")
    probability: float = Field(description="calibrated, rounded to 6 decimals")
    margin: float = Field(description="best score minus second best, rounded to 4 decimals")
    probabilities: list[float] = Field(description="of all classes, in the order of `class_names`, 6 decimals")


class Predicted(BaseModel):
    """Answers, in the order of the images."""

    model: str
    digest: str = Field(description="SHA-256 of the model file")
    answers: list[Answer]


class Layer(BaseModel):
    """The output of one layer."""

    name: str
    shape: list[int]
    values: list[Any] = Field(description="nested according to the shape, rounded to 5 decimals")


class Explained(BaseModel):
    """One prediction, and the output of every layer, input first."""

    model: str
    digest: str
    answer: Answer
    layers: list[Layer]


class Choice(BaseModel):
    """One reading of a digit."""

    text: str
    probability: float


class Alternative(BaseModel):
    """Another reading of a whole number."""

    text: str
    posterior: float


class ReadDigit(BaseModel):
    """One digit; boxes are left, top, right, bottom in pixels, with exclusive ends."""

    text: str = Field(description="the best answer; ? if rejected")
    box: list[int]
    answers: list[Choice]
    margin: float
    rejected: str | None = Field(description="the reason for the rejection")


class ReadNumber(BaseModel):
    """A number: adjacent digits."""

    text: str
    box: list[int]
    column: int | None = Field(description="in a ruled table, counted from 1")
    rejected: bool = Field(description="whether any of its digits is rejected")
    digits: list[ReadDigit]
    alternatives: list[Alternative]


class ReadLine(BaseModel):
    """A line of writing."""

    text: str
    numbers: list[ReadNumber]


class NoDigit(BaseModel):
    """A piece of ink that was not recognised as a digit."""

    box: list[int]
    why: str


class ReadPage(BaseModel):
    """The text of a photograph, as in `lenet5 read --json`."""

    name: str
    page: int
    width: int
    height: int
    text: str
    lines: list[ReadLine]
    rejected: list[NoDigit]
    notes: list[str]


class ModelFacts(BaseModel):
    """A served model with its model card."""

    name: str
    digest: str
    parameters: int
    class_names: list[str]
    reads: bool = Field(description="whether /v1/read accepts it: its classes include the ten digits")
    card: dict[str, Any]


class ModelNames(BaseModel):
    """The served models; the first one is the default."""

    models: list[str]


class LimitsTold(RootModel[dict[str, float]]):
    """The limits by name."""


class Said(BaseModel):
    """The state of the server."""

    status: str


class Wrong(BaseModel):
    """A problem (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


def parse_images(content: bytes, most: int) -> bytes:
    """Return the pixels of JSON images, image after image. Raises Problem, naming the first fault."""
    try:
        sent = Sent.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"][:4])
        raise Problem("json", f"{where or 'the body'}: {files.reason(first)}. {EXPECTED}") from None
    if len(sent.images) > most:
        raise Problem("json", f"there are {len(sent.images)} images; at most {most} are allowed in one request.")
    return b"".join([bytes(row) for image in sent.images for row in image])


EXPECTED = 'Expected {"images": [...]}, each image 28 rows of 28 integers 0..255, 0 background.'
