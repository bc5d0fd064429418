"""What a reader says of a case, and whether it may be stored: complete, inside the film, consistent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from app.study.errors import StudyError
from app.study.protocol import Protocol
from patchclip.types import Box

PRESENCE, VERDICTS = ("present", "absent", "unsure"), ("correct", "partly", "wrong")
OPINIONS = ("first", "second")
LONGEST_COMMENT, MOST_BOXES = 2000, 50
HALF_A_PIXEL = 0.5  # boxes are drawn on a scaled film


@dataclass(frozen=True, slots=True)
class FindingSaid:
    """Of one finding: its label, presence, confidence from 0 to 100 or None, boxes in original image pixels,
    and blinded name of a map -> verdict."""

    label: str
    presence: str
    confidence: int | None = None
    boxes: tuple[Box, ...] = ()
    maps: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewReading:
    """An opinion on an assignment, to be saved.

    Attributes:
        assignment: its number.
        opinion: "first" or "second".
        key: of this reading, the same for every try to store it.
        findings: each of the protocol's once; none where the case is unreadable.
        comment: free words.
        unreadable: whether the film cannot be read.
        active_ms: how long it was read, without pauses.
        opened_at: when it was opened.
    """

    assignment: int
    opinion: str
    key: str
    findings: Sequence[FindingSaid]
    comment: str
    unreadable: bool
    active_ms: int
    opened_at: datetime

    @property
    def digest(self) -> str:
        """SHA-256 of all that is said; of the times nothing, for a second try may tell others."""
        said = {
            "assignment": self.assignment,
            "opinion": self.opinion,
            "findings": [asdict(finding) for finding in self.findings],
            "comment": self.comment.strip(),
            "unreadable": self.unreadable,
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def check(new: NewReading, protocol: Protocol, labels: Sequence[str], size: tuple[int, int]) -> None:
    """Whether a reading may be stored.

    Args:
        new: the reading.
        protocol: of its study.
        labels: of the findings that it must tell of.
        size: (H, W) of the film in original pixels.

    Raises:
        StudyError: it may not; says why, and what to do.
    """
    if new.opinion not in OPINIONS:
        raise StudyError("An opinion is the first or the second; reload the page.")
    if len(new.comment.strip()) > LONGEST_COMMENT:
        raise StudyError(f"The comment has more than {LONGEST_COMMENT} characters; shorten it.")
    if any("\ud800" <= sign <= "\udfff" for sign in new.comment):
        raise StudyError("The text holds half of a character, such as a cut emoji; delete it, then save.")
    if "\0" in new.comment:
        raise StudyError("The comment holds a sign that cannot be seen (NUL); type it again, then save.")
    told = [finding.label for finding in new.findings]
    if len(set(told)) < len(told) or not set(told) <= set(labels):
        raise StudyError("The reading tells of findings that this study does not ask for; reload the page.")
    if not new.unreadable and set(told) != set(labels):
        missing = next(label for label in labels if label not in told)
        raise StudyError(f"Say of every finding whether it is there: {missing} is open.")
    for finding in new.findings:
        _check_finding(finding, protocol, size)


def _check_finding(said: FindingSaid, protocol: Protocol, size: tuple[int, int]) -> None:
    if said.presence not in PRESENCE:
        raise StudyError(f"Say whether {said.label} is present, absent or unsure before saving.")
    if said.confidence is not None and not protocol.confidence:
        raise StudyError("This study does not ask how sure you are; reload the page.")
    if said.confidence is not None and not 0 <= said.confidence <= 100:
        raise StudyError("The confidence must be from 0 to 100; correct it, or leave it open.")
    if said.boxes and protocol.boxes == "none":
        raise StudyError("This study asks for no boxes; remove them, then save.")
    if len(said.boxes) > MOST_BOXES:
        raise StudyError(f"A finding may have {MOST_BOXES} boxes at most; remove some, then save.")
    if said.boxes and said.presence == "absent":
        raise StudyError(f"{said.label} is called absent, yet it has a box; remove it, or say present.")
    if not all(_inside(box, size) for box in said.boxes):
        raise StudyError("A box lies outside the film; delete it and draw it again.")
    for name, verdict in said.maps.items():
        if name not in protocol.maps:
            raise StudyError("The reading judges a map that this study does not show; reload the page.")
        if verdict not in VERDICTS:
            raise StudyError(
                "A map is correct, partly correct or wrong; choose one of them or leave it open."
            )


def _inside(box: Box, size: tuple[int, int]) -> bool:
    height, width = size
    return (
        box.w > 0
        and box.h > 0
        and min(box.x, box.y) >= -HALF_A_PIXEL
        and box.x + box.w <= width + HALF_A_PIXEL
        and box.y + box.h <= height + HALF_A_PIXEL
    )
