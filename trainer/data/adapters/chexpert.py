"""CheXpert: labels of fourteen observations, mined from reports.

Citation: Irvin et al., AAAI 2019, doi 10.1609/aaai.v33i01.3301590
Get it: https://stanfordmlgroup.github.io/competitions/chexpert/
Counts: 223,414 images of 64,540 patients for training, 191,027 of them frontal; 234 of 200 for validation
Files: train.csv and valid.csv (`Path, Sex, Age, Frontal/Lateral, AP/PA` and fourteen labels), train/ and
valid/
"""

from __future__ import annotations

import re
from pathlib import Path

from patchclip.data.tables import check_patients
from patchclip.errors import DataError
from trainer.data.contents import Collector, Contents, Reading
from trainer.data.sample import State
from trainer.data.tables import need_file, own_split, read_table, records

FINDINGS = (
    "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation",
    "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture",
    "Support Devices",
)  # fmt: skip
FILES = {"train": "train.csv", "valid": "valid.csv"}
_SAID = {"": State.NOT_MENTIONED, "0": State.ABSENT, "1": State.PRESENT, "-1": None}


def read_chexpert(folder: Path, split: str, *, labels: frozenset[str]) -> Contents:
    """Reads the frontal images of a split, "train" (labels mined from reports) or "val" (three radiologists).

    Raises:
        DataError: a table is missing or malformed, or a patient is in both; names file and row.
    """
    need_file(folder, *FILES.values())
    split = own_split(split, [name for name, file in FILES.items() if (folder / file).is_file()], folder)
    tables = {
        name: read_table(folder / file, ("Path", "No Finding"))
        for name, file in FILES.items()
        if (folder / file).is_file()
    }
    check_patients(
        (patient_of(path), name, folder / FILES[name], number)
        for name, table in tables.items()
        for number, path in enumerate(table["Path"], start=2)
    )
    collector = Collector("chexpert", labels)
    path = folder / FILES[split]
    lateral = 0
    for number, row in records(tables[split]):
        if not is_frontal(row):
            lateral += 1
            continue
        where = f"{path}, row {number}"
        file = image_file(folder, row["Path"])
        if not file.is_file():
            collector.leave_out(
                f"{where}: the image file {file.name} is missing"
            )  # the path holds the patient's number
            continue
        reading = collector.reading()
        say_labels(reading, row, where)
        collector.add(file, reading, patient=patient_of(row["Path"]), view=row.get("AP/PA"))
    collector.leave_out_some(lateral, "lateral images")
    return collector.contents(path, split)


def say_labels(reading: Reading, row: dict[str, str], where: str) -> None:
    """Takes the labels of the CheXpert labeller: 1 present, 0 absent, -1 uncertain (unknown), blank not
    mentioned.

    "No Finding" makes what the report does not mention absent, if it names and suspects nothing but devices.

    Raises:
        DataError: a cell is something else; `where` names file and row.
    """
    statements: dict[str, State | None] = {}
    for finding in FINDINGS:
        if finding in row:
            value = row[finding].strip().removesuffix(".0")
            if value not in _SAID:
                raise DataError(f"{where}: {finding} must be 1, 0, -1 or blank.")
            statements[finding] = _SAID[value]
    suspected = any(
        state in (State.PRESENT, None)
        for finding, state in statements.items()
        if finding != "Support Devices"
    )
    normal = row["No Finding"].strip() in ("1", "1.0") and not suspected
    for finding, state in statements.items():
        reading.say(finding, State.ABSENT if normal and state is State.NOT_MENTIONED else state)


def patient_of(path: str) -> str:
    """ "patient64541" of a path; "" where it names none."""
    match = re.search(r"patient\d+", path)
    return match.group() if match else ""


def is_frontal(row: dict[str, str]) -> bool:
    """By its column, which the test set does not have, else by its file name."""
    return (
        row["Frontal/Lateral"] == "Frontal"
        if "Frontal/Lateral" in row
        else "frontal" in Path(row["Path"]).name
    )


def image_file(folder: Path, path: str) -> Path:
    """Where an image lies below the folder; its path begins with the release's name, and validation has two
    names."""
    parts = Path(path).parts
    start = next((place for place, part in enumerate(parts) if part in ("train", "valid", "val", "test")), 0)
    file = folder.joinpath(*parts[start:])
    if not file.is_file() and parts[start] in ("valid", "val"):
        return folder.joinpath("val" if parts[start] == "valid" else "valid", *parts[start + 1 :])
    return file
