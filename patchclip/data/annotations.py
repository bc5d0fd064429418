"""boxes.csv and polygons.json of a dataset folder: where findings lie, of the images of one split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from patchclip.data.findings import NO_FINDING, FindingNames
from patchclip.data.images import ImageTable
from patchclip.data.remarks import Remarks, check_left_out
from patchclip.data.rows import BoxRow, Outline
from patchclip.data.tables import Row, clipped, numbers, read_json, read_table
from patchclip.errors import DataError
from patchclip.types import RelativeBox

BOX_COLUMNS = ("image", "source", "finding", "x", "y", "w", "h")
READERS = "readers"
"""Column that a table of boxes may have beside these: how many readers saw it."""
TOLERANCE = 0.01
"""By so much of the image a box or an outline may leave it: drawn corners are rounded."""


@dataclass(frozen=True, slots=True)
class BoxTable:
    """What boxes.csv says.

    Attributes:
        boxes: image -> its boxes, of the split's images and of findings that the model knows.
        drawn_by: image of the split -> the sources that drew a box on it, also of findings that the model
            lacks.
        sources: all that drew boxes, on images of any split.
    """

    boxes: Mapping[str, tuple[BoxRow, ...]]
    drawn_by: Mapping[str, frozenset[str]]
    sources: frozenset[str]


def read_boxes(
    path: Path, images: ImageTable, names: FindingNames, allow_missing: bool, remarks: Remarks
) -> BoxTable:
    """Reads the table; see `patchclip.data.folder.read_dataset_folder`."""
    table = read_table(path, BOX_COLUMNS, (*BOX_COLUMNS, READERS))
    remarks.note(table.notes)
    boxes: dict[str, list[BoxRow]] = {}
    drawn_by: dict[str, set[str]] = {}
    strangers: list[str] = []
    lacking: Counter[str] = Counter()
    for row in table.rows:
        where = f"{path}, row {row.number}"
        image = images.find(row.cells["image"], path.name, where, remarks)
        finding = names.find(row.cells["finding"], where)
        if finding.label == NO_FINDING:
            raise DataError(f'{where}: a box of "{NO_FINDING}" says nothing; remove the row.')
        box = _relative_box(row, where)
        readers = _readers(row, where)
        if image is None:
            written = clipped(row.cells["image"])
            strangers.append(f"{path.name} row {row.number}: its image {written} is not in images.csv")
        elif images.splits[image]:
            source = row.cells["source"]
            drawn_by.setdefault(image, set()).add(source)
            remarks.count(f"{path.name}: {finding.remark}", int(finding.renamed))
            if finding.in_model:
                boxes.setdefault(image, []).append(BoxRow(image, source, finding.label, box, readers))
            else:
                lacking[finding.label] += 1
    _leave_out(strangers, len(table.rows), path, "boxes", allow_missing, remarks)
    remarks.lack(path.name, lacking, "boxes")
    return BoxTable(
        {image: tuple(rows) for image, rows in boxes.items()},
        {image: frozenset(sources) for image, sources in drawn_by.items()},
        frozenset(row.cells["source"] for row in table.rows),
    )


def read_outlines(
    path: Path, images: ImageTable, names: FindingNames, allow_missing: bool, remarks: Remarks
) -> Mapping[str, tuple[Outline, ...]]:
    """Reads {image: [{"finding", "points": [[x, y], ...]}]}: image -> its outlines, as `BoxTable.boxes`."""
    content = read_json(path, dict)
    outlines: dict[str, list[Outline]] = {}
    strangers: list[str] = []
    lacking: Counter[str] = Counter()
    for written, items in content.items():
        where = f"{path}, {clipped(written)}"
        image = images.find(written, "polygons.json", where, remarks)
        if not isinstance(items, list):
            raise DataError(f"{where}: its outlines must be a list.")
        if image is None:
            strangers.append(f"polygons.json: its image {clipped(written)} is not in images.csv")
        for number, item in enumerate(items, start=1):
            place = f"{where}, outline {number}"
            if not isinstance(item, dict) or not {"finding", "points"} <= item.keys():
                raise DataError(f"{place}: it must have finding and points.")
            finding = names.find(str(item["finding"]), place)
            points = _corners(item["points"], place)
            if image is None or not images.splits[image]:
                continue
            remarks.count(f"polygons.json: {finding.remark}", int(finding.renamed))
            if finding.in_model:
                outlines.setdefault(image, []).append(Outline(image, finding.label, points))
            else:
                lacking[finding.label] += 1
    _leave_out(strangers, len(content), path, "outlined images", allow_missing, remarks)
    remarks.lack("polygons.json", lacking, "outlines")
    return {image: tuple(items) for image, items in outlines.items()}


def _leave_out(
    strangers: list[str], total: int, path: Path, what: str, allow_missing: bool, remarks: Remarks
) -> None:
    """Leaves out what belongs to no image of images.csv, unless that is too much."""
    if strangers:
        check_left_out(len(strangers), total, f"{path.parent / strangers[0]}", allow_missing, what)
    remarks.leave_out(strangers)


def _readers(row: Row, where: str) -> int | None:
    text = row.cells.get(READERS, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise DataError(f'{where}: readers is "{clipped(text)}"; it is blank or a whole number above 0.')
    return int(text)


def _relative_box(row: Row, where: str) -> RelativeBox:
    """A decimal comma is a point: a fraction of an image has no thousands."""
    cells = {name: row.cells[name].replace(",", ".") for name in ("x", "y", "w", "h")}
    box = RelativeBox(*numbers(cells, tuple(cells), where))
    if not box.lies_inside(TOLERANCE):
        raise DataError(f"{where}: the box lies outside its image; x, y, w and h are fractions of it.")
    return box


def _corners(points: object, where: str) -> tuple[tuple[float, float], ...]:
    """Of an outline."""
    if not isinstance(points, list):
        raise DataError(f"{where}: points must be pairs of numbers.")
    try:
        corners = tuple((float(x), float(y)) for x, y in points)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{where}: points must be pairs of numbers.") from error
    if len(corners) < 3:
        raise DataError(f"{where}: it has {len(corners)} points, and an outline needs three.")
    if not all(-TOLERANCE <= value <= 1 + TOLERANCE for corner in corners for value in corner):
        raise DataError(f"{where}: a point lies outside the image; x and y are fractions of it.")
    return corners
