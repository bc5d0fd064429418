"""Where the reading of a report and its coders differ: a list to sort by cause, without a report's words."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Literal

from patchclip.files import atomic


@dataclass(frozen=True, slots=True)
class Reading:
    """What a report is understood to say, and what its coders say.

    Attributes:
        uid: the collection's number of the report.
        present: labels understood as present.
        uncertain: labels called uncertain.
        coded: labels that the coders gave it.
    """

    uid: str
    present: frozenset[str]
    uncertain: frozenset[str]
    coded: frozenset[str]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One finding of one report.

    Attributes:
        uid: the collection's number of the report.
        finding: label of the vocabulary.
        read: what the text was understood to say.
        coded: whether the coders gave the report the finding: "yes" or "no".
    """

    uid: str
    finding: str
    read: Literal["present", "uncertain", "absent"]
    coded: Literal["yes", "no"]


def disagreements(readings: Iterable[Reading], labels: Sequence[str]) -> Iterator[Disagreement]:
    """Findings that are understood as present and not coded, or coded and not understood as present."""
    for reading in readings:
        for label in labels:
            if (label in reading.present) == (label in reading.coded):
                continue
            read: Literal["present", "uncertain", "absent"] = "absent"
            if label in reading.present:
                read = "present"
            elif label in reading.uncertain:
                read = "uncertain"
            yield Disagreement(reading.uid, label, read, "yes" if label in reading.coded else "no")


def write_disagreements(path: Path, found: Iterable[Disagreement]) -> None:
    """A CSV file: report, finding, what was read, whether it is coded."""
    with atomic(path) as place, place.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([field.name for field in fields(Disagreement)])
        writer.writerows(astuple(item) for item in found)
