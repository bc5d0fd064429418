"""PadChest-GR: reports in sentences, with boxes.

Citation: de Castro et al., NEJM AI 2025, arXiv 2411.05085
Get it: https://bimcv.cipf.es/bimcv-projects/padchest-gr/
Counts: 4,555 studies
Files: master_table.csv (StudyID, ImageID, PatientID, split, ...; a row for each label of a study),
    grounded_reports_*.json (a list of {"StudyID", "ImageID", "findings": [{"sentence_en", "abnormal",
    "labels", "boxes", "extra_boxes"}]}, boxes [x0, y0, x1, y1] as fractions), and the images in any folder
    below
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patchclip.data.findings import label_of
from patchclip.data.tables import check_patients, read_json
from patchclip.errors import DataError
from trainer.data.contents import Collector, Contents
from trainer.data.reports import join_text
from trainer.data.sample import Shape, State
from trainer.data.tables import RASTER, corner_box, index_images, need_file, own_split, read_table, records

FINDINGS = (
    "atelectasis", "calcified densities", "cardiomegaly", "consolidation", "pulmonary edema",
    "pleural effusion", "emphysema", "pulmonary fibrosis", "rib fracture", "hiatal hernia", "infiltrates",
    "increased density", "pulmonary mass", "nodule", "multiple nodules", "pleural thickening", "pneumonia",
    "pneumothorax",
)  # fmt: skip
"""Of PadChest's findings, one for each of the vocabulary's."""


def read_padchest(folder: Path, split: str, *, labels: frozenset[str]) -> Contents:
    """Reads a split, "train", "val" or "test"; all its images are frontal.

    A report is a list of sentences, of which one that is abnormal names what is present, and one that is not,
    where it is labelled, what is absent. A finding without a sentence counts as not mentioned, and as absent
    where no sentence is abnormal. The boxes of both readers are kept. The English sentences make the report.

    Raises:
        DataError: a file is missing or malformed, a box lies outside its image, or a patient is in two
            splits; names file and row.
    """
    path, table_path = need_file(folder, "grounded_reports_*.json"), need_file(folder, "master_table.csv")
    table = read_table(table_path, ("ImageID", "PatientID", "split"))
    check_patients((row["PatientID"], row["split"], table_path, number) for number, row in records(table))
    split = own_split(split, table["split"], table_path)
    rows = {row["ImageID"]: row for _, row in records(table)}
    images = index_images([folder], RASTER)
    collector = Collector("padchest", labels)
    unlisted = 0
    for number, study in enumerate(read_json(path, list), start=1):
        where = f"{path}, entry {number}"
        if not isinstance(study, Mapping) or "ImageID" not in study:
            raise DataError(f"{where}: it has no ImageID.")
        row = rows.get(str(study["ImageID"]))
        unlisted += row is None
        if row is None or row["split"] != split:
            continue
        if (file := images.get(Path(row["ImageID"]).stem)) is None:
            collector.missing(row["ImageID"])
            continue
        sentences = study.get("findings") or []
        abnormal = [sentence for sentence in sentences if sentence.get("abnormal")]
        reading = collector.reading()
        reading.say_report(_labels(abnormal), FINDINGS, normal=bool(sentences) and not abnormal)
        for name in _labels([sentence for sentence in sentences if not sentence.get("abnormal")]):
            reading.say(name, State.ABSENT)
        collector.add(
            file,
            reading,
            patient=row["PatientID"],
            shapes=_shapes(abnormal, labels, where),
            view=row.get("Projection") or row.get("ViewPosition_DICOM"),
            report=join_text([str(sentence.get("sentence_en") or "") for sentence in sentences]),
        )
    collector.leave_out_some(unlisted, f"reports of images that {table_path.name} does not have")
    return collector.contents(path, split)


def _labels(sentences: list[Mapping[str, Any]]) -> list[str]:
    return [
        str(name)
        for sentence in sentences
        for name in sentence.get("labels") or []
        if str(name).lower() != "normal"
    ]


def _shapes(sentences: list[Mapping[str, Any]], labels: frozenset[str], where: str) -> list[Shape]:
    return [
        corner_box(label, box, (1, 1), where)
        for sentence in sentences
        for label in dict.fromkeys(label_of(str(name), labels) for name in sentence.get("labels") or [])
        if label
        for box in [*(sentence.get("boxes") or []), *(sentence.get("extra_boxes") or [])]
    ]
