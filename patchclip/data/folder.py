"""The reader of a dataset folder: images.csv, boxes.csv, polygons.json and images/, under one set of rules
for evaluation and training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from patchclip.data.files import ImageFile, ImageFiles
from patchclip.data.findings import NO_FINDING, FindingNames, NamedFinding
from patchclip.data.normal import RSNA_CLASSES
from patchclip.data.rows import BoxRow, ImageRow, Outline
from patchclip.data.tables import Row, check_patients, clipped, is_file, numbers, read_json, read_table
from patchclip.errors import DataError
from patchclip.types import RelativeBox

COLUMNS = ("image", "patient_id", "split", "view", "sex", "age", "labels", "rsna_class", "chestx_det")
BOX_COLUMNS = ("image", "source", "finding", "x", "y", "w", "h")
READ = "read"
EMPTY = frozenset(("nan", "none", "null", "<na>", "nat"))
"""What programs write for a cell that is empty. In `labels`, "none" may mean "No Finding" and is refused."""
MISSING_SHARE = 0.01
"""So many of a split's images, or of a table's boxes, may be left out before that must be allowed."""
TOLERANCE = 0.01
"""By so much of the image an outline may leave it: drawn corners are rounded."""


@dataclass(frozen=True, slots=True)
class DatasetFolder:
    """One split of a dataset folder.

    Attributes:
        folder, split: what was read.
        images: those whose file is there, in the order of images.csv.
        boxes: image -> its boxes of findings that the model knows, in the order of boxes.csv; images without
            one are no key.
        outlines: the same of polygons.json.
        sources: all that drew boxes, of any split.
        has_boxes: whether there is a boxes.csv.
        missing: images of the split whose file is not there.
        left_out: a sentence for each thing that was left out.
        notes: a sentence for each kind of thing that was read otherwise than written.
    """

    folder: Path
    split: str
    images: tuple[ImageRow, ...]
    boxes: Mapping[str, tuple[BoxRow, ...]]
    outlines: Mapping[str, tuple[Outline, ...]]
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
    required: Iterable[str] = ("image",),
    allow_missing: bool = False,
) -> DatasetFolder:
    """Reads one split.

    Every row of every split is checked. A finding that the model lacks, though datasets know it, is counted
    and left out.

    Args:
        folder: holds images.csv (at least `required`), images/, and optionally boxes.csv and polygons.json.
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
    return _Reader(folder, split, names, allow_missing).read(tuple(required))


def check_left_out(count: int, total: int, first: str, allow_missing: bool, what: str = "images") -> None:
    """Whether so much may be left out of `total`; `first` says what was the first, without a full stop.

    Raises:
        DataError: it is more than 1 %, and that is not allowed.
    """
    if count > MISSING_SHARE * total and not allow_missing:
        raise DataError(
            f"{first.rstrip('.')}; {count} of {total} {what} would be left out, so correct that, or accept it with --allow-missing."
        )


class _Reader:
    """Gathers what one reading says beside its rows."""

    def __init__(self, folder: Path, split: str, names: FindingNames, allow_missing: bool) -> None:
        self._folder, self._split, self._names, self._allow_missing = folder, split, names, allow_missing
        self._files = ImageFiles(folder / "images")
        self._in_split: dict[str, bool] = {}
        """Image -> whether it is of the split."""
        self._written: dict[str, str] = {}
        """Name of an image in images.csv, as written -> its name."""
        self._notes: list[str] = []
        self._counts: Counter[str] = Counter()
        """Sentence without its number of rows -> that number."""
        self._left_out: list[str] = []

    def read(self, required: tuple[str, ...]) -> DatasetFolder:
        """See `read_dataset_folder`."""
        images, missing, lacking = self._read_images(required)
        sources, boxes = self._read_boxes()
        outlines = self._read_outlines()
        for name in missing:
            count = len(boxes.pop(name, ())) + len(outlines.pop(name, ()))
            self._left_out.append(
                f"{name}: the image file is missing{f', and {count} boxes with it' if count else ''}"
            )
        self._left_out += [
            f"{label}: unknown to the model, named on {count} images"
            for label, count in sorted(lacking.items())
        ]
        return DatasetFolder(
            folder=self._folder,
            split=self._split,
            images=images,
            boxes={image: tuple(items) for image, items in boxes.items()},
            outlines={image: tuple(items) for image, items in outlines.items()},
            sources=sources,
            has_boxes=is_file(self._folder / "boxes.csv"),
            missing=len(missing),
            left_out=tuple(self._left_out),
            notes=(*self._notes, *(f"{text}, {count} rows" for text, count in sorted(self._counts.items()))),
        )

    def _read_images(self, required: tuple[str, ...]) -> tuple[tuple[ImageRow, ...], list[str], Counter[str]]:
        """Images that are there, names of those that are not, and how many images name each finding that the
        model lacks."""
        path = self._folder / "images.csv"
        table = read_table(path, required, COLUMNS)
        self._notes += table.notes
        rows = [(row, _cleaned(row, self._counts)) for row in table.rows]
        splits = [cells["split"] if "split" in table.columns else "train" for _, cells in rows]
        if self._split not in splits:
            listed = ", ".join(sorted({clipped(split) for split in splits if split}))
            raise DataError(
                f'{path} has no row with split "{clipped(self._split)}"; its splits are {listed}.'
            )
        if blank := splits.count(""):
            self._counts["images.csv: split is empty, so no split has the image"] = blank
        check_patients(
            (cells["patient_id"], split, path, row.number)
            for (row, cells), split in zip(rows, splits, strict=True)
        )
        first: dict[str, int] = {}
        images: list[ImageRow] = []
        missing: dict[str, int] = {}
        lacking: Counter[str] = Counter()
        for (row, cells), split in zip(rows, splits, strict=True):
            where = f"{path}, row {row.number}"
            file = self._files.find(cells["image"], where)
            if first.setdefault(file.name, row.number) != row.number:
                raise DataError(
                    f"{path}, rows {first[file.name]} and {row.number}: both are of one image; keep one of them."
                )
            self._in_split[file.name] = split == self._split
            self._written[cells["image"]] = file.name
            counts = self._counts if split == self._split else Counter[str]()
            image, unknown = self._image(cells, file, where, counts)
            if split != self._split:
                continue
            if file.renamed:
                self._counts[
                    "images.csv: image names another path than that of the file, which was found"
                ] += 1
            if file.exists:
                images.append(image)
                lacking.update(unknown)
            else:
                missing[file.name] = row.number
        if missing and not images:
            raise DataError(
                f"None of the {len(missing)} images of split {self._split} exist under {self._folder / 'images'}; check the folder."
            )
        if missing:
            name, number = next(iter(missing.items()))
            sentence = f"{path}, row {number}: the image file {clipped(name)} is missing"
            check_left_out(len(missing), len(images) + len(missing), sentence, self._allow_missing)
        return tuple(images), list(missing), lacking

    def _image(
        self, cells: Mapping[str, str], file: ImageFile, where: str, counts: Counter[str]
    ) -> tuple[ImageRow, set[str]]:
        """One row, and the findings in it that the model lacks."""
        for column, allowed in (("rsna_class", RSNA_CLASSES), ("chestx_det", (READ,))):
            if cells[column] and cells[column] not in allowed:
                raise DataError(
                    f'{where}: {column} is "{clipped(cells[column])}"; it is blank or one of {", ".join(allowed)}.'
                )
        labels: set[str] = set()
        unknown: set[str] = set()
        for name in filter(None, (part.strip() for part in cells["labels"].split("|"))):
            label = self._label(name, "images.csv", where, counts)
            labels.add(label.label)
            if not label.in_model and label.label != NO_FINDING:
                unknown.add(label.label)
        if NO_FINDING in labels and len(labels) > 1:
            raise DataError(
                f'{where}: labels say "{NO_FINDING}" beside a finding; keep the one or the other.'
            )
        return ImageRow(
            name=file.name,
            path=file.path,
            patient=cells["patient_id"] or file.name,
            labels=frozenset(labels),
            rsna_class=cells["rsna_class"],
            chestx_det_read=cells["chestx_det"] == READ,
            view=cells["view"],
            sex=cells["sex"],
            age=_age(cells["age"]),
            patient_known=bool(cells["patient_id"]),
        ), unknown

    def _label(self, name: str, table: str, where: str, counts: Counter[str]) -> NamedFinding:
        """What a name in a table stands for; counts it where it is not the label itself."""
        finding = self._names.find(name, where)
        if finding.renamed:
            counts[f'{table}: "{clipped(name)}" is taken for {finding.label}'] += 1
        return finding

    def _read_boxes(self) -> tuple[frozenset[str], dict[str, list[BoxRow]]]:
        """All sources, and the boxes of the split's images."""
        path = self._folder / "boxes.csv"
        boxes: dict[str, list[BoxRow]] = {}
        if not is_file(path):
            return frozenset(), boxes
        table = read_table(path, BOX_COLUMNS, BOX_COLUMNS)
        self._notes += table.notes
        lost: list[str] = []
        lacking: Counter[str] = Counter()
        for row in table.rows:
            where = f"{path}, row {row.number}"
            image = self._image_name(row.cells["image"], "boxes.csv", where)
            counts = self._counts if image and self._in_split[image] else Counter[str]()
            finding = self._label(row.cells["finding"], "boxes.csv", where, counts)
            box = _relative_box(row, where)
            if finding.label == NO_FINDING:
                raise DataError(f'{where}: a box of "{NO_FINDING}" says nothing; remove the row.')
            if image is None:
                lost.append(
                    f"boxes.csv row {row.number}: its image {clipped(row.cells['image'])} is not in images.csv"
                )
            elif not self._in_split[image]:
                continue
            elif not finding.in_model:
                lacking[finding.label] += 1
            else:
                boxes.setdefault(image, []).append(BoxRow(image, row.cells["source"], finding.label, box))
        self._lose(lost, len(table.rows), path, "boxes")
        self._left_out += [
            f"boxes.csv: {label} is unknown to the model, {count} boxes"
            for label, count in sorted(lacking.items())
        ]
        return frozenset(row.cells["source"] for row in table.rows), boxes

    def _read_outlines(self) -> dict[str, list[Outline]]:
        """Outlines of the split's images; none where there is no polygons.json."""
        path = self._folder / "polygons.json"
        outlines: dict[str, list[Outline]] = {}
        if not is_file(path):
            return outlines
        content = read_json(path, dict)
        lost: list[str] = []
        lacking: Counter[str] = Counter()
        for written, items in content.items():
            where = f"{path}, {clipped(written)}"
            image = self._image_name(written, "polygons.json", where)
            counts = self._counts if image and self._in_split[image] else Counter[str]()
            if not isinstance(items, list):
                raise DataError(f"{where}: its outlines must be a list.")
            if image is None:
                lost.append(f"polygons.json: its image {clipped(written)} is not in images.csv")
            for number, item in enumerate(items, start=1):
                place = f"{where}, outline {number}"
                if not isinstance(item, dict) or not {"finding", "points"} <= item.keys():
                    raise DataError(f"{place}: it must have finding and points.")
                finding = self._label(str(item["finding"]), "polygons.json", place, counts)
                points = _corners(item["points"], place)
                if image is None or not self._in_split[image]:
                    continue
                if finding.in_model:
                    outlines.setdefault(image, []).append(Outline(image, finding.label, points))
                else:
                    lacking[finding.label] += 1
        self._lose(lost, len(content), path, "outlines")
        self._left_out += [
            f"polygons.json: {label} is unknown to the model, {count} outlines"
            for label, count in sorted(lacking.items())
        ]
        return outlines

    def _image_name(self, written: str, table: str, where: str) -> str | None:
        """The name of an image that another table than images.csv names; None where images.csv does not list
        it."""
        if written in self._written:
            return self._written[written]
        name = self._files.find(written, where).name
        if name not in self._in_split:
            return None
        if self._in_split[name]:
            self._counts[f"{table}: image is written otherwise than in images.csv, where it was found"] += 1
        return name

    def _lose(self, lost: list[str], total: int, path: Path, what: str) -> None:
        """Leaves out what belongs to no image of images.csv, unless that is too much."""
        if lost:
            check_left_out(len(lost), total, f"{path.parent / lost[0]}", self._allow_missing, what)
        self._left_out += lost


def _cleaned(row: Row, counts: Counter[str]) -> dict[str, str]:
    """Column -> cell, of all columns; what programs write for an empty cell is empty, and counted."""
    cells = dict.fromkeys(COLUMNS, "") | dict(row.cells)
    for column in COLUMNS[1:]:
        word = cells[column]
        if word.casefold() in EMPTY and not (column == "labels" and word.casefold() == "none"):
            cells[column] = ""
            counts[f'images.csv: "{word}" in {column} is taken for an empty cell'] += 1
    return cells


def _age(text: str) -> float | None:
    """In years; None where the table does not say, in digits."""
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else None


def _relative_box(row: Row, where: str) -> RelativeBox:
    """A decimal comma is a point: a fraction of an image has no thousands."""
    cells = {name: row.cells[name].replace(",", ".") for name in ("x", "y", "w", "h")}
    x, y, w, h = numbers(cells, tuple(cells), where)
    box = RelativeBox(x, y, w, h)
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
