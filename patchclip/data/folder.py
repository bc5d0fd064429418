"""The reader of a dataset folder: images.csv, boxes.csv, polygons.json and images/, under one set of rules
for evaluation and training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from patchclip.data.annotations import BoxTable, read_boxes, read_outlines
from patchclip.data.findings import FindingNames
from patchclip.data.images import read_images
from patchclip.data.remarks import Remarks
from patchclip.data.rows import BoxRow, ImageRow, Outline
from patchclip.data.tables import is_file
from patchclip.data.verdicts import read_verdicts


@dataclass(frozen=True, slots=True)
class DatasetFolder:
    """One split of a dataset folder.

    Attributes:
        folder, split: what was read.
        images: those whose file is there, in the order of images.csv.
        boxes: image -> its boxes of findings that the model knows, in the order of boxes.csv; images without
            one are no key.
        outlines: the same of polygons.json.
        drawn_by: image -> the sources that drew a box on it, also of findings that the model lacks.
        verdicts: image -> finding as expert_labels.csv names it -> whether adjudicating readers saw it.
        sources: all that drew boxes, on images of any split.
        has_boxes: whether there is a boxes.csv or a lesions.csv.
        missing: images of the split whose file is not there.
        left_out: a sentence for each thing that was left out.
        notes: a sentence for each kind of thing that was read otherwise than written.
    """

    folder: Path
    split: str
    images: tuple[ImageRow, ...]
    boxes: Mapping[str, tuple[BoxRow, ...]]
    outlines: Mapping[str, tuple[Outline, ...]]
    drawn_by: Mapping[str, frozenset[str]]
    verdicts: Mapping[str, Mapping[str, bool]]
    sources: frozenset[str]
    has_boxes: bool
    missing: int
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def read_dataset_folder(
    folder: Path,
    split: str,
    names: FindingNames,
    *,
    required: tuple[str, ...] = ("image",),
    allow_missing: bool = False,
) -> DatasetFolder:
    """Reads one split.

    Every row of every split is checked. A finding that the model lacks, though datasets know it, is counted
    and left out.

    Args:
        folder: holds images.csv (at least `required`), images/, and optionally boxes.csv, polygons.json,
            expert_labels.csv, and lesions.csv, which takes the place of boxes.csv: the same boxes, with how
            many readers saw each.
        split: rows with this value of `split`; without that column every row is "train".
        names: what the tables may call findings.
        required: columns that images.csv must have.
        allow_missing: leave out any number of images without a file, and of boxes and outlines without an
            image, rather than at most 1 %.

    Raises:
        DataError: a table is missing or malformed; a finding is unknown; an image stands in two rows, a
            patient in two splits; a name leads out of the folder; a box or an outline lies outside its image;
            the split is empty, or too much of it is missing. The text names file and row.
    """
    remarks = Remarks()
    images = read_images(folder, split, names, required, allow_missing, remarks)
    lesion_file, outline_file = folder / "lesions.csv", folder / "polygons.json"
    box_file = lesion_file if is_file(lesion_file) else folder / "boxes.csv"
    verdict_file = folder / "expert_labels.csv"
    has_boxes = is_file(box_file)
    drawn = (
        read_boxes(box_file, images, names, allow_missing, remarks)
        if has_boxes
        else BoxTable({}, {}, frozenset())
    )
    outlines = (
        read_outlines(outline_file, images, names, allow_missing, remarks) if is_file(outline_file) else {}
    )
    verdicts = read_verdicts(verdict_file, images, names, remarks) if is_file(verdict_file) else {}

    for name in images.missing:
        count = len(drawn.boxes.get(name, ()))
        lost = f", and {count} boxes with it" if count else ""
        remarks.leave_out([f"{name}: the image file is missing{lost}"])
    remarks.leave_out(
        f"{label}: unknown to the model, named on {count} images"
        for label, count in sorted(images.lacking.items())
    )

    present = {image.name for image in images.rows}
    return DatasetFolder(
        folder=folder,
        split=split,
        images=images.rows,
        boxes={name: rows for name, rows in drawn.boxes.items() if name in present},
        outlines={name: items for name, items in outlines.items() if name in present},
        drawn_by={name: sources for name, sources in drawn.drawn_by.items() if name in present},
        verdicts={name: items for name, items in verdicts.items() if name in present},
        sources=drawn.sources,
        has_boxes=has_boxes,
        missing=len(images.missing),
        left_out=remarks.left_out,
        notes=remarks.notes,
    )
