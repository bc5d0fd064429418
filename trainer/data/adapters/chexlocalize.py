"""CheXlocalize: CheXpert's validation and test images with masks of ten findings.

Citation: Saporta et al., Nature Machine Intelligence 2022, doi 10.1038/s42256-022-00536-x
Get it: https://github.com/rajpurkarlab/cheXlocalize
Counts: 234 images of 200 patients for validation, 668 images of 500 patients for test
Files: gt_segmentations_{val,test}.json ({image: {finding: {"size": [h, w], "counts": COCO run lengths}}}) in
the
    folder or in CheXlocalize/; val/, test/ and {val,test}_labels.csv in the folder or in CheXpert/
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from patchclip.data.findings import label_of
from patchclip.data.tables import check_patients, read_json
from patchclip.errors import DataError
from trainer.data.adapters.chexpert import image_file, is_frontal, patient_of, say_labels
from trainer.data.contents import Collector, Contents
from trainer.data.masks import shapes_from_mask
from trainer.data.sample import Shape
from trainer.data.tables import find_file, need_file, own_split, read_table, records

SPLITS = ("val", "test")


def read_chexlocalize(folder: Path, split: str, *, labels: frozenset[str]) -> Contents:
    """Reads the frontal images of a split, "val" or "test", with the masks that radiologists drew of ten
    findings.

    The labels, by consensus of radiologists, say what is present and absent; an empty mask says nothing.
    Without the table of labels only the images that have masks are read, and what has none is unknown.

    Raises:
        DataError: a file is missing or malformed, or a patient is in both splits; names file and row.
    """
    files = {
        name: find_file(folder, f"gt_segmentations_{name}.json", f"CheXlocalize/gt_segmentations_{name}.json")
        for name in SPLITS
    }
    need_file(folder, "gt_segmentations_*.json", "CheXlocalize/gt_segmentations_*.json")
    split = own_split(split, [name for name, file in files.items() if file], folder)
    path = files[split]
    assert path is not None  # own_split chose among those that are there
    masks = {name: read_json(file, dict) for name, file in files.items() if file}
    check_patients(
        (patient_of(image), name, files[name] or folder, number)
        for name, images in masks.items()
        for number, image in enumerate(images, start=1)
    )
    root = folder / "CheXpert" if (folder / "CheXpert").is_dir() else folder
    table = find_file(root, f"{split}_labels.csv") or find_file(folder, f"{split}_labels.csv")
    collector = Collector("chexlocalize", labels)
    lateral = 0
    for where, row in _rows(table, masks[split], path, split):
        if not is_frontal(row):
            lateral += 1
            continue
        file = image_file(root, row["Path"])
        if not file.is_file():
            collector.leave_out(
                f"{where}: the image file {file.name} is missing"
            )  # the path holds the patient's number
            continue
        reading = collector.reading()
        if table:
            say_labels(reading, row, where)
        image = "_".join(Path(row["Path"]).with_suffix("").parts[-3:])
        shapes: list[Shape] = []
        for finding, mask in masks[split].get(image, {}).items():
            outlines = shapes_from_mask(
                label_of(finding, labels) or finding, _decode(mask, f"{where}, {finding}")
            )
            if outlines and label_of(finding, labels):
                shapes += outlines
            elif outlines and not table:
                collector.lacks(finding)
        collector.add(file, reading, patient=patient_of(row["Path"]), shapes=shapes, view=row.get("AP/PA"))
    collector.leave_out_some(lateral, "lateral images")
    return collector.contents(table or path, split)


def _rows(
    table: Path | None, masks: dict[str, Any], path: Path, split: str
) -> list[tuple[str, dict[str, str]]]:
    """(file and row, row) of each image: from the table of labels, else made of the names of the masks."""
    if table:
        return [
            (f"{table}, row {number}", row)
            for number, row in records(read_table(table, ("Path", "No Finding")))
        ]
    return [
        (f"{path}, entry {number}", {"Path": f"{split}/{'/'.join(image.split('_', 2))}.jpg"})
        for number, image in enumerate(masks, start=1)
    ]


def _decode(mask: Any, where: str) -> Any:
    """A mask uint8 [h, w] from COCO's compressed run lengths."""
    try:
        from pycocotools.mask import decode
    except ImportError as error:
        raise DataError("Reading CheXlocalize needs pycocotools; install requirements-train.txt.") from error
    try:
        return decode({"size": [int(extent) for extent in mask["size"]], "counts": mask["counts"]})
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where}: the mask must have a size and run lengths.") from error
