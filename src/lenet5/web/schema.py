"""What goes over the wire as JSON, in both directions; also the schemas of openapi.json."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from lenet5.data.prepare import SIDE
from lenet5.web.problems import Problem

Pixel = Annotated[int, Field(strict=True, ge=0, le=255)]
# The first fault ends the work: a list of a million of them would keep the others waiting.
Row = Annotated[list[Pixel], Field(min_length=SIDE, max_length=SIDE, fail_fast=True)]
Image = Annotated[list[Row], Field(min_length=SIDE, max_length=SIDE, fail_fast=True)]


class Sent(BaseModel):
    """Images in MNIST form: 28 rows of 28 whole numbers, 0 background, 255 ink."""

    # Whole numbers only: of an image of 0 and 1 nobody could tell whether its ink is 1 of 1 or 1 of 255.
    images: Annotated[list[Image], Field(min_length=1, max_length=256, fail_fast=True)]


class Answer(BaseModel):
    """What the model says of one image."""

    text: str = Field(description="the name of the class with the highest score")
    index: int = Field(description="its place in `class_names` of the model, from 0")
    probability: float = Field(description="by the model's calibration, rounded to 6 places")
    margin: float = Field(description="by how much the best score leads the second best, rounded to 4 places")
    probabilities: list[float] = Field(description="of all classes, in the order of `class_names`, 6 places")


class Predicted(BaseModel):
    """Answers, in the order of the images."""

    model: str
    digest: str = Field(description="SHA-256 of the model file")
    answers: list[Answer]


class Layer(BaseModel):
    """The output of one layer."""

    name: str
    shape: list[int]
    values: list[Any] = Field(description="nested as the shape says, rounded to 5 places")


class Explained(BaseModel):
    """One answer, and the output of every layer that led to it, the input first."""

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
    """One digit; boxes are left, top, right, bottom in pixels, ends excluded."""

    text: str = Field(description="the best answer; ? where it is rejected")
    box: list[int]
    answers: list[Choice]
    margin: float
    rejected: str | None = Field(description="why the best answer is not given")


class ReadNumber(BaseModel):
    """Digits that stand together."""

    text: str
    box: list[int]
    rejected: bool = Field(description="whether any of its digits is")
    digits: list[ReadDigit]
    alternatives: list[Alternative]


class ReadLine(BaseModel):
    """A line of writing."""

    text: str
    numbers: list[ReadNumber]


class NoDigit(BaseModel):
    """A piece of ink that was not taken for a digit."""

    box: list[int]
    why: str


class ReadPage(BaseModel):
    """What a photograph says, as `lenet5 read --json` has it."""

    name: str
    page: int
    width: int
    height: int
    text: str
    lines: list[ReadLine]
    rejected: list[NoDigit]
    notes: list[str]


class ModelFacts(BaseModel):
    """A model that is served; `card` is what must be known of it before it is trusted."""

    name: str
    digest: str
    parameters: int
    class_names: list[str]
    reads: bool = Field(description="whether /v1/read takes it: it tells the ten digits apart")
    card: dict[str, Any]


class ModelNames(BaseModel):
    """The models that are served; the first one answers unless another is named."""

    models: list[str]


class Said(BaseModel):
    """How the server is."""

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
        raise Problem("json", f"{where or 'the body'}: {first['msg']}. {EXPECTED}") from None
    if len(sent.images) > most:
        raise Problem("json", f"there are {len(sent.images)} images; up to {most} may come at once.")
    return b"".join([bytes(row) for image in sent.images for row in image])


EXPECTED = 'Expected {"images": [...]}, each image 28 rows of 28 whole numbers 0..255, 0 background.'
