"""What goes over the wire as JSON. Unknown keys are refused on the way in. Also the schemas of openapi.json."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lenet5.data.prepare import SIDE
from lenet5.web.problems import Problem

Pixel = Annotated[int, Field(strict=True, ge=0, le=255)]
Row = Annotated[list[Pixel], Field(min_length=SIDE, max_length=SIDE)]
Image = Annotated[list[Row], Field(min_length=SIDE, max_length=SIDE)]


class Sent(BaseModel):
    """Images in MNIST form: 28 rows of 28 whole numbers, 0 background, 255 ink."""

    # Whole numbers only: of an image of 0 and 1 nobody could tell whether its ink is 1 of 1 or 1 of 255.
    model_config = ConfigDict(extra="forbid")
    images: Annotated[list[Image], Field(min_length=1, max_length=256)]


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


class ReadDigit(BaseModel):
    """One digit of a number; boxes are left, top, right, bottom in pixels, ends excluded."""

    box: list[int]
    answers: list[Choice]
    margin: float
    rejected: bool


class ReadNumber(BaseModel):
    """Digits that stand together; `?` in the text stands for a rejected one."""

    text: str
    box: list[int]
    rejected: bool
    digits: list[ReadDigit]


class ReadLine(BaseModel):
    """A line of writing."""

    numbers: list[ReadNumber]


class ReadPage(BaseModel):
    """What a photograph says."""

    name: str
    width: int
    height: int
    text: str
    notes: list[str]
    lines: list[ReadLine]


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
