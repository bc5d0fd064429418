"""What the page may send: the body of each request, checked, and every fault of it as one sentence."""

from __future__ import annotations

import json
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app.store import Outline
from patchclip import PatchClipError
from patchclip.types import Box

LONGEST_TEXT = (
    20_000  # characters of a text on its way; what is read of one has a lower limit, with a sentence
)
MOST_BOXES = 100  # of one reading
LIMITS = {
    "text": f"The text has more than {LONGEST_TEXT} characters; ask fewer findings at once.",
    "boxes": f"A reading may have {MOST_BOXES} boxes at most; remove some, then save.",
    "shapes": f"A reading may have {MOST_BOXES} outlines at most; remove some, then save.",
}
HALF_A_CHARACTER = (
    "The text ends in half of a character, such as a cut emoji; delete the last character, then try again."
)
NOT_A_BOX = "The server does not understand a drawn box; draw it again, then save."
NOT_A_SHAPE = "The server does not understand an outline; draw it again, then save."
UNREADABLE = "The server cannot read this request; reload the page, then try again."


class RequestError(PatchClipError):
    """A request is not what the page sends."""


class Message(BaseModel):
    """Base of all requests."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Name = Annotated[str, StringConstraints(max_length=200)]
Text = Annotated[
    str, StringConstraints(max_length=10_000)
]  # the store's own limits are lower, and have sentences
Number = Annotated[float, Field(allow_inf_nan=False)]
Uid = Annotated[str, StringConstraints(pattern=r"^[0-9][0-9.]{0,63}$")]
Accession = Annotated[str, StringConstraints(pattern=r"^[^\\*?\x00-\x1f\x7f]{1,16}$")]  # SH without wildcards
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Modality = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Method = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Empty = Literal[""]
Share = Annotated[float, Field(ge=0, le=1)]


class EmptyRequest(Message):
    """What `start` gets: nothing."""


class OfReaderRequest(Message):
    """Whose readings are asked for where nobody signs in: of the name typed as reader, "" for nobody's.

    None asks for everybody's. Where people sign in, this is passed over: whoever asks is known.
    """

    reader: Text | None = None


class JudgedRequest(Message):
    """How many readings there are, by the reader of that name, of each picture, by the hash of its pixels."""

    reader: Text
    images: Annotated[tuple[Sha256, ...], Field(max_length=1000)]


class WindowRequest(Message):
    """The key that the server gave to the window's browser, "" from one that has none."""

    browser: Name = ""


class _OfPicture(Message):
    """How a picture is read: `window` as of `patchclip.load_radiograph`; black and white exchanged or not."""

    window: Annotated[int, Field(ge=-1, le=1000)] | None = None
    inverted: bool = False


class OpenRequest(_OfPicture):
    """What is told of an upload, whose body is the file: `image` is the place of one in a file of several.

    A place alone, since names may identify a patient.
    """

    image: Annotated[int, Field(ge=0, lt=1_000_000)] | None = None
    received: Name | None = None
    """The received film that it is, which waits no more once it is open."""


class OpenExampleRequest(_OfPicture):
    """One of the bundled examples, by its file's name."""

    name: Name


class _OfStudy(Message):
    study: Name = ""


class LookRequest(_OfStudy):
    """A study that was opened before: by this window before it was reloaded, or by another one."""


class CloseRequest(_OfStudy):
    """A study that the page has no use for any more."""


class AskRequest(_OfStudy):
    """A text as typed: a question, a list, a sentence, a report."""

    text: Annotated[str, StringConstraints(max_length=LONGEST_TEXT)]


class CompareRequest(_OfStudy):
    """A query that was answered, and by which method it is explained."""

    query: Text
    method: Method = "grad_cam"


class MapsRequest(_OfStudy):
    """A query that was answered, and the methods whose maps are wanted besides the patch map."""

    query: Text
    methods: Annotated[tuple[Method, ...], Field(max_length=32)] = ()


class ExploreRequest(_OfStudy):
    """A query that was found out of scope."""

    query: Text


class Display(Message):
    """How film and map were shown when they were judged; nothing else is stored of the page.

    `zoom` counts from 1, the film as it fits; brightness and contrast are factors, centre and width of the
    window in the file's own units; rotation is in degrees, clockwise.
    """

    view: Annotated[str, StringConstraints(max_length=20)] | None = None
    opacity: Share | None = None
    threshold: Share | None = None
    colours: Annotated[str, StringConstraints(max_length=20)] | None = None
    smooth: bool | None = None
    zoom: Annotated[float, Field(gt=0, le=1000)] | None = None
    brightness: Annotated[float, Field(ge=0, le=100)] | None = None
    contrast: Annotated[float, Field(ge=0, le=100)] | None = None
    window_centre: Number | None = None
    window_width: Number | None = None
    inverted: bool | None = None
    rotation: Literal[0, 90, 180, 270] | None = None
    flipped: Literal["", "horizontal", "vertical", "both"] | None = None


class BoxShape(Message):
    """A box: top-left corner and size (x, y, w, h) in original image pixels."""

    kind: Literal["box"]
    points: tuple[Number, Number, Number, Number]


class PointShape(Message):
    """A point (x, y) in original image pixels."""

    kind: Literal["point"]
    points: tuple[Number, Number]


class PolygonShape(Message):
    """The corners of a polygon, each (x, y) in original image pixels."""

    kind: Literal["polygon"]
    points: Annotated[tuple[tuple[Number, Number], ...], Field(min_length=3, max_length=200)]


Shape = Annotated[BoxShape | PointShape | PolygonShape, Field(discriminator="kind")]


class SaveRequest(_OfStudy):
    """A reading; `key` is made by the page, the same for every try to store the same reading.

    `query` is that of the answer that was judged; without one, `finding` is what the reader named.
    `supersedes` is the row of the reading that this one revises. What was drawn comes as `shapes`, or, as
    older pages send it, as `boxes`. `model` is the hash of the model whose answer the reader was shown.
    """

    key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    query: Text | None = None
    finding: Text | None = None
    presence: Name = ""
    confidence: Annotated[int, Field(ge=0, le=100)] | None = None
    location: Name | None = None
    comment: Text = ""
    boxes: Annotated[tuple[tuple[Number, Number, Number, Number], ...], Field(max_length=MOST_BOXES)] = ()
    shapes: Annotated[tuple[Shape, ...], Field(max_length=MOST_BOXES)] = ()
    reader: Text = ""
    supersedes: Annotated[int, Field(ge=1)] | None = None
    seconds: Annotated[float, Field(ge=0, le=10_000_000)] | None = None
    map_shown: bool = False
    saliency_shown: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    display: Display = Display()
    model: Sha256 | None = None

    def drawn(self) -> tuple[Box, ...]:
        """The boxes, in original image pixels."""
        shapes = (shape.points for shape in self.shapes if isinstance(shape, BoxShape))
        return tuple(Box(*box) for box in (*self.boxes, *shapes))

    def outlines(self) -> tuple[Outline, ...]:
        """Points and polygons, in original image pixels."""
        return tuple(
            Outline("point", (shape.points,))
            if isinstance(shape, PointShape)
            else Outline("polygon", shape.points)
            for shape in self.shapes
            if not isinstance(shape, BoxShape)
        )


class WithdrawRequest(Message):
    """A reading that is taken back: the row of its newest revision; `key` as of `SaveRequest`."""

    key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    row: Annotated[int, Field(ge=1)]
    reader: Text = ""


class ResultsRequest(_OfStudy):
    """The forms in which a study's answers are to leave; the body is the file that it was opened from."""

    kinds: Annotated[
        tuple[Literal["sr", "seg", "regions", "sc", "coco", "csv"], ...], Field(min_length=1, max_length=6)
    ]


class ReceivedFilmRequest(Message):
    """One of the films that were received."""

    film: Name


class HitRequest(Message):
    """One of the hits of the archive search."""

    hit: Name


class FindRequest(Message):
    """What studies of the archive are looked for by; "" for what does not matter."""

    study: Uid | Empty = ""
    accession: Accession | Empty = ""
    date: Day | Empty = ""
    modality: Modality | Empty = ""

    def day(self) -> str:
        """The date as DICOM has it."""
        return self.date.replace("-", "")


class FilmsRequest(Message):
    """A study of the archive."""

    study: Uid


class FilmRequest(FilmsRequest):
    """A film of the archive."""

    series: Uid
    instance: Uid


class ExportRequest(OfReaderRequest):
    """Feedback as one of two kinds of file."""

    kind: Literal["csv", "json"]


Request = TypeVar("Request", bound=Message)


def read_request(kind: type[Request], body: bytes) -> Request:
    """The request in a JSON body.

    Raises:
        RequestError: it is not what the page sends; the sentence repeats nothing of what was sent.
    """
    try:
        # Python's own reader, unlike pydantic's, lets half a character through: it gets its own sentence.
        return kind.model_validate(json.loads(body))
    except ValidationError as error:
        raise RequestError(_sentence(error)) from None
    except (ValueError, RecursionError):
        raise RequestError(UNREADABLE) from None


def _sentence(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = str(problem["loc"][0]) if problem["loc"] else "body"
    if problem["type"] == "string_unicode":
        return HALF_A_CHARACTER
    too_long = problem["type"] in ("too_long", "string_too_long")
    if too_long and field in LIMITS and len(problem["loc"]) == 1:
        return LIMITS[field]
    if field == "boxes":
        return NOT_A_BOX
    if field == "shapes":
        return NOT_A_SHAPE
    if problem["type"] == "extra_forbidden":
        return "The server does not know a part of this request; reload the page, then try again."
    if field == "body":
        return UNREADABLE
    return f"The server does not understand {field} ({problem['msg']}); reload the page, then try again."
