"""expert_labels.csv of a dataset folder: what several readers agreed on, image by image (Majkowska et al.,
Radiology 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from patchclip.data.findings import FindingNames
from patchclip.data.images import ImageTable
from patchclip.data.remarks import Remarks
from patchclip.data.tables import clipped, read_table
from patchclip.errors import DataError

ANSWERS = {"yes": True, "no": False}


def read_verdicts(
    path: Path, images: ImageTable, names: FindingNames, remarks: Remarks
) -> Mapping[str, Mapping[str, bool]]:
    """Image of the split -> finding as the header names it -> whether it is there; nothing where a cell is
    blank.

    Each column but `image` names a finding, or, as "Nodule or mass", one or another of several.

    Raises:
        DataError: the table is malformed, a column names no finding, an answer is neither YES nor NO, or an
            image stands in two rows or not in images.csv; names file and row.
    """
    table = read_table(path, ("image",))
    remarks.note(table.notes)
    columns = [column for column in table.columns if column and column != "image"]
    for column in columns:
        names.check(column, f"{path}, header")
    verdicts: dict[str, dict[str, bool]] = {}
    first: dict[str, int] = {}
    for row in table.rows:
        where = f"{path}, row {row.number}"
        image = images.find(row.cells["image"], path.name, where, remarks)
        if image is None:
            raise DataError(
                f"{where}: its image {clipped(row.cells['image'])} is not in images.csv; correct or remove "
                "it."
            )
        if first.setdefault(image, row.number) != row.number:
            raise DataError(f"{path}, rows {first[image]} and {row.number}: both are of one image; keep one.")
        answers = {column: _answer(row.cells[column], column, where) for column in columns}
        if images.splits[image]:
            verdicts[image] = {column: answer for column, answer in answers.items() if answer is not None}
    return verdicts


def _answer(text: str, column: str, where: str) -> bool | None:
    if text and text.casefold() not in ANSWERS:
        raise DataError(f'{where}: {column} is "{clipped(text)}"; it is blank, YES or NO.')
    return ANSWERS.get(text.casefold())
