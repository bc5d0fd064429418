"""From a study's rows to what its reader is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.store.study_models import Study, StudyEvent, StudyReading
from app.study.packs import PackedMap
from app.study.progress import Worklist
from app.study.protocol import Protocol
from app.study.replies import (
    AnsweredFinding,
    FindingReadingReply,
    ListedStudy,
    ReadingReply,
    StudyEventReply,
)


@dataclass(frozen=True, slots=True)
class Said:
    """What the model said of a finding: the probability that it is there, and from which it is called so."""

    probability: float
    threshold: float


def listed(
    study: Study, protocol: Protocol, work: Worklist, events: Sequence[StudyEvent] = ()
) -> ListedStudy:
    """A study as the reader's list has it; events: of it, for whoever may see them."""
    return ListedStudy(
        study=study.id,
        title=protocol.title,
        done=work.done,
        total=len(work.items),
        waits_until=when(work.waits_until),
        closed=study.closed_at is not None,
        events=[
            StudyEventReply(
                kind=item.kind,
                person=item.person,
                happened_at=item.happened_at.isoformat(timespec="seconds"),
            )
            for item in events
        ],
    )


def when(time: datetime | None) -> str | None:
    """ISO 8601, to the second."""
    return None if time is None else time.isoformat(timespec="seconds")


def told(row: StudyReading | None) -> ReadingReply | None:
    """An opinion as its reader gave it."""
    if row is None:
        return None
    return ReadingReply(
        opinion=row.opinion,
        revision=row.revision,
        saved_at=row.saved_at.isoformat(timespec="seconds"),
        active_ms=row.active_ms,
        comment=row.comment,
        unreadable=row.unreadable,
        findings=[
            FindingReadingReply(
                label=item.finding,
                presence=item.presence,
                confidence=item.confidence,
                boxes=item.boxes,
                maps=item.verdicts,
            )
            for item in row.findings
        ],
    )


def answered(
    label: str, name: str, said: Said | None, methods: Mapping[str, str], maps: Mapping[str, PackedMap]
) -> AnsweredFinding:
    """What the model says of a finding.

    Args:
        label, name: of the finding.
        said: or None where the protocol hides it.
        methods: blinded name -> method, as this reader sees them in this case.
        maps: method -> map.
    """
    return AnsweredFinding(
        label=label,
        name=name,
        probability=None if said is None else round(said.probability, 4),
        threshold=None if said is None else said.threshold,
        maps=list(methods),
        map={blinded: maps[method].map for blinded, method in methods.items()},
        cut={blinded: maps[method].cut for blinded, method in methods.items()},
        regions={blinded: maps[method].regions for blinded, method in methods.items()},
    )
