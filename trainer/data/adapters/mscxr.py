"""MS-CXR: boxes of eight findings on images of MIMIC-CXR.

Citation: Boecking et al., ECCV 2022, doi 10.1007/978-3-031-20059-5_1
Get it: https://physionet.org/content/ms-cxr/
Counts: 1,162 pairs of an image and a sentence, each with its boxes
Files: MS_CXR_Local_Alignment_v*.csv: category_name, label_text, path, x, y, w, h, image_width, image_height,
in
    later versions dicom_id
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from patchclip.data.findings import label_of
from patchclip.data.tables import numbers
from patchclip.errors import DataError
from trainer.data.contents import Collector
from trainer.data.sample import Shape
from trainer.data.tables import corner_box, find_file, read_table, records

BOX_COLUMNS = ("x", "y", "w", "h", "image_width", "image_height")


def read_ms_cxr(folder: Path, collector: Collector) -> dict[str, list[Shape]]:
    """Boxes of each image by its dicom_id, without a dot or suffix; empty where the folder has no such file.

    Raises:
        DataError: the table is malformed, or a box lies outside its image; names file and row.
    """
    boxes: dict[str, list[Shape]] = defaultdict(list)
    path = find_file(folder, "MS_CXR_Local_Alignment_*.csv", "*/MS_CXR_Local_Alignment_*.csv")
    if path is None:
        return boxes
    for number, row in records(read_table(path, ("category_name", *BOX_COLUMNS))):
        where = f"{path}, row {number}"
        image = row.get("dicom_id") or Path(row.get("path", "")).stem
        if not image:
            raise DataError(f"{where}: the box names no image, neither by dicom_id nor by path.")
        x, y, w, h, width, height = numbers(row, BOX_COLUMNS, where)
        if label := label_of(row["category_name"], collector.labels):
            boxes[image].append(corner_box(label, (x, y, x + w, y + h), (width, height), where))
        else:
            collector.lacks(row["category_name"])
    return boxes
