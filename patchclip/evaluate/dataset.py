"""A dataset folder as evaluation sees it: images, labels, and the boxes of each reader, with everything left
out named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path

from patchclip.data.findings import LUNG_OPACITY, NIH_BOXED, FindingNames
from patchclip.data.folder import DatasetFolder, read_dataset_folder
from patchclip.data.normal import CHESTX_DET, NIH, RSNA
from patchclip.data.rows import ImageRow
from patchclip.text.vocabulary import Vocabulary
from patchclip.types import RelativeBox

NIH8 = NIH_BOXED
__all__ = ["CHESTX_DET", "LUNG_OPACITY", "NIH", "NIH8", "RSNA", "EvaluationData", "EvaluationImage"]


def first_reader(label: str) -> str:
    """Whose boxes are the truth of a finding: RSNA's for lung opacity, NIH's for the others."""
    return RSNA if label == LUNG_OPACITY else NIH


@dataclass(frozen=True, slots=True)
class EvaluationImage(ImageRow):
    """One row of images.csv, with its boxes by source and finding."""

    boxes: dict[tuple[str, str], tuple[RelativeBox, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EvaluationData:
    """The images of one split that exist.

    Attributes:
        folder, split: what was read.
        images: see above.
        left_out: a sentence for each thing that was left out.
        notes: a sentence for each kind of thing that was read otherwise than written.
        missing: images of the split whose file is not there.
    """

    folder: Path
    split: str
    images: tuple[EvaluationImage, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...] = ()
    missing: int = 0


def read_dataset(
    folder: Path,
    split: str,
    labels: frozenset[str],
    *,
    vocabulary: Vocabulary | None = None,
    allow_missing: bool = False,
) -> EvaluationData:
    """Reads one split; see `patchclip.data.folder` for the rules.

    Args:
        folder: with images.csv (at least `image`), images/ and, for localisation, boxes.csv.
        split: rows to take.
        labels: what the model knows; other findings are left out and counted.
        vocabulary: the model's, whose synonyms the tables may use.
        allow_missing: leave out any number of images that are not there.

    Raises:
        DataError: a table is missing or malformed, or the split is empty.
    """
    content = read_dataset_folder(
        folder, split, FindingNames(labels, vocabulary), allow_missing=allow_missing
    )
    boxes, unused = _by_reader(content)
    images = tuple(
        EvaluationImage(
            **{item.name: getattr(row, item.name) for item in fields(ImageRow)}, boxes=boxes.get(row.name, {})
        )
        for row in content.images
    )
    left_out = [*content.left_out, *unused]
    if not content.has_boxes:
        left_out.insert(0, "boxes.csv: missing, so nothing can be said about localisation")
    notes = (*content.notes, *_about_patients(images))
    return EvaluationData(folder, split, images, tuple(left_out), notes, content.missing)


def _by_reader(
    content: DatasetFolder,
) -> tuple[dict[str, dict[tuple[str, str], tuple[RelativeBox, ...]]], list[str]]:
    """Image -> (source, finding) -> boxes, and sentences on those that no protocol uses.

    Boxes from one source alone, which no protocol knows, are somebody's own, and he is then the first reader
    of every finding.
    """
    boxes: dict[str, dict[tuple[str, str], tuple[RelativeBox, ...]]] = {}
    unused: Counter[str] = Counter()
    single = len(content.sources) == 1 and not content.sources & {NIH, RSNA, CHESTX_DET}
    for image, rows in content.boxes.items():
        for row in rows:
            source = first_reader(row.label) if single else row.source
            if source not in (NIH, RSNA, CHESTX_DET):
                unused[source] += 1
                continue
            readers = boxes.setdefault(image, {})
            readers[source, row.label] = (*readers.get((source, row.label), ()), row.box)
    return boxes, [
        f"boxes.csv: no protocol uses the source {source} beside others, {count} boxes"
        for source, count in sorted(unused.items())
    ]


def _about_patients(images: tuple[EvaluationImage, ...]) -> list[str]:
    """What intervals by patient rest on, where that is not plain."""
    unknown = sum(not image.patient_known for image in images)
    if unknown:
        return [
            f"images.csv: the patient of {unknown} of {len(images)} images is not known; each counts as a "
            "patient of its own"
        ]
    if len(images) > 1 and len({image.patient for image in images}) == 1:
        return [
            f"images.csv: all {len(images)} images are of one patient, so no interval by patient can be given"
        ]
    return []
