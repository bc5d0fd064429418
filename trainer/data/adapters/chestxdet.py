"""ChestX-Det and ChestX-Det10: boxes, and in the former outlines, on frontal images of NIH.

Citation: Lian et al., IEEE Transactions on Medical Imaging 2021, doi 10.1109/TMI.2021.3070847; Liu et al.,
2020,
    arXiv 2006.10550
Get it: https://github.com/Deepwise-AILab
Counts: 3,578 images with thirteen findings; 3,543 with ten
Files: ChestX_Det_{train,test}.json, or {train,test}.json of ChestX-Det10: a list of {"file_name", "syms",
"boxes":
    [[x0, y0, x1, y1]], "polygons": [[[x, y]]]} in pixels; the images in train_data/, test_data/, train/,
    test/ or images/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from patchclip.data.findings import CHESTX_DET_FINDINGS, label_of
from patchclip.data.tables import read_json
from patchclip.errors import DataError
from trainer.data.contents import Collector, Contents
from trainer.data.sample import Shape, State
from trainer.data.tables import (
    RASTER,
    TOLERANCE,
    corner_box,
    find_file,
    image_size,
    index_images,
    need_file,
    own_split,
)

SPLITS = ("train", "test")
ONLY_IN_CHESTX_DET = frozenset(("Cardiomegaly", "Diffuse Nodule", "Pleural_Thickening"))


def read_chestxdet(folder: Path, split: str, *, labels: frozenset[str]) -> Contents:
    """Reads a split, "train" or "test".

    Radiologists outlined every finding of the dataset's list, thirteen or, in ChestX-Det10, ten: a finding of
    the list without an outline is absent. A polygon, where there is one, is taken instead of its box.
    Patients are not named.

    Raises:
        DataError: the file is missing or malformed, or an outline lies outside its image; names file and
            entry.
    """
    files = {name: find_file(folder, f"ChestX_Det_{name}.json", f"{name}.json") for name in SPLITS}
    need_file(folder, "ChestX_Det_*.json", "train.json", "test.json")
    split = own_split(split, [name for name, file in files.items() if file], folder)
    path = files[split]
    assert path is not None  # own_split chose among those that are there
    ten = not path.name.startswith("ChestX_Det_")
    findings = [finding for finding in CHESTX_DET_FINDINGS if not (ten and finding in ONLY_IN_CHESTX_DET)]
    roots = [folder / name for name in (f"{split}_data", split, "images") if (folder / name).is_dir()]
    images = index_images(roots or [folder], RASTER)
    collector = Collector("chestxdet", labels)
    for number, entry in enumerate(read_json(path, list), start=1):
        where = f"{path}, entry {number}"
        name, outlines = _outlines(entry, where)
        if (file := images.get(Path(name).stem)) is None:
            collector.missing(name)
            continue
        size = image_size(file)
        if size is None:
            collector.leave_out(f"{file.name}: its header cannot be read")
            continue
        reading = collector.reading()
        for finding in findings:
            reading.say(finding, State.ABSENT)
        for finding, *_ in outlines:
            reading.say(finding, State.PRESENT)
        shapes = [
            _shape(label, box, polygon, size, where)
            for finding, box, polygon in outlines
            if (label := label_of(finding, labels))
        ]
        collector.add(file, reading, shapes=shapes)
    return collector.contents(path, split)


def _outlines(entry: Any, where: str) -> tuple[str, list[tuple[str, Any, Any]]]:
    """File name, and (finding, box, polygon or None) of each outline."""
    if not isinstance(entry, Mapping) or not {"file_name", "syms", "boxes"} <= entry.keys():
        raise DataError(f"{where}: it must have file_name, syms and boxes.")
    syms, boxes = entry["syms"], entry["boxes"]
    polygons = entry.get("polygons") or [None] * len(syms)
    if not len(syms) == len(boxes) == len(polygons):
        raise DataError(f"{where}: syms, boxes and polygons must be of one length.")
    return str(entry["file_name"]), list(zip(syms, boxes, polygons, strict=True))


def _shape(
    label: str,
    box: Sequence[float],
    polygon: Sequence[Sequence[float]] | None,
    size: tuple[int, int],
    where: str,
) -> Shape:
    if polygon is None or len(polygon) < 3:
        return corner_box(label, box, size, where)
    points = [(x / size[0], y / size[1]) for x, y in polygon]
    if not all(-TOLERANCE <= value <= 1 + TOLERANCE for point in points for value in point):
        raise DataError(f"{where}: a polygon lies outside its image; correct or remove it.")
    return Shape(label, tuple((min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in points))
