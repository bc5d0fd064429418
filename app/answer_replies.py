"""What the model says to the page: answers, their maps and regions, and what was read of a text."""

from __future__ import annotations

from typing import Literal

from app.replies import ModelReply, Reply


class MapReply(Reply):
    """`values` [R][C] in [0, 1] as computed, `extent` (x0, y0, x1, y1), `max` the highest value."""

    values: list[list[float]]
    extent: tuple[float, float, float, float]
    max: float


class RegionReply(Reply):
    """A connected part of a map at or above the answer's threshold: box, highest value, and its place."""

    x: float
    y: float
    w: float
    h: float
    score: float
    peak: tuple[float, float]


class ProportionReply(Reply):
    """A share in [0, 1], its 95 % confidence interval, and of how many."""

    value: float
    ci: tuple[float, float]
    n: int


class OperatingPointReply(Reply):
    """The probability of presence from which the image speaks for the finding; how good that is, where it was
    measured."""

    threshold: float
    sensitivity: ProportionReply | None
    specificity: ProportionReply | None


class AnswerReply(Reply):
    """An answer as the page shows it; a query out of scope carries no probability.

    `query` is what the page calls it by; `asked` is the whole text that was read, `span` the part of it that
    this answer is to; `place` is null where nothing limits the answer, `place_patches` are those that it is
    limited to, [R][C] on the map's grid. `standing` says where the probability lies beside the operating
    point, `contradiction` where probability and map disagree (it is no part of `warnings`).
    """

    query: str
    asked: str
    span: str
    finding: str
    understood: str
    assertion: str
    place: str | None
    place_patches: list[list[bool]] | None
    in_vocabulary: bool
    label: str | None
    probability: float | None
    operating_point: OperatingPointReply | None
    standing: str
    contradiction: str
    threshold: float
    map: MapReply
    regions: list[RegionReply]
    warnings: list[str]


class WordReply(Reply):
    """A word or mark of a text and what became of it; `before` are the blanks before it."""

    before: str
    text: str
    role: Literal["used", "corrected", "passed over", "struck out"]
    became: str
    assertion: str | None


class EchoReply(Reply):
    """A text that was read, word by word, and sentences on it as a whole."""

    asked: str
    words: list[WordReply]
    warnings: list[str]


class RefusedReply(Reply):
    """A part of a text that was not read, and why."""

    text: str
    error: str


class AnswersReply(Reply):
    """In the order asked; `refused` holds the parts that were not read, `more` a word on what was cut."""

    answers: list[AnswerReply]
    echoes: list[EchoReply]
    refused: list[RefusedReply]
    more: str
    query_ms: float


class ExplorationReply(Reply):
    """`values` [R][C] are cosines in [-1, 1] as computed, between each patch and `phrase`: no map of a
    finding, and no probability."""

    phrase: str
    values: list[list[float]]
    extent: tuple[float, float, float, float]
    low: float
    high: float
    explore_ms: float


class SaliencyReply(Reply):
    """A query's map by a saliency method; `model` is the one that it explains."""

    method: str
    model: ModelReply
    map: MapReply
    saliency_ms: float
