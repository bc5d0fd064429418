"""images.csv of a dataset folder: its rows, typed, and which image another table means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from patchclip.data.files import ImageFile, ImageFiles
from patchclip.data.findings import NO_FINDING, FindingNames, NamedFinding
from patchclip.data.normal import RSNA_CLASSES
from patchclip.data.remarks import Remarks, check_left_out
from patchclip.data.rows import ImageRow
from patchclip.data.tables import Row, check_patients, clipped, read_table
from patchclip.errors import DataError

COLUMNS = ("image", "patient_id", "split", "view", "sex", "age", "labels", "rsna_class", "chestx_det")
READ = "read"
EMPTY = frozenset(("nan", "none", "null", "<na>", "nat"))
"""What programs write for a cell that is empty. In `labels`, "none" may mean "No Finding" and is refused."""


@dataclass(frozen=True, slots=True)
class ImageTable:
    """What images.csv says of one split, and of which images there are in any.

    Attributes:
        rows: of the split's images whose file is there.
        missing: names of the split's images whose file is not there.
        lacking: finding that the model lacks -> how many images name it.
        splits: image, of any split -> whether it is of this one.
        files: finds images by their names.
        written: name as images.csv has it -> name of the image.
    """

    rows: tuple[ImageRow, ...]
    missing: tuple[str, ...]
    lacking: Mapping[str, int]
    splits: Mapping[str, bool]
    files: ImageFiles
    written: Mapping[str, str]

    def find(self, written: str, table: str, where: str, remarks: Remarks) -> str | None:
        """The name of the image that another table means; None where images.csv does not list it.

        Raises:
            DataError: see `ImageFiles.find`.
        """
        if written in self.written:
            return self.written[written]
        name = self.files.find(written, where).name
        if name not in self.splits:
            return None
        if self.splits[name] and written != name:
            remarks.count(f"{table}: image is written otherwise than in images.csv, where it was found")
        return name


def read_images(
    folder: Path,
    split: str,
    names: FindingNames,
    required: tuple[str, ...],
    allow_missing: bool,
    remarks: Remarks,
) -> ImageTable:
    """Reads the table; see `patchclip.data.folder.read_dataset_folder`."""
    path = folder / "images.csv"
    table = read_table(path, required, COLUMNS)
    remarks.note(table.notes)
    rows = [(row.number, _cleaned(row, remarks)) for row in table.rows]
    splits = [cells["split"] if "split" in table.columns else "train" for _, cells in rows]
    if split not in splits:
        listed = ", ".join(sorted({clipped(name) for name in splits if name}))
        raise DataError(f'{path} has no row with split "{clipped(split)}"; its splits are {listed}.')
    remarks.count("images.csv: split is empty, so no split has the image", splits.count(""))
    check_patients(
        (cells["patient_id"], name, path, number) for (number, cells), name in zip(rows, splits, strict=True)
    )

    files = ImageFiles(folder / "images")
    first: dict[str, int] = {}
    in_split: dict[str, bool] = {}
    written: dict[str, str] = {}
    images: list[ImageRow] = []
    missing: dict[str, int] = {}
    lacking: Counter[str] = Counter()
    for (number, cells), name in zip(rows, splits, strict=True):
        where = f"{path}, row {number}"
        file = files.find(cells["image"], where)
        if first.setdefault(file.name, number) != number:
            raise DataError(
                f"{path}, rows {first[file.name]} and {number}: both are of one image; keep one of them."
            )
        in_split[file.name] = name == split
        written[cells["image"]] = file.name
        findings = _findings(cells["labels"], names, where)
        image = _image(cells, file, findings, where)
        if name != split:
            continue
        for finding in findings:
            remarks.count(f"images.csv: {finding.remark}", int(finding.renamed))
        if file.renamed:
            remarks.count("images.csv: image names another path than that of the file, which was found")
        if file.exists:
            images.append(image)
            lacking.update(
                {item.label for item in findings if not item.in_model and item.label != NO_FINDING}
            )
        else:
            missing[file.name] = number

    if missing and not images:
        raise DataError(
            f"None of the {len(missing)} images of split {clipped(split)} exist under {files.folder}; "
            "check the folder."
        )
    if missing:
        name, number = next(iter(missing.items()))
        sentence = f"{path}, row {number}: the image file {clipped(name)} is missing"
        check_left_out(len(missing), len(images) + len(missing), sentence, allow_missing)
    return ImageTable(tuple(images), tuple(missing), lacking, in_split, files, written)


def _cleaned(row: Row, remarks: Remarks) -> dict[str, str]:
    """Column -> cell, of all columns; what programs write for an empty cell is empty, and counted."""
    cells = dict.fromkeys(COLUMNS, "") | dict(row.cells)
    for column in COLUMNS[1:]:
        word = cells[column]
        if word.casefold() in EMPTY and not (column == "labels" and word.casefold() == "none"):
            cells[column] = ""
            remarks.count(f'images.csv: "{word}" in {column} is taken for an empty cell')
    return cells


def _findings(labels: str, names: FindingNames, where: str) -> list[NamedFinding]:
    """Of one cell, separated by |."""
    findings = [names.find(part, where) for part in (part.strip() for part in labels.split("|")) if part]
    if any(item.label == NO_FINDING for item in findings) and len({item.label for item in findings}) > 1:
        raise DataError(f'{where}: labels say "{NO_FINDING}" beside a finding; keep the one or the other.')
    return findings


def _image(cells: Mapping[str, str], file: ImageFile, findings: list[NamedFinding], where: str) -> ImageRow:
    """One row."""
    for column, allowed in (("rsna_class", RSNA_CLASSES), ("chestx_det", (READ,))):
        if cells[column] and cells[column] not in allowed:
            raise DataError(
                f'{where}: {column} is "{clipped(cells[column])}"; it is blank or one of '
                f"{', '.join(allowed)}."
            )
    return ImageRow(
        name=file.name,
        path=file.path,
        patient=cells["patient_id"] or file.name,
        labels=frozenset(item.label for item in findings),
        rsna_class=cells["rsna_class"],
        chestx_det_read=cells["chestx_det"] == READ,
        view=cells["view"],
        sex=cells["sex"],
        age=_age(cells["age"]),
        patient_known=bool(cells["patient_id"]),
    )


def _age(text: str) -> float | None:
    """In years; None where the table does not say, in digits."""
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else None
