"""What is saved: a reader's judgement of an answer, or of a finding that nobody asked the model for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from patchclip import Answer
from patchclip.types import Box

OutlineKind = Literal["point", "polygon"]


@dataclass(frozen=True, slots=True)
class NamedFinding:
    """A finding that a reader named without asking the model.

    Attributes:
        finding: the vocabulary's name of it, or the reader's own words.
        in_vocabulary: which of both.
        laterality: "left" or "right" of the patient, or None.
        place: where in the chest, in words, or None for everywhere.
    """

    finding: str
    in_vocabulary: bool
    laterality: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """A point or a polygon: corners (x, y) in original image pixels."""

    kind: OutlineKind
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class NewFeedback:
    """A judgement to be saved.

    Attributes:
        image_sha256, image_size: of the original pixels; (H, W).
        model_name, model_sha256: of the checkpoint; not stored where nothing was asked.
        answer: what was judged.
        reader, presence, location, comment: what the reader said; `location` tells how the map is: "correct",
            "partly", "wrong", or None for not said.
        boxes: in original image pixels.
        display: display settings at the time: threshold, opacity, colour map, view, zoom.
        execution: how the answer was computed (`patchclip.execution.Computation`), or None for not known.
        picture: how the picture was read from its file, where a reader can choose: window, inverted.
        key: of this judgement; None where nobody would send it twice.
        outlines: points and polygons, in original image pixels.
        confidence: 0 to 100, or None for not said.
        supersedes: the row that this is a revision of, or None for a reading of its own.
        seconds: since the film was first shown.
        map_shown: whether the reader saw the answer's map.
        regions_shown: how many regions that map had at the threshold that it was shown at; None for the
            answer's own.
        saliency_shown: names of the saliency methods that the reader saw beside it.
    """

    image_sha256: str
    image_size: tuple[int, int]
    model_name: str
    model_sha256: str
    answer: Answer | NamedFinding
    reader: str
    presence: str
    location: str | None = None
    comment: str = ""
    boxes: Sequence[Box] = ()
    display: dict[str, Any] = field(default_factory=dict)
    execution: dict[str, Any] | None = None
    picture: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    outlines: Sequence[Outline] = ()
    confidence: int | None = None
    supersedes: int | None = None
    seconds: float | None = None
    map_shown: bool = False
    regions_shown: int | None = None
    saliency_shown: Sequence[str] = ()

    @property
    def query(self) -> str:
        """What was asked; "" where nothing was."""
        return self.answer.query if isinstance(self.answer, Answer) else ""


@dataclass(frozen=True, slots=True)
class Saved:
    """A stored judgement: its row, which revision of its reading it is (from 1), and when (UTC)."""

    id: int
    revision: int
    when: datetime
