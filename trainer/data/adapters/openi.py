"""Open-i's Indiana University collection: radiographs with reports.

Citation: Demner-Fushman et al., JAMIA 2016, doi 10.1093/jamia/ocv080
Get it: https://openi.nlm.nih.gov/faq
Counts: 7,470 images, frontal and lateral, of 3,955 reports
Files: either ecgen-radiology/*.xml with the images in NLMCXR_png/, or indiana_reports.csv, with the images
anywhere
    below; in both cases indiana_projections.csv (uid, filename, projection), which the original release does
    not have, says which images are frontal
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from patchclip.data.findings import NIH_FINDINGS
from patchclip.errors import DataError
from trainer.data.contents import Collector, Contents
from trainer.data.reports import join_text
from trainer.data.tables import RASTER, find_file, index_images, own_split, read_table, records

FINDINGS = (*NIH_FINDINGS, "Calcification", "Fracture", "Lung Opacity")
PLACED = frozenset(("density", "mass", "nodule", "opacity", "thickening"))
"""Headings that mean something only with the place behind the first stroke: a mass may be of the breast."""
SILENT = frozenset(("normal", "no indexing"))


@dataclass(frozen=True, slots=True)
class _Report:
    uid: str
    headings: tuple[str, ...]
    text: str | None


def read_openi(folder: Path, split: str, *, labels: frozenset[str]) -> Contents:
    """Reads the frontal images of the collection, whose only split is "train".

    People indexed the reports by headings: what is not among them counts as not mentioned, and everything as
    absent where "normal" stands alone; "No Indexing" says nothing. The collection has one study of each
    patient. An image is read only where its projection is known: half of them are lateral, and what is said
    of the study need not show there.

    Raises:
        DataError: a file is missing or malformed; names it.
    """
    where = find_file(folder, "indiana_reports.csv") or folder / "ecgen-radiology"
    own_split(split, ("train",), where)
    reports = {
        report.uid: report for report in (_from_table(where) if where.suffix == ".csv" else _from_xml(where))
    }
    projections = _projections(folder)
    collector = Collector("openi", labels)
    other = unknown = 0
    seen = set()
    for key, file in index_images([folder], RASTER).items():
        image = _image_key(key)
        if image is None or image[0] not in reports:
            continue
        seen.add(image)
        if projections.get(image) != "frontal":
            other, unknown = other + (image in projections), unknown + (image not in projections)
            continue
        report = reports[image[0]]
        reading = collector.reading()
        if report.headings and not {"no indexing"} & set(report.headings):
            named = [name for heading in report.headings if (name := _name(heading)) not in SILENT]
            reading.say_report(named, FINDINGS, normal=report.headings == ("normal",))
        collector.add(file, reading, patient=report.uid, report=report.text)
    for image in sorted(set(projections) - seen):
        if projections[image] == "frontal":
            collector.missing("_".join(image))
    collector.leave_out_some(other, "lateral images")
    collector.leave_out_some(
        unknown, "images of unknown projection, which indiana_projections.csv beside the reports would tell"
    )
    return collector.contents(where, split)


def _from_table(path: Path) -> Iterator[_Report]:
    for _, row in records(read_table(path, ("uid", "MeSH", "findings", "impression"))):
        headings = tuple(heading.strip().lower() for heading in row["MeSH"].split(";") if heading.strip())
        yield _Report(row["uid"], headings, join_text([row["findings"], row["impression"]]))


def _from_xml(folder: Path) -> Iterator[_Report]:
    if not folder.is_dir():
        raise DataError(f"{folder} is missing; get the reports from the dataset's source.")
    for path in sorted(folder.glob("*.xml")):
        try:
            root = ElementTree.parse(path).getroot()
            uid = root.find("uId").attrib["id"].removeprefix("CXR")  # type: ignore[union-attr]
        except (ElementTree.ParseError, AttributeError, KeyError) as error:
            raise DataError(
                f"{path} is no report of the collection; get it again from its source."
            ) from error
        sections = {node.get("Label"): node.text or "" for node in root.iter("AbstractText")}
        headings = tuple((node.text or "").strip().lower() for node in root.iterfind("MeSH/major"))
        yield _Report(
            uid, headings, join_text([sections.get("FINDINGS", ""), sections.get("IMPRESSION", "")])
        )


def _projections(folder: Path) -> dict[tuple[str, str], str]:
    path = find_file(folder, "indiana_projections.csv")
    if path is None:
        return {}
    projections = {}
    for number, row in records(read_table(path, ("filename", "projection"))):
        key = _image_key(row["filename"])
        if key is None:
            raise DataError(f"{path}, row {number}: {row['filename']} is no image name of the collection.")
        projections[key] = row["projection"].strip().lower()
    return projections


def _image_key(name: str) -> tuple[str, str] | None:
    """(study, image) of "CXR10_IM-0002-1001", as in the original release, and of "10_IM-0002-1001.dcm.png",
    as in the tables."""
    match = re.fullmatch(r"(?:CXR)?(\d+)(?:_\1)?_(IM-[\w-]+)(?:\.dcm)?(?:\.png)?", name)
    return (match[1], match[2]) if match else None


def _name(heading: str) -> str:
    """ "pleural effusion" of "pleural effusion/left/small", but "nodule/lung" of "nodule/lung/lingula"."""
    first, _, rest = heading.partition("/")
    return f"{first}/{rest.partition('/')[0]}" if first in PLACED else first
