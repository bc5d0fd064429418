"""The one record that every dataset adapter yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


class State(Enum):
    """What is known of one finding on one image; a finding without a state is unknown, which is never taken
    as absent."""

    PRESENT = "present"
    ABSENT = "absent"
    NOT_MENTIONED = (
        "not mentioned"  # the report was mined for it and does not name it: weak evidence of absence
    )


@dataclass(frozen=True, slots=True)
class Shape:
    """An outline of a finding: polygon corners (x, y) as fractions of the image, in [0, 1]; a box has
    four."""

    label: str
    points: tuple[tuple[float, float], ...]

    @classmethod
    def box(cls, label: str, x: float, y: float, w: float, h: float) -> Shape:
        """From a top-left corner and a size."""
        return cls(label, ((x, y), (x + w, y), (x + w, y + h), (x, y + h)))


@dataclass(frozen=True, slots=True)
class Sample:
    """One image with everything known about it.

    Attributes:
        path: the image file; never written to logs or checkpoints, only its count is.
        patient: identifies the patient within the dataset, so that splits never divide one; None where nobody
            knows.
        source: the dataset's name, for balancing and for the run's record.
        states: finding label -> State.
        shapes: outlines; a finding with one is taken as present, and its other patches as free of it.
        view: "PA", "AP" or None.
        report: the radiology report in plain text, or None; only its embedding leaves the loader.
    """

    path: Path
    patient: str | None
    source: str
    states: Mapping[str, State]
    shapes: tuple[Shape, ...] = field(default=())
    view: str | None = None
    report: str | None = None
