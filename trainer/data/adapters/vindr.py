"""VinDr-CXR: boxes and labels of radiologists in Vietnam.

Citation: Nguyen et al., Scientific Data 2022, doi 10.1038/s41597-022-01498-w
Get it: https://physionet.org/content/vindr-cxr/1.0.0/
Counts: 15,000 images for training, each read by three radiologists; 3,000 for test, by a consensus of five
Files: annotations/annotations_{train,test}.csv, annotations/image_labels_{train,test}.csv, train/*.dicom,
    test/*.dicom
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pandas as pd

from patchclip.data.findings import label_of
from patchclip.data.tables import numbers
from patchclip.errors import DataError
from trainer.data.contents import Collector, Contents, Reading
from trainer.data.sample import Shape, State
from trainer.data.tables import DICOM, corner_box, image_size, index_images, own_split, read_table, records

CORNERS = ("x_min", "y_min", "x_max", "y_max")
SPLITS = ("train", "test")
Boxes = dict[str, list[tuple[str, list[float], str]]]
"""Image -> (dataset's finding, corners in pixels, file and row)."""


def read_vindr(folder: Path, split: str, *, labels: frozenset[str]) -> Contents:
    """Reads a split, "train" (each image read by three radiologists) or "test" (their consensus, without
    `rad_id`).

    A finding is present where most readers of the image say so, absent where none does, and unknown between.
    The boxes of all readers are kept, of findings that are present. Patients are not named.

    Raises:
        DataError: a table is missing or malformed, or a box lies outside its image; names file and row.
    """
    annotations = folder / "annotations"
    split = own_split(
        split,
        [name for name in SPLITS if (annotations / f"image_labels_{name}.csv").is_file()] or SPLITS,
        annotations,
    )
    path = annotations / f"image_labels_{split}.csv"
    table = read_table(path, ("image_id", "No finding"))
    names = [name for name in table.columns if name not in ("image_id", "rad_id", "No finding")]
    votes = _votes(table, names, path)
    readers = Counter(table["image_id"])
    boxes = _boxes(annotations / f"annotations_{split}.csv")
    images = index_images([folder / split], DICOM)
    collector = Collector("vindr", labels)
    outvoted = 0
    for image, counts in votes.items():
        if (file := images.get(image)) is None:
            collector.missing(f"{image}.dicom")
            continue
        present = {name for name in names if 2 * counts[name] > readers[image]}
        agreed = [box for box in boxes[image] if box[0] in present]
        outvoted += len(boxes[image]) - len(agreed)
        shapes = _shapes(agreed, file, labels)
        if shapes is None:
            collector.leave_out(f"{file.name}: its header cannot be read")
            continue
        collector.add(file, _reading(collector.reading(), names, present, counts), shapes=shapes)
    collector.leave_out_some(outvoted, "boxes of findings that most readers of the image do not see")
    return collector.contents(path, split)


def _votes(table: pd.DataFrame, names: list[str], path: Path) -> dict[str, dict[str, int]]:
    """Image -> finding -> how many readers see it."""
    cells = table[names].replace({"0.0": "0", "1.0": "1"})
    wrong = ~cells.isin(["0", "1"])
    if wrong.to_numpy().any():
        row = int(wrong.any(axis=1).to_numpy().argmax())
        raise DataError(
            f"{path}, row {row + 2}: {names[int(wrong.iloc[row].to_numpy().argmax())]} must be 0 or 1."
        )
    sums = (cells == "1").groupby(table["image_id"], sort=False).sum()
    return {
        str(image): dict(zip(names, counts, strict=True))
        for image, counts in zip(sums.index, sums.to_numpy().tolist(), strict=True)
    }


def _boxes(path: Path) -> Boxes:
    boxes: Boxes = defaultdict(list)
    for number, row in records(read_table(path, ("image_id", "class_name", *CORNERS))):
        if row["class_name"] != "No finding":
            where = f"{path}, row {number}"
            boxes[row["image_id"]].append((row["class_name"], numbers(row, CORNERS, where), where))
    return boxes


def _shapes(
    boxes: list[tuple[str, list[float], str]], file: Path, labels: frozenset[str]
) -> list[Shape] | None:
    """None where the size of the image cannot be read."""
    wanted = [(label, corners, where) for name, corners, where in boxes if (label := label_of(name, labels))]
    if not wanted:
        return []
    size = image_size(file)
    return size and [corner_box(label, corners, size, where) for label, corners, where in wanted]


def _reading(reading: Reading, names: list[str], present: set[str], votes: dict[str, int]) -> Reading:
    for name in names:
        reading.say(name, State.PRESENT if name in present else None if votes[name] else State.ABSENT)
    return reading
