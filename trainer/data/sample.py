"""The one record that every dataset adapter yields."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
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
    """An outline of a finding.

    Attributes:
        label: of the finding.
        points: corners (x, y) as fractions of the image, in [0, 1]; a box has four.
        source: who drew it, in the dataset's words; "" where the dataset has one source alone.
        agreement: share of the readers that saw it, in (0, 1].
    """

    label: str
    points: tuple[tuple[float, float], ...]
    source: str = ""
    agreement: float = 1.0

    @classmethod
    def box(
        cls, label: str, x: float, y: float, w: float, h: float, source: str = "", agreement: float = 1.0
    ) -> Shape:
        """From a top-left corner and a size."""
        return cls(label, ((x, y), (x + w, y), (x + w, y + h), (x, y + h)), source, agreement)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a decoded image lies in a shard, see `trainer.data.shards`.

    Attributes:
        shard: the tar file.
        start, length: of the PNG in it, in bytes.
        height, width: of the image that its square was made of, in pixels.
        sha256: of that image's pixels.
    """

    shard: Path
    start: int
    length: int
    height: int
    width: int
    sha256: str


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
        cohort: which patients it is of; datasets of one cohort share patients. "" for the source's own.
        doubtful: outlines of what may be the finding or its like; no other patch of the image shows it, if
            its state is unknown.
        disputed: findings on which readings contradict each other; nothing is known of them.
        denied: regions that do not show a finding which the image does show, nobody knows where.
        place: where its square lies, for an image that comes from a shard.
        mined: findings of which a report was mined and that nobody is known to have looked for on the image.
        checked: finding -> whether the mined report names it, and whether readers who looked for it, whatever
            the report says, saw it.
    """

    path: Path
    patient: str | None
    source: str
    states: Mapping[str, State]
    shapes: tuple[Shape, ...] = field(default=())
    view: str | None = None
    report: str | None = None
    cohort: str = ""
    doubtful: tuple[Shape, ...] = ()
    disputed: frozenset[str] = frozenset()
    denied: tuple[Shape, ...] = ()
    place: Place | None = None
    mined: frozenset[str] = frozenset()
    checked: Mapping[str, tuple[bool, bool]] = field(default_factory=dict)

    def without(self, labels: Collection[str]) -> Sample:
        """The same image, of which nothing is known of some findings."""
        return replace(
            self,
            states={label: state for label, state in self.states.items() if label not in labels},
            shapes=tuple(shape for shape in self.shapes if shape.label not in labels),
            doubtful=tuple(shape for shape in self.doubtful if shape.label not in labels),
            disputed=self.disputed.difference(labels),
            denied=tuple(shape for shape in self.denied if shape.label not in labels),
            mined=self.mined.difference(labels),
            checked={label: pair for label, pair in self.checked.items() if label not in labels},
        )

    @property
    def patients(self) -> str:
        """The cohort by its name."""
        return self.cohort or self.source
