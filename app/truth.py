"""Truth boxes of cases, from a table that whoever starts the server gives, to compare maps with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from patchclip import Box, DataError
from patchclip.data.tables import numbers, read_table
from patchclip.text import Vocabulary

COLUMNS = ("sha256", "finding", "x", "y", "w", "h")


@dataclass(frozen=True, slots=True)
class TruthBox:
    """Where a finding is.

    Attributes:
        finding: as the table has it.
        label: of that finding in the model's vocabulary; None where the vocabulary lacks it.
        box: in original image pixels.
    """

    finding: str
    label: str | None
    box: Box


def read_truth(path: Path, vocabulary: Vocabulary) -> Mapping[str, tuple[TruthBox, ...]]:
    """SHA-256 of a radiograph's pixels (`Radiograph.sha256`) -> its boxes.

    A CSV file with the columns sha256, finding (label or name of the vocabulary, or any other), x, y, w, h:
    the top-left corner and the size in original image pixels.

    Raises:
        DataError: the table cannot be read, or a row of it makes no sense.
    """
    labels = {
        name.lower(): finding.label
        for finding in vocabulary.findings
        for name in (finding.label, finding.name)
    }
    boxes: dict[str, list[TruthBox]] = {}
    for row in read_table(path, COLUMNS).rows:
        where = f"{path.name}, row {row.number}"
        sha256, finding = row.cells["sha256"].lower(), row.cells["finding"]
        if not re.fullmatch("[0-9a-f]{64}", sha256):
            raise DataError(
                f"{where}: sha256 must be the 64 hexadecimal digits that tell an image's pixels "
                "(Radiograph.sha256)."
            )
        if not finding:
            raise DataError(f"{where}: finding is empty; name what the box shows.")
        box = Box(*numbers(row.cells, ("x", "y", "w", "h"), where))
        if box.w <= 0 or box.h <= 0:
            raise DataError(f"{where}: w and h must be above 0, for a box has an area.")
        boxes.setdefault(sha256, []).append(TruthBox(finding, labels.get(finding.lower()), box))
    return {sha256: tuple(items) for sha256, items in boxes.items()}
