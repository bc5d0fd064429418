"""What a DICOM header says of the patient's sides, and whether letters and heart can be asked beside it."""

from __future__ import annotations

from pydicom.dataset import Dataset

from patchclip.errors import RadiographError
from patchclip.image.elements import code, element, numbers
from patchclip.image.orientation.verdict import HeaderSides
from patchclip.image.views import View
from patchclip.types import Laterality

AXES = {"L": "side", "R": "side", "H": "long", "F": "long", "A": "depth", "P": "depth"}
"""The axis of the body that each letter of Patient Orientation lies on."""
STRAIGHT = 0.7  # cosine from which a direction is that of an axis rather than another


def directions(dataset: Dataset) -> str:
    """Two letters of Patient Orientation (PS3.3 C.7.6.1.1.1): where the rows run, and the columns.

    Rows run towards the image's right, columns downwards.
    Of an oblique direction ("LF") the first letter is its main one. "" where the header does not say, or
    contradicts itself.
    """
    value = element(dataset, "PatientOrientation")
    if not value or isinstance(value, str) or len(value) != 2:
        return ""
    letters = "".join(str(part).strip().upper()[:1] for part in value)
    axes = {AXES.get(letter) for letter in letters}
    return letters if len(axes) == len(letters) == 2 and None not in axes else ""


def header_sides(dataset: Dataset, view: View | None) -> HeaderSides:
    """From Patient Orientation, else from Image Orientation (Patient), PS3.3 C.7.6.2.1.1.

    Field of View Horizontal Flip (PS3.3 C.8.11.5.1.2) tells that pixels were turned, not whether the
    orientation was adapted, so it decides nothing. Where Image Laterality names one side, half a chest was
    exposed: neither its letters nor its heart tell anything.

    Args:
        dataset: the header.
        view: what it says of the view, None if nothing.
    """
    letters, cosines = directions(dataset), _cosines(dataset)
    told = _left(letters) or cosines
    upright = not letters or (letters[0] in "LR" and letters[1] == "F")
    half = (code(dataset, "ImageLaterality") or code(dataset, "Laterality")) in ("L", "R")
    return HeaderSides(
        patient_left=told,
        contradictory=bool(_left(letters) and cosines and _left(letters) != cosines),
        flipped=code(dataset, "FieldOfViewHorizontalFlip") == "YES",
        comparable=upright and view in (None, "frontal") and not half,
    )


def _left(letters: str) -> Laterality | None:
    """The side of the image on which the patient's left lies."""
    return {"L": "right", "R": "left"}.get(letters[:1])  # type: ignore[return-value]


def _cosines(dataset: Dataset) -> Laterality | None:
    """The same by direction cosines, where they are those of an upright frontal view.

    x runs to the patient's left, z to the head. Converters write those of a slice (1, 0, 0, 0, 1, 0) into
    whatever they convert; they tell nothing.
    """
    try:
        values = numbers(dataset, "ImageOrientationPatient")
    except RadiographError:
        return None  # a malformed one says nothing, as an absent one does: no radiograph needs it
    if len(values) != 6 or values[5] > -STRAIGHT or abs(values[0]) < STRAIGHT:
        return None
    return "right" if values[0] > 0 else "left"
