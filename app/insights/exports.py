"""A study's readings as files for other programs: long CSV, JSON, COCO."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from app.insights.opinions import condition_of
from app.insights.record import NOTICE
from app.study.data import CaseTruth, Mark, StudyData
from patchclip.export.cells import plain_cell
from patchclip.types import Box

LONG_COLUMNS = ("reader", "case", "arm", "finding", "score", "truth")
"""What multi-reader software (iMRMC, MRMCaov, RJafroc) is fed from; `arm` is a condition of the readings."""


def long_csv(data: StudyData) -> str:
    """One row per reader, case, condition and finding; `score` 0 to 100, `truth` 0, 1 or empty."""
    truths = {(item.case, item.finding): item for item in data.truths}
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(LONG_COLUMNS)
    for mark in data.marks:
        truth = truths.get((mark.case, mark.finding))
        writer.writerow(
            [
                plain_cell(mark.reader),
                mark.case,
                condition_of(mark),
                plain_cell(mark.finding),
                f"{mark.score:g}",
                "" if truth is None else int(truth.present),
            ]
        )
    return file.getvalue()


def json_record(data: StudyData, consensus: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """All that was read, by the names of `app.study.data`; times in UTC (ISO 8601), boxes as [x, y, w, h].

    consensus: what an adjudicator decided, see `app.insights.consensus`.
    """
    return {
        "notice": NOTICE,
        "study": data.name,
        "version": data.version,
        "model": {"name": data.model_name, "sha256": data.model_sha256},
        "protocol": dict(data.protocol),
        "protocol_sha256": data.protocol_sha256,
        "readers": list(data.readers),
        "cases": [{"case": number, "image_sha256": pixels} for number, pixels in data.cases.items()],
        "assigned": [
            {"reader": reader, "arm": arm, "cases": cases} for (reader, arm), cases in data.assigned.items()
        ],
        "unreadable": [{"reader": reader, "case": case} for reader, case in data.unreadable],
        "readings": [
            {
                "reader": mark.reader,
                "case": mark.case,
                "arm": mark.arm,
                "opinion": mark.opinion,
                "finding": mark.finding,
                "presence": mark.presence,
                "confidence": mark.confidence,
                "score": mark.score,
                "boxes": rows(mark.boxes),
                "verdicts": dict(mark.verdicts),
                "seconds": mark.seconds,
                "saved_at": mark.saved_at.isoformat(timespec="seconds"),
            }
            for mark in data.marks
        ],
        "answers": [
            {
                "case": answer.case,
                "finding": answer.finding,
                "probability": answer.probability,
                "threshold": answer.threshold,
                "regions": {method: rows(boxes) for method, boxes in answer.regions.items()},
                "execution": None if answer.execution is None else dict(answer.execution),
            }
            for answer in data.answers
        ],
        "truths": [
            {
                "case": truth.case,
                "finding": truth.finding,
                "present": truth.present,
                "boxes": rows(truth.boxes),
            }
            for truth in data.truths
        ],
        "consensus": [dict(item) for item in consensus],
    }


def coco(data: StudyData, size_of: Callable[[int], tuple[int, int]] | None = None) -> dict[str, Any]:
    """Readers' boxes and those of the truth in COCO detection format, boxes [x, y, w, h] in original pixels.

    An annotation's attributes say whose it is. An image is named by its case number and pixel hash.

    Args:
        size_of: gives (height, width) of a case; without it images have none.
    """
    images: list[dict[str, Any]] = []
    for case, pixels in data.cases.items():
        image: dict[str, Any] = {"id": case, "file_name": f"case-{case}", "image_sha256": pixels}
        if size_of is not None:
            image["height"], image["width"] = size_of(case)
        images.append(image)
    findings = sorted({mark.finding for mark in data.marks} | {truth.finding for truth in data.truths})
    numbers = {label: number for number, label in enumerate(findings, start=1)}
    annotations: list[dict[str, Any]] = []

    def add(item: Mark | CaseTruth, attributes: dict[str, Any]) -> None:
        for box in item.boxes:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": item.case,
                    "category_id": numbers[item.finding],
                    "bbox": [box.x, box.y, box.w, box.h],
                    "area": box.area,
                    "iscrowd": 0,
                    "attributes": attributes,
                }
            )

    for mark in data.marks:
        add(mark, {"source": "reader", "reader": mark.reader, "arm": condition_of(mark), "score": mark.score})
    for truth in data.truths:
        add(truth, {"source": "truth"})
    return {
        "info": {
            "description": f"Patch-CLIP {data.version}, study {data.name}: boxes of readers. {NOTICE}.",
            "version": data.version,
        },
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": label} for label, number in numbers.items()],
    }


def rows(boxes: Iterable[Box]) -> list[list[float]]:
    """Boxes as [x, y, w, h]."""
    return [[box.x, box.y, box.w, box.h] for box in boxes]
