"""What the protocol's clients are told, and the parameters that they send; lengths are in pixels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app.answer_replies import EchoReply, OperatingPointReply
from app.monai_label.files import NUMBERS, Extension
from app.replies import ModelReply, Reply
from app.requests import RequestError
from patchclip.text.query import LONGEST, MOST

Query = Annotated[str, StringConstraints(max_length=LONGEST)]
UNREADABLE = "The parameters are no JSON object; send them as the form's field params."


class InferParams(BaseModel):
    """The parameters of a request; what other models of the protocol take beside them is passed over.

    `queries` is free text, or a list of texts; nothing for every finding that the model was trained on. The
    `result_` ones say what kind of file is wanted.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    queries: Query | Annotated[tuple[Query, ...], Field(max_length=MOST)] = ""
    result_extension: Extension = ".nii.gz"
    result_dtype: NUMBERS = "uint8"
    result_compress: bool = True

    @property
    def texts(self) -> tuple[str, ...]:
        """What is asked, without texts that say nothing."""
        texts = (self.queries,) if isinstance(self.queries, str) else self.queries
        return tuple(text for text in texts if text.strip())


def read_params(text: str) -> InferParams:
    """The parameters in a form's field.

    Raises:
        RequestError: they are not what the model takes; the sentence repeats nothing of what was sent.
    """
    try:
        return InferParams.model_validate(json.loads(text or "{}"))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        if not problem["loc"]:
            raise RequestError(UNREADABLE) from None
        raise RequestError(
            f"The server does not take the parameter {problem['loc'][0]} as it was sent ({problem['msg']}); "
            "correct it, or leave it out."
        ) from None
    except (ValueError, RecursionError):
        raise RequestError(UNREADABLE) from None


class ModelInfo(Reply):
    """A model as clients list it; `config` holds the parameters that their users may change."""

    type: str = "segmentation"
    labels: dict[str, int]
    dimension: int = 2
    description: str
    config: dict[str, str]


class DatastoreInfo(Reply):
    """How many films are held for whoever asks; none of them is labelled here."""

    total: int
    completed: int = 0
    label_tags: Mapping[str, int] = Field(default_factory=dict)
    train: tuple[str, ...] = ()


class AppInfo(Reply):
    """What the server is; there is nothing to train, to score or to choose from here."""

    name: str
    description: str
    version: str
    notice: str
    model: ModelReply
    labels: list[str]
    models: dict[str, ModelInfo]
    trainers: Mapping[str, str] = Field(default_factory=dict)
    strategies: Mapping[str, str] = Field(default_factory=dict)
    scoring: Mapping[str, str] = Field(default_factory=dict)
    train_stats: Mapping[str, str] = Field(default_factory=dict)
    datastore: DatastoreInfo


class AuthReply(Reply):
    """Whether a name and password are asked for; another program's sign-in is none of the protocol's."""

    enabled: bool
    client_id: str | None = None
    realm: str | None = None


class TokenReply(Reply):
    """A sign-in that a client shows with every request."""

    access_token: str | None
    token_type: str | None = "bearer"


class UserReply(Reply):
    """Who is signed in."""

    username: str
    roles: list[str]


class ImageReply(Reply):
    """A film that was taken in."""

    image: str


class ImagesReply(Reply):
    """The films that are held for whoever asks, by their names."""

    name: str
    objects: dict[str, dict[str, dict[str, str]]]


class SessionInfo(Reply):
    """A session: the film's name, (H, W) in pixels of the file, and how long it is held unasked."""

    name: str
    size: tuple[int, int]
    expiry: int


class SessionReply(Reply):
    """A session that has begun; `warnings` are about the film."""

    session_id: str
    session_info: SessionInfo
    warnings: list[str]


class PlaceReply(Reply):
    """A lit region: its box, the highest value of the map in it, and the point (x, y) of that value.

    Counted in pixels along the two long axes of the film's file, in their order, from the first pixel's edge.
    """

    x: float
    y: float
    w: float
    h: float
    score: float
    point: tuple[float, float]


class FindingReply(Reply):
    """An answer; `number` is the finding's in the label map, `pixels` how many are lit.

    `probability` is of the query as asked, `threshold` the value from which the map is lit. Both are
    calibrated apart: a finding may be lit that is judged absent, and the warnings say so.
    """

    query: str
    finding: str
    label: str
    number: int
    assertion: str
    negated: bool
    laterality: str | None
    place: str | None
    probability: float
    operating_point: OperatingPointReply | None
    threshold: float
    pixels: int
    regions: list[PlaceReply]
    warnings: list[str]


class InferReply(Reply):
    """What is told beside a label map.

    `label_names` are the findings that the label map holds, with their numbers, `labels` all that it could
    hold. `centroids` are [number, i, j, k] by name, `size` (H, W) in pixels of the file. `echoes` say what
    became of each word that was asked.
    """

    notice: str
    model: ModelReply
    size: tuple[int, int]
    label_names: dict[str, int]
    labels: dict[str, int]
    centroids: dict[str, list[int]]
    findings: list[FindingReply]
    echoes: list[EchoReply]
    warnings: list[str]
