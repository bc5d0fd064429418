"""What a DICOM header says of the image: view, sides, and what speaks against a frontal chest radiograph."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from patchclip.image.elements import element
from patchclip.image.radiograph import HeaderFacts
from patchclip.types import Laterality

PROJECTION = {"DX", "CR", "RG", "RF", "XA", "DR"}
CHEST = {"CHEST", "THORAX", "LUNG"}
LATERAL = {"LL", "RL", "LATERAL", "LAT", "LLD", "RLD"}
AXES = {"L": "side", "R": "side", "H": "long", "F": "long", "A": "depth", "P": "depth"}
"""The axis of the body that each letter of Patient Orientation lies on."""


def header_facts(dataset: Dataset) -> HeaderFacts:
    """The facts that are no remark about a person."""
    return HeaderFacts(
        view=_code(dataset, "ViewPosition"),
        patient_left="left" if _directions(dataset)[:1] == "R" else "right",
        sides_told=_directions(dataset)[:1] in ("L", "R"),
        modality=_code(dataset, "Modality"),
        body_part=_code(dataset, "BodyPartExamined"),
    )


def header_warnings(facts: HeaderFacts, dataset: Dataset) -> list[str]:
    """Sentences for the reader, empty for an upright frontal chest radiograph with its orientation."""
    said: list[str] = []
    if facts.modality and facts.modality not in PROJECTION:
        said.append(
            f"The header says modality {facts.modality}, not a radiograph (DX or CR): maps may mean nothing."
        )
    if facts.body_part and not any(part in facts.body_part for part in CHEST):
        said.append(f"The header says body part {facts.body_part}, not chest: maps may mean nothing.")
    said += _orientation_warnings(_directions(dataset), facts.view in LATERAL, facts.patient_left)
    if str(element(dataset, "BurnedInAnnotation")).upper() == "YES":
        said.append("The header says that text is burned into the picture: it may identify the patient.")
    return said


def _code(dataset: Dataset, keyword: str) -> str | None:
    """A code string (PS3.5 6.2, CS: 16 capitals, digits, spaces or underscores); anything else might be a remark about a person."""
    value = str(element(dataset, keyword) or "").strip().upper()
    return value if re.fullmatch(r"[A-Z0-9_ ]{1,16}", value) else None


def _directions(dataset: Dataset) -> str:
    """Two letters of Patient Orientation (PS3.3 C.7.6.1.1.1): where the rows run, towards the image's right, and the columns, downwards.

    Of an oblique direction ("LF") the first letter is its main one. "" where the header does not say, or contradicts itself.
    """
    value = element(dataset, "PatientOrientation")
    if not value or isinstance(value, str) or len(value) != 2:
        return ""
    letters = "".join(str(part).strip().upper()[:1] for part in value)
    axes = {AXES.get(letter) for letter in letters}
    return letters if len(axes) == len(letters) == 2 and None not in axes else ""


def _orientation_warnings(directions: str, lateral: bool, patient_left: Laterality) -> list[str]:
    axes = {AXES[letter] for letter in directions}
    said: list[str] = []
    if lateral or axes == {"depth", "long"}:
        said.append("The header says that this is a lateral view; the model knows frontal views only.")
    elif axes == {"depth", "side"}:
        said.append(
            "The header's patient orientation is that of no frontal view; the model knows frontal views only."
        )
    elif directions[:1] in ("H", "F"):
        said.append(
            "The header says that the patient lies across the image: turn it upright before you rely on any map or side."
        )
    elif directions[1:] == "H":
        said.append(
            "The header says that the image is upside down: turn it upright before you rely on any map."
        )
    if patient_left == "left":
        said.append(
            "The header says that the patient's left is at the left of the image; sides in queries follow the header."
        )
    return said
