"""A study as flat records for analysis: what readers said, what the model said, what is true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from patchclip.types import Box


@dataclass(frozen=True, slots=True)
class Mark:
    """What one reading says of one finding, in its current revision.

    Attributes:
        reader: the reader's name.
        case: the study's own number of it, from 1.
        arm: "unaided", "aided" or "sequential".
        opinion: "first" or "second"; of the arms "unaided" and "aided" always "first".
        finding: its label.
        presence: "present", "absent" or "unsure".
        confidence: 0 to 100 in the presence that is told; None for not said.
        boxes: in original image pixels.
        verdicts: saliency method -> "correct", "partly" or "wrong", as the reader judged its map.
        seconds: how long the film was read, without pauses.
        saved_at: in UTC.
    """

    reader: str
    case: int
    arm: str
    opinion: str
    finding: str
    presence: str
    confidence: int | None
    boxes: tuple[Box, ...]
    verdicts: Mapping[str, str]
    seconds: float
    saved_at: datetime

    @property
    def score(self) -> float:
        """From 0 (surely absent) to 100 (surely present); "unsure" is 50, whatever its confidence."""
        if self.presence == "unsure":
            return 50.0
        half = (100 if self.confidence is None else self.confidence) / 2
        return 50.0 + half if self.presence == "present" else 50.0 - half


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What the model says of one finding in one case.

    Attributes:
        case: the study's own number of it.
        finding: its label.
        probability: of its presence, 0 to 1.
        threshold: the probability from which the model calls it present.
        regions: saliency method -> lit regions, in original image pixels.
        execution: how it was computed (`patchclip.execution.Computation`), or None for not known.
    """

    case: int
    finding: str
    probability: float
    threshold: float
    regions: Mapping[str, tuple[Box, ...]]
    execution: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CaseTruth:
    """Whether a finding is in a case, and where; boxes in original image pixels."""

    case: int
    finding: str
    present: bool
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class StudyData:
    """All of a study that an analysis needs.

    Attributes:
        name: of the study.
        protocol: as it was written, by its own names.
        protocol_sha256: of the protocol's text.
        model_name, model_sha256: of the checkpoint that answers.
        version: of Patch-CLIP that reads this out.
        readers: their names.
        cases: number -> SHA-256 of the pixels.
        assigned: (reader, arm) -> how many cases.
        marks, answers, truths: see there.
        unreadable: (reader, case) that the reader called unreadable.
    """

    name: str
    protocol: Mapping[str, Any]
    protocol_sha256: str
    model_name: str
    model_sha256: str
    version: str
    readers: tuple[str, ...]
    cases: Mapping[int, str]
    assigned: Mapping[tuple[str, str], int]
    marks: tuple[Mark, ...]
    answers: tuple[ModelAnswer, ...]
    truths: tuple[CaseTruth, ...]
    unreadable: tuple[tuple[str, int], ...]
