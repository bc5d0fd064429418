"""The RSNA Pneumonia Detection Challenge of 2018: boxes of lung opacities on images of NIH.

Citation: Shih et al., Radiology: Artificial Intelligence 2019, doi 10.1148/ryai.2019180041
Get it: https://www.kaggle.com/c/rsna-pneumonia-detection-challenge
Counts: 26,684 labelled images, of which 6,012 have 9,555 boxes
Files: stage_2_train_labels.csv, stage_2_detailed_class_info.csv and stage_2_train_images/*.dcm; the
challenge's
    test images have no labels
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from patchclip.data.findings import LUNG_OPACITY, NIH_FINDINGS, label_of
from patchclip.data.normal import RSNA_CLASSES
from patchclip.data.tables import numbers
from patchclip.errors import DataError
from trainer.data.contents import Collector, Contents
from trainer.data.sample import Shape, State
from trainer.data.tables import (
    DICOM,
    corner_box,
    find_file,
    image_size,
    index_images,
    own_split,
    read_table,
    records,
)

BOX_COLUMNS = ("x", "y", "width", "height")


def read_rsna(folder: Path, split: str, *, labels: frozenset[str]) -> Contents:
    """Reads the only labelled split, "train".

    Radiologists looked for lung opacities: present with boxes, or explicitly absent. "Normal", their verdict
    on the whole radiograph, makes the fourteen findings of NIH absent too, whose images these are. Despite
    its name `patientId` names an image, several of which are of one patient: nobody's patient is known.

    Raises:
        DataError: a table is missing or malformed, a class is unknown, or a box lies outside its image; names
            file and row.
    """
    path = folder / "stage_2_train_labels.csv"
    own_split(split, ("train",), path)
    rows: dict[str, list[tuple[int, dict[str, str]]]] = defaultdict(list)
    for number, row in records(read_table(path, ("patientId", *BOX_COLUMNS, "Target"))):
        rows[row["patientId"]].append((number, row))
    normal = _normal(folder)
    images = index_images([folder / "stage_2_train_images"], DICOM)
    label = label_of(LUNG_OPACITY, labels)
    collector = Collector("rsna", labels)
    for image, image_rows in rows.items():
        if (file := images.get(image)) is None:
            collector.missing(f"{image}.dcm")
            continue
        shapes: list[Shape] = []
        if label and any(row["x"] for _, row in image_rows):
            if (size := image_size(file)) is None:
                collector.leave_out(f"{file.name}: its header cannot be read")
                continue
            shapes = [
                _box(label, row, size, f"{path}, row {number}") for number, row in image_rows if row["x"]
            ]
        reading = collector.reading()
        for number, row in image_rows:
            reading.say(
                LUNG_OPACITY, State.PRESENT if _target(row, f"{path}, row {number}") else State.ABSENT
            )
        for finding in NIH_FINDINGS if image in normal else ():
            reading.say(finding, State.ABSENT)
        collector.add(file, reading, shapes=shapes)
    return collector.contents(path, split)


def _normal(folder: Path) -> frozenset[str]:
    """Images that were read as normal; none are known to be where the file of classes is not there."""
    path = find_file(folder, "stage_2_detailed_class_info.csv")
    if path is None:
        return frozenset()
    table = read_table(path, ("patientId", "class"))
    for number, row in records(table):
        if row["class"] not in RSNA_CLASSES:
            raise DataError(
                f'{path}, row {number}: there is no class "{row["class"]}"; it is one of '
                f"{', '.join(RSNA_CLASSES)}."
            )
    return frozenset(table.loc[table["class"] == "Normal", "patientId"])


def _target(row: dict[str, str], where: str) -> bool:
    if row["Target"] not in ("0", "1"):
        raise DataError(f"{where}: Target must be 0 or 1.")
    return row["Target"] == "1"


def _box(label: str, row: dict[str, str], size: tuple[int, int], where: str) -> Shape:
    x, y, w, h = numbers(row, BOX_COLUMNS, where)
    return corner_box(label, (x, y, x + w, y + h), size, where)
