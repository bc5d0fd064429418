"""What a DICOM header says of the image: view, sides, and what speaks against a frontal chest radiograph."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from patchclip.errors import RadiographError
from patchclip.image.elements import DAMAGE, code, element
from patchclip.image.orientation.header import AXES, directions
from patchclip.image.radiograph import HeaderFacts
from patchclip.image.views import View, coded_chest, coded_view, is_chest, view_kind
from patchclip.types import Laterality

PROJECTION = {"DX", "CR", "RG", "RF", "XA", "DR"}
KINDS: tuple[View, ...] = ("lateral", "oblique", "frontal")
DESCRIPTIONS = ("SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription")
"""Free text that may name the view where no code does; it is looked through and never repeated."""
BURNT_IN = "The header says that text is burned into the picture: it may identify the patient."


def header_facts(dataset: Dataset) -> HeaderFacts:
    """The facts that are no remark about a person; sides are told by `patchclip.image.orientation`."""
    return HeaderFacts(
        view=_code(dataset, "ViewPosition") or coded_view(dataset)[0],
        modality=_code(dataset, "Modality"),
        body_part=_code(dataset, "BodyPartExamined"),
    )


def header_warnings(facts: HeaderFacts, dataset: Dataset, header_left: Laterality | None) -> list[str]:
    """Sentences for the reader, empty for an upright frontal chest radiograph with its orientation.

    header_left: the side of the image at which the header puts the patient's left.
    """
    said: list[str] = []
    if facts.modality and facts.modality not in PROJECTION:
        said.append(
            f"The header says modality {facts.modality}, not a radiograph (DX or CR): maps may mean nothing."
        )
    if facts.body_part and not is_chest(facts.body_part):
        said.append(f"The header says body part {facts.body_part}, not chest: maps may mean nothing.")
    elif not facts.body_part and coded_chest(dataset) is False:
        said.append("The header's anatomic region is not the chest: maps may mean nothing.")
    if code(dataset, "PresentationIntentType") == "FOR PROCESSING":
        said.append(
            "The header says that the image is raw (for processing), not meant to be looked at: "
            "maps may mean nothing."
        )
    said += _orientation_warnings(directions(dataset), header_view(dataset), header_left)
    if code(dataset, "BurnedInAnnotation") == "YES":
        said.append(BURNT_IN)
    return said


def header_view(dataset: Dataset) -> View | None:
    """What the header says of the view: by View Position, View Code Sequence, or else a description."""
    kinds = [view_kind(code(dataset, "ViewPosition")), coded_view(dataset)[1]]
    # Of two that contradict each other the one that is no frontal view is said, since a reader can see
    # that it is wrong.
    strangest = next((kind for kind in KINDS if kind in kinds), None)
    if strangest:
        return strangest
    return next(
        (kind for keyword in DESCRIPTIONS if (kind := view_kind(_description(dataset, keyword)))), None
    )


def _description(dataset: Dataset, keyword: str) -> str:
    """Free text, "" where it cannot be read or names a frontal view too, as that of a whole study does."""
    try:
        text = str(element(dataset, keyword) or "")
    except (RadiographError, *DAMAGE):
        return ""
    frontal = re.search(r"\b(PA|AP|FRONTAL)\b", text.upper())
    return "" if frontal else text


def _code(dataset: Dataset, keyword: str) -> str | None:
    """A code string (PS3.5 6.2, CS: 16 capitals, digits, spaces or underscores).

    Anything else might be a remark about a person.
    """
    value = str(element(dataset, keyword) or "").strip().upper()
    return value if re.fullmatch(r"[A-Z0-9_ ]{1,16}", value) else None


def _orientation_warnings(ways: str, view: View | None, patient_left: Laterality | None) -> list[str]:
    axes = {AXES[letter] for letter in ways}
    said: list[str] = []
    if view == "lateral" or axes == {"depth", "long"}:
        said.append("The header says that this is a lateral view; the model knows frontal views only.")
    elif view == "oblique":
        said.append("The header says that this is an oblique view; the model knows frontal views only.")
    elif axes == {"depth", "side"}:
        said.append(
            "The header's patient orientation is that of no frontal view; the model knows frontal views only."
        )
    elif ways[:1] in ("H", "F"):
        said.append(
            "The header says that the patient lies across the image: "
            "turn it upright before you rely on any map or side."
        )
    elif ways[1:] == "H":
        said.append(
            "The header says that the image is upside down: turn it upright before you rely on any map."
        )
    if patient_left == "left":
        said.append(
            "The header says that the patient's left is at the left of the image; "
            "sides in queries follow the header."
        )
    return said
