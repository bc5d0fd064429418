"""MIMIC-CXR-JPG: labels mined from reports, the reports themselves, and MS-CXR's boxes.

Citation: Johnson et al., Scientific Data 2019, doi 10.1038/s41597-019-0322-0; of the JPG files and labels:
Johnson
    et al., 2019, arXiv 1901.07042
Get it: https://physionet.org/content/mimic-cxr-jpg/
Counts: 377,110 images of 227,827 studies
Files: mimic-cxr-2.0.0-{split,metadata,chexpert}.csv, gzipped or not;
files/p10/p10000032/s50414267/DICOM_ID.jpg;
    the reports of MIMIC-CXR as files/p10/p10000032/s50414267.txt, there or below mimic-cxr-reports/; MS-CXR's
    table in the folder or in a folder of its own there
"""

from __future__ import annotations

from pathlib import Path

from patchclip.data.tables import check_patients
from trainer.data.adapters.chexpert import say_labels
from trainer.data.adapters.mscxr import read_ms_cxr
from trainer.data.contents import Collector, Contents
from trainer.data.reports import findings_and_impression
from trainer.data.tables import need_file, own_split, read_table, records

KEYS = ("dicom_id", "study_id", "subject_id")
FRONTAL = ("PA", "AP")


def read_mimic(folder: Path, split: str, *, labels: frozenset[str]) -> Contents:
    """Reads the frontal images (PA and AP) of a split, "train", "val" or "test".

    States are those of the CheXpert labeller on the report, see `say_labels`; a study without a row of labels
    says nothing. A report is cut down to its sections FINDINGS and IMPRESSION.

    Raises:
        DataError: a table is missing or malformed, or a patient is in two splits; names file and row.
    """
    tables = {name: _table_file(folder, name) for name in ("split", "metadata", "chexpert")}
    listed = read_table(tables["split"], (*KEYS, "split"))
    check_patients(
        (patient, assigned, tables["split"], number)
        for number, (patient, assigned) in enumerate(
            zip(listed["subject_id"], listed["split"], strict=True), start=2
        )
    )
    split = own_split(split, listed["split"], tables["split"])
    metadata = read_table(tables["metadata"], ("dicom_id", "ViewPosition"))
    views = dict(zip(metadata["dicom_id"], metadata["ViewPosition"], strict=True))
    rows = {
        row["study_id"]: (number, row)
        for number, row in records(read_table(tables["chexpert"], ("study_id", "No Finding")))
    }
    collector = Collector("mimic", labels)
    boxes = read_ms_cxr(folder, collector)
    others = silent = 0
    for _, row in records(listed[listed["split"] == split]):
        view = views.get(row["dicom_id"], "")
        if view not in FRONTAL:
            others += 1
            continue
        study = Path("files") / f"p{row['subject_id'][:2]}" / f"p{row['subject_id']}" / f"s{row['study_id']}"
        file = folder / study / f"{row['dicom_id']}.jpg"
        if not file.is_file():
            collector.missing(file.name)
            continue
        reading = collector.reading()
        if row["study_id"] in rows:
            number, statements = rows[row["study_id"]]
            say_labels(reading, statements, f"{tables['chexpert']}, row {number}")
        report = _report(folder, study)
        silent += report is None
        collector.add(
            file,
            reading,
            patient=row["subject_id"],
            shapes=boxes.get(row["dicom_id"], ()),
            view=view,
            report=report,
        )
    collector.leave_out_some(others, "images not known to be frontal")
    collector.leave_out_some(
        silent, "images without a report that has findings or an impression, read without one"
    )
    return collector.contents(tables["split"], split)


def _table_file(folder: Path, name: str) -> Path:
    return need_file(folder, f"mimic-cxr-2.*-{name}.csv", f"mimic-cxr-2.*-{name}.csv.gz")


def _report(folder: Path, study: Path) -> str | None:
    for root in (folder, folder / "mimic-cxr-reports"):
        path = root / study.with_name(f"{study.name}.txt")
        if path.is_file():
            return findings_and_impression(path.read_text(encoding="utf-8", errors="replace"))
    return None
