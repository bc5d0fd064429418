"""The forms that results leave in, by the names that a user chooses them by."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from patchclip.export.result import Result
from patchclip.export.tables import coco, csv_rows
from patchclip.image.radiograph import Radiograph

if TYPE_CHECKING:  # most of those who know the forms write none as DICOM, and what does takes long to load
    from pydicom.dataset import Dataset

    from patchclip.export.source import Source

DICOM_FORMATS = ("sr", "seg", "regions", "sc")
TABLE_FORMATS = ("coco", "csv")


def dicom_results(
    formats: Collection[str], result: Result, radiograph: Radiograph, source: Source
) -> dict[str, Dataset]:
    """The DICOM objects of one film, by the end of their file's name.

    A form that has none to give is left out: regions, where no map is lit.

    Args:
        formats: of `DICOM_FORMATS`; others are passed over.
    """
    from patchclip.export.capture import secondary_capture
    from patchclip.export.report import structured_report
    from patchclip.export.segmentation import map_segmentation, region_segmentation

    made: dict[str, Dataset] = {}
    if "sr" in formats:
        made["sr"] = structured_report(result, source)
    if "seg" in formats:
        made["seg"] = map_segmentation(result, source)
    if "regions" in formats and (regions := region_segmentation(result, source)):
        made["regions"] = regions
    if "sc" in formats:
        for number in range(len(result.answers)):
            made[f"sc{number + 1}"] = secondary_capture(result, radiograph, source, number)
    return made


def dicom_file(dataset: Dataset) -> bytes:
    """A DICOM object as a file."""
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def coco_file(results: Mapping[str, Result]) -> bytes:
    """JSON in UTF-8, see `coco`."""
    return (json.dumps(coco(results), indent=1) + "\n").encode()


def csv_file(results: Mapping[str, Result]) -> bytes:
    """CSV in UTF-8 (RFC 4180), see `csv_rows`."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(csv_rows(results))
    return out.getvalue().encode()
