"""NIH ChestX-ray14: labels of fourteen findings, mined from reports, and boxes of eight.

Citation: Wang et al., CVPR 2017, doi 10.1109/CVPR.2017.369
Get it: https://nihcc.app.box.com/v/ChestXray-NIHCC
Counts: 112,120 frontal images of 30,805 patients; 984 boxes on 880 of them
Files: Data_Entry_2017*.csv, BBox_List_2017.csv, train_val_list.txt, test_list.txt, and the images in images/
or
    images_001/images/ to images_012/images/
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from patchclip.data.findings import NIH_FINDINGS, label_of
from patchclip.data.tables import check_patients, numbers
from patchclip.errors import DataError
from trainer.data.contents import Collector, Contents
from trainer.data.sample import Shape
from trainer.data.tables import (
    RASTER,
    corner_box,
    find_file,
    index_images,
    need_file,
    own_split,
    read_table,
    records,
)

IMAGE_SIZE = 1024  # boxes are in pixels of the published images, which are squares of this size
BOX_COLUMNS = (
    "Bbox [x",
    "y",
    "w",
    "h]",
)  # the header has one cell "Bbox [x,y,w,h]", which its own commas part into four
LISTS = {"train": "train_val_list.txt", "test": "test_list.txt"}


def read_nih(folder: Path, split: str, *, labels: frozenset[str]) -> Contents:
    """Reads a split, "train" (the official training and validation list) or "test".

    The labels were mined from reports: a finding that is not named counts as not mentioned, and all fourteen
    as absent where "No Finding" stands alone.

    Raises:
        DataError: a file is missing or malformed, a box lies outside its image, or a patient is in both
            lists; names file and row.
    """
    path = need_file(folder, "Data_Entry_2017*.csv", "Data_Entry_2017*.csv.gz")
    table = read_table(path, ("Image Index", "Finding Labels", "Patient ID"))
    split = own_split(split, LISTS, folder)
    listed = {
        image: name
        for name, file in LISTS.items()
        for image in need_file(folder, file).read_text(encoding="utf-8").split()
    }
    splits = [listed.get(image, "") for image in table["Image Index"]]
    check_patients(
        (patient, assigned, path, number)
        for number, (patient, assigned) in enumerate(zip(table["Patient ID"], splits, strict=True), start=2)
        if assigned
    )
    boxes = _boxes(folder, frozenset(table["Image Index"]), labels)
    images = index_images(folder.glob("images*"), RASTER)
    collector = Collector("nih", labels)
    for (_, row), assigned in zip(records(table), splits, strict=True):
        if assigned != split:
            continue
        image = row["Image Index"]
        if (file := images.get(Path(image).stem)) is None:
            collector.missing(image)
            continue
        named = {name for name in row["Finding Labels"].split("|") if name}
        reading = collector.reading()
        if named:
            reading.say_report(named - {"No Finding"}, NIH_FINDINGS, normal=named == {"No Finding"})
        collector.add(
            file, reading, patient=row["Patient ID"], shapes=boxes[image], view=row.get("View Position")
        )
    return collector.contents(path, split)


def _boxes(folder: Path, images: frozenset[str], labels: frozenset[str]) -> dict[str, list[Shape]]:
    """Boxes of each image; none where the file is not there. A boxed finding is in the labels too, which
    count what is lacking."""
    boxes: dict[str, list[Shape]] = defaultdict(list)
    path = find_file(folder, "BBox_List_2017*.csv", "BBox_List_2017*.csv.gz")
    if path is None:
        return boxes
    for number, row in records(read_table(path, ("Image Index", "Finding Label", *BOX_COLUMNS))):
        where = f"{path}, row {number}"
        if row["Image Index"] not in images:
            raise DataError(
                f"{where}: its image is not in the table of images; get both files from the same release."
            )
        x, y, w, h = numbers(row, BOX_COLUMNS, where)
        if label := label_of(row["Finding Label"], labels):
            boxes[row["Image Index"]].append(
                corner_box(label, (x, y, x + w, y + h), (IMAGE_SIZE, IMAGE_SIZE), where)
            )
    return boxes
