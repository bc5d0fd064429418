"""What the server answers to the page; places and lengths are in original image pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict

from patchclip.execution import Computation
from patchclip.types import Laterality

if TYPE_CHECKING:  # not all that answers needs torch
    from patchclip import Engine


class Reply(BaseModel):
    """Base of all replies."""

    model_config = ConfigDict(frozen=True)


class ErrorReply(Reply):
    """What went wrong, in one sentence for the reader."""

    error: str


class SignInReply(ErrorReply):
    """Nobody is signed in: the page leads to the sign-in, and asks again."""

    sign_in: bool = True


class WindowReply(Reply):
    """The token of a new browser window, and the key of its browser, which it shows in other windows."""

    window: str
    browser: str


class ModelReply(Reply):
    """A checkpoint, and how its answers are computed; saliency by gradients is torch's in any case."""

    name: str
    sha256: str
    execution: Computation

    @classmethod
    def of(cls, engine: Engine) -> Self:
        """The one that an engine answers with."""
        return cls(name=engine.name, sha256=engine.sha256, execution=engine.computation)


class MapChoiceReply(Reply):
    """A saliency method that may be asked for; `slow`: it takes many passes through the model."""

    key: str
    title: str
    slow: bool


class ExampleReply(Reply):
    """A bundled radiograph.

    Its file's name, what it shows, what the page asks when it is opened (null: nothing), and where it is
    from.
    """

    file: str
    title: str
    question: str | None
    origin: str


class PersonReply(Reply):
    """Who is signed in."""

    name: str
    role: str


class StartReply(Reply):
    """What the page needs once; `colours` are 256 RGB triples each, `min_patches` the least of a region.

    `person` is null where sign-in is off.

    `findings` are the names that a reader may choose from who reads without asking, `maps` the methods that
    `compare` takes. `archive` is whether films can be fetched from one, `searches` whether
    one can be searched in words.
    """

    model: ModelReply
    suggestions: list[str]
    findings: list[str]
    examples: list[ExampleReply]
    colours: dict[str, list[list[int]]]
    min_patches: float
    maps: list[MapChoiceReply]
    archive: bool
    searches: bool
    receives: bool
    upload_limit_mb: int
    person: PersonReply | None


class TruthReply(Reply):
    """A box of the truth; `label` is the finding's in the model's vocabulary, or null."""

    finding: str
    label: str | None
    x: float
    y: float
    w: float
    h: float


class TransformReply(Reply):
    """A VOI LUT or window of values after the modality transform (PS3.3 C.11.2).

    `function` is LINEAR, LINEAR_EXACT, SIGMOID or TABLE; a table has `entries` from 0 to `largest`, of which
    the first belongs to the value `first`, and `center` and `width` are those of its input.
    """

    name: str
    center: float
    width: float
    function: str
    first: int = 0
    largest: int = 0
    entries: list[int] = []


class SpacingReply(Reply):
    """The length of a pixel of the radiograph, and where it holds; see `patchclip.image.spacing`."""

    mm: float
    place: str


class FilmReply(Reply):
    """What the codes of a film mean; they follow the reply, see `app.film`.

    `size` is (rows, columns) of the codes, each `step` pixels of the radiograph long. slope x code +
    intercept is a value in the file's units, of which `limits` are the least and the greatest. `inverse`: low
    values are bright. `outside`: the code 65535 is a pixel that shows nothing. `model` is what the model
    sees. `patient_left` is the side of the picture on which the patient's left lies, told or as usually
    displayed.
    """

    size: tuple[int, int]
    step: int
    slope: float
    intercept: float
    inverse: bool
    rounded: bool
    outside: bool
    limits: tuple[float, float]
    transforms: list[TransformReply]
    model: TransformReply
    automatic: TransformReply
    presets: list[TransformReply]
    spacing: SpacingReply | None
    patient_left: Laterality
    sides_told: bool


class FilmHeadReply(Reply):
    """What comes before a film; `size` is (H, W) of the radiograph.

    The preview, of `preview_bytes` bytes, follows: the film halved `preview_level` times, or 0 bytes.
    """

    size: tuple[int, int]
    film: FilmReply
    preview_level: int
    preview_bytes: int


class StudyReply(Reply):
    """What comes after the film of an opened radiograph; `judged` counts the readings that whoever asks
    may see, and is null where nobody signs in: of whom, the page asks by itself.

    `model` answers what is asked of it.
    `windows` are those of the header, by name; `window` is the place of the one in use, None for an automatic
    one. `polarity_doubt`: black and white may have to be exchanged, or a decision on them undone. `dicom`:
    results as DICOM can refer to the file. `origin`: of an
    example, where it is from. `burnt_in`: the picture may hold text that names the patient.
    `truth`: boxes, where the server was given them.
    `thumbnail` is a small picture, a data URL; `questions` holds what was asked before, in its order, by
    the words that answers are called by.
    """

    study: str
    model: ModelReply
    sha256: str
    view: str
    thumbnail: str
    questions: list[str]
    warnings: list[str]
    synthetic: bool
    origin: str
    windows: list[str]
    window: int | None
    inverted: bool
    polarity_doubt: bool
    dicom: bool
    burnt_in: bool
    decode_ms: float
    encode_ms: float
    judged: int | None
    truth: list[TruthReply]


class DoneReply(Reply):
    """Nothing to tell."""


class LeftOutReply(Reply):
    """A file in an archive that holds no image, and why."""

    name: str
    reason: str


class ContentsReply(Reply):
    """The images in an upload that holds several, in an order that does not change; `total` counts all."""

    images: list[str]
    total: int
    left_out: list[LeftOutReply]


class SavedReply(Reply):
    """When the reading was stored, ISO 8601 in UTC; its row, which revision of the reading that is, counted
    from 1, and the finding that it is of."""

    saved: str
    row: int
    revision: int
    finding: str


class WithdrawnReply(Reply):
    """When the withdrawal was stored, ISO 8601 in UTC; its row, and which revision of the reading it is."""

    saved: str
    row: int
    revision: int


class HistoryReply(Reply):
    """The newest feedback, newest first, and how much there is in all."""

    rows: list[dict[str, Any]]
    total: int


class JudgedReply(Reply):
    """How many readings there are of each picture that was asked about."""

    judged: list[int]


class ReceivedReply(Reply):
    """A film that was pushed here: when it arrived, ISO 8601 in UTC, and what its sender says that it is."""

    film: str
    arrived: str
    kind: str


class ReceivedListReply(Reply):
    """The films that wait to be opened, in the order of arrival."""

    films: list[ReceivedReply]


class ArchivedStudyReply(Reply):
    """A study of the archive; date and time as DICOM has them."""

    study: str
    date: str
    time: str
    description: str
    modalities: list[str]


class StudiesReply(Reply):
    """What was found, newest first; `more`: there are others."""

    studies: list[ArchivedStudyReply]
    more: bool


class ArchivedFilmReply(Reply):
    """A film of a study of the archive."""

    series: str
    instance: str
    modality: str


class FilmsReply(Reply):
    """The films of a study, in the order of their numbers."""

    films: list[ArchivedFilmReply]


class StoredReply(Reply):
    """How many objects the archive took."""

    stored: int


class ExportReply(Reply):
    """The text of a file."""

    text: str
