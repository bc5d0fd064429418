"""Adapter for this project's dataset folder: images.csv, boxes.csv, optional polygons.json, images/."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count, repeat
from pathlib import Path

from patchclip.errors import DataError
from trainer.data.adapters.rsna import CLASSES
from trainer.data.contents import Contents
from trainer.data.labels import CHESTX_DET_FINDINGS, DIFFUSE_NODULE, LUNG_OPACITY, NIH_FINDINGS, RENAMED
from trainer.data.sample import Sample, Shape, State
from trainer.data.tables import TOLERANCE, check_patients, numbers, read_json, read_table, records

COLUMNS = {"image", "patient_id", "split", "view", "sex", "age", "labels", "rsna_class", "chestx_det"}
BOX_COLUMNS = ("image", "source", "finding", "x", "y", "w", "h")


def read_folder(
    folder: Path, split: str, *, known: frozenset[str], labelled: Sequence[str] = NIH_FINDINGS
) -> Contents:
    """Reads one split of a dataset folder.

    Args:
        folder: holds images.csv (at least `image` and `labels`), images/, and optionally boxes.csv and polygons.json.
        split: rows with this value of `split`; a folder without that column counts as "train".
        known: labels that the vocabulary has.
        labelled: findings that `labels` speaks of; of any other it says nothing, unless it says "No Finding".

    Raises:
        DataError: a table or polygons.json is missing or malformed, an image is named twice, a patient is in two splits, an outline lies
            outside its image, or the split is empty; names file and row.
    """
    path = folder / "images.csv"
    table = read_table(path, required=("image", "labels"), allowed=COLUMNS)
    if "split" not in table:
        table["split"] = "train"
    _check_images(path, table["image"])
    if "patient_id" in table:
        check_patients(zip(table["patient_id"], table["split"], repeat(path), count(2), strict=False))
    if split not in set(table["split"]):
        raise DataError(
            f'{path} has no row with split "{split}"; its splits are {", ".join(sorted(set(table["split"])))}.'
        )
    shapes = _read_shapes(folder, known, frozenset(table["image"]))
    samples: list[Sample] = []
    left_out: list[str] = []
    for number, row in records(table):
        if row["split"] != split:
            continue
        where = f"{path}, row {number}"
        own = shapes.get(row["image"], ())
        states = _states(row, {shape.label for shape in own}, labelled, where)
        if unknown := sorted(set(states) - known):
            raise DataError(
                f"{where}: the vocabulary has no finding {unknown[0]}; add it or correct the label."
            )
        if (file := folder / "images" / row["image"]).is_file():
            samples.append(
                Sample(file, row.get("patient_id") or None, folder.name, states, own, row.get("view") or None)
            )
        else:
            left_out.append(f"{row['image']}: the image file is missing")
    return Contents(tuple(samples), tuple(left_out))


def _check_images(path: Path, images: Iterable[str]) -> None:
    """Two rows of one image would be learnt from twice, or be on both sides of a split."""
    first: dict[str, int] = {}
    for number, image in enumerate(images, start=2):
        if first.setdefault(image, number) != number:
            raise DataError(
                f"{path}, rows {first[image]} and {number}: both are of one image; keep one of them."
            )


def _read_shapes(folder: Path, known: frozenset[str], images: frozenset[str]) -> dict[str, tuple[Shape, ...]]:
    """Outlines for each image. Polygons replace the boxes of their own source and finding."""
    shapes = _read_polygons(folder / "polygons.json", known, images)
    outlined = {(image, shape.label) for image, own in shapes.items() for shape in own}
    box_file = folder / "boxes.csv"
    if box_file.is_file():
        for number, row in records(read_table(box_file, BOX_COLUMNS)):
            where = f"{box_file}, row {number}"
            label = _label(row["finding"], known, where)
            if row["image"] not in images:
                raise DataError(f"{where}: its image is not in images.csv; add it there or remove the box.")
            x, y, w, h = numbers(row, ("x", "y", "w", "h"), where)
            if not (w > 0 and h > 0 and min(x, y) >= -TOLERANCE and max(x + w, y + h) <= 1 + TOLERANCE):
                raise DataError(
                    f"{where}: the box lies outside its image; x, y, w and h are fractions of it."
                )
            if row["source"] == "ChestX-Det" and (row["image"], label) in outlined:
                continue
            shapes.setdefault(row["image"], []).append(Shape.box(label, x, y, w, h))
    return {image: tuple(items) for image, items in shapes.items()}


def _read_polygons(path: Path, known: frozenset[str], images: frozenset[str]) -> dict[str, list[Shape]]:
    """Image -> outlines of {image: [{"finding", "points": [[x, y], ...]}]}; none where the file is not there."""
    shapes: dict[str, list[Shape]] = {}
    for image, outlines in read_json(path, dict).items() if path.is_file() else ():
        if image not in images:
            raise DataError(
                f"{path}, {image}: the image is not in images.csv; add it there or remove its outlines."
            )
        if not isinstance(outlines, list):
            raise DataError(f"{path}, {image}: its outlines must be a list.")
        for number, outline in enumerate(outlines, start=1):
            where = f"{path}, {image}, outline {number}"
            if not isinstance(outline, dict) or not {"finding", "points"} <= outline.keys():
                raise DataError(f"{where}: it must have finding and points.")
            try:
                points = tuple((float(x), float(y)) for x, y in outline["points"])
            except (TypeError, ValueError) as error:
                raise DataError(f"{where}: points must be pairs of numbers.") from error
            if len(points) < 3:
                raise DataError(f"{where}: it has {len(points)} points, and an outline needs three.")
            if not all(-TOLERANCE <= value <= 1 + TOLERANCE for point in points for value in point):
                raise DataError(f"{where}: a point lies outside the image; x and y are fractions of it.")
            shapes.setdefault(image, []).append(Shape(_label(str(outline["finding"]), known, where), points))
    return shapes


def _label(finding: str, known: frozenset[str], where: str) -> str:
    label = RENAMED.get(finding, finding)
    if label not in known:
        raise DataError(f"{where}: the vocabulary has no finding {finding}; add it or correct the row.")
    return label


def _states(row: dict[str, str], outlined: set[str], labelled: Sequence[str], where: str) -> dict[str, State]:
    """What a row says of each finding; an outline, then an explicit reading, outweighs the mined labels.

    RSNA's "Normal" is a verdict on the whole radiograph, as in `trainer.data.adapters.rsna`: every finding is absent, whatever a report was mined for.
    Where ChestX-Det's readers looked, its findings without an outline are absent.
    """
    for column, allowed in (("rsna_class", CLASSES), ("chestx_det", ("read",))):
        if row.get(column) and row[column] not in allowed:
            raise DataError(
                f'{where}: {column} is "{row[column]}"; it is blank or one of {", ".join(allowed)}.'
            )
    listed = {label for label in row["labels"].split("|") if label}
    mined_free = listed == {"No Finding"}
    states: dict[str, State] = {}
    if listed:
        mined = (
            dict.fromkeys(NIH_FINDINGS, State.ABSENT)
            if mined_free
            else dict.fromkeys(labelled, State.NOT_MENTIONED)
        )
        states = mined | dict.fromkeys(listed - {"No Finding"}, State.PRESENT)
    if row.get("rsna_class"):
        states[LUNG_OPACITY] = State.PRESENT if row["rsna_class"] == "Lung Opacity" else State.ABSENT
        if row["rsna_class"] == "Normal":
            states |= dict.fromkeys((*NIH_FINDINGS, *states), State.ABSENT)
        elif mined_free:  # a radiologist saw something where the report's labels say "No Finding": no longer explicit absence
            states |= {
                label: State.NOT_MENTIONED
                for label, state in states.items()
                if state is State.ABSENT and label != LUNG_OPACITY
            }
    if row.get("chestx_det") == "read":
        unseen = dict.fromkeys(CHESTX_DET_FINDINGS, State.ABSENT)
        if DIFFUSE_NODULE in outlined:  # several nodules, which a report calls nodules: no contradiction
            del unseen["Nodule"]
        states |= unseen
    return states | dict.fromkeys(outlined, State.PRESENT)
