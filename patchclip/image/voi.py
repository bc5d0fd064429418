"""Grey transforms of a DICOM header: modality LUT or rescale, then VOI LUT or window (PS3.3 C.11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from pydicom.dataset import Dataset

from patchclip.errors import RadiographError
from patchclip.image.elements import MALFORMED, code, element, numbers, sentence
from patchclip.image.lut import Lut, read_lut
from patchclip.image.pixelwise import Grey, Measured

ROBUST = (0.5, 99.5)  # percentiles of an image without a window
FLAT = 0.1
"""Share of the grey levels that a window must spread the pixels over; else it lies far off them."""
EXPLANATIONS = frozenset(
    "ABDOMEN ALGO1 AUTO BODY BONE CHEST CONTRAST DEFAULT DETAIL HARD HARDER HIGH HEART LINEAR LOW LUNG LUNGS "
    "MEDIASTINUM MEDIUM NORMAL ORIGINAL PRESET RIBS SKIN SOFT SOFTER SPINE STANDARD TISSUE USER VOI WIDE "
    "WINDOW WINDOW1 WINDOW2 WINDOW3".split()
)
"""Words that explain a window.

An explanation is free text, so one with any other word might name a person and is not repeated.
"""


class Transform(Protocol):
    """What a VOI LUT, a window and the automatic window have in common."""

    @property
    def name(self) -> str:
        """For the reader to choose by."""

    @property
    def explanation(self) -> str:
        """In words that name nobody, in lower case, or ""."""

    def apply(self, values: Grey) -> Grey:
        """Values after the modality transform -> grey in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window (PS3.3 C.11.2.1.2 and C.11.2.1.3).

    Attributes:
        center, width: in values after the modality transform.
        function: LINEAR, LINEAR_EXACT or SIGMOID.
        explanation: in words that name nobody, or "".
    """

    center: float
    width: float
    function: str = "LINEAR"
    explanation: str = ""

    @property
    def name(self) -> str:
        """For the reader to choose by."""
        limits = f"window {self.center:g}/{self.width:g}"
        return f"{limits} ({self.explanation})" if self.explanation else limits

    def apply(self, values: Grey) -> Grey:
        """Values after the modality transform -> grey in [0, 1]."""
        if self.function == "SIGMOID":
            return 1 / (1 + np.exp(np.clip(-4 * (values - self.center) / self.width, -500, 500)))
        if self.function == "LINEAR_EXACT":
            return np.clip((values - self.center) / self.width + 0.5, 0, 1)
        middle = self.center - 0.5
        if self.width == 1:
            return (values > middle).astype(np.float64)
        return np.clip((values - middle) / (self.width - 1) + 0.5, 0, 1)


@dataclass(frozen=True, slots=True)
class VoiLut:
    """A VOI LUT (PS3.3 C.11.2.1.1) and its explanation in words that name nobody."""

    lut: Lut
    explanation: str = ""

    @property
    def name(self) -> str:
        """For the reader to choose by."""
        return f"look-up table ({self.explanation})" if self.explanation else "look-up table"

    def apply(self, values: Grey) -> Grey:
        """Values after the modality transform -> grey in [0, 1]."""
        return self.lut.apply(values) / self.lut.largest


@dataclass(frozen=True, slots=True)
class Automatic:
    """From the smallest to the largest value but for half a percent at either end."""

    low: float
    high: float

    name = "automatic window"
    explanation = ""

    @classmethod
    def of(cls, measured: Measured) -> Automatic:
        """Fitted to values after the modality transform."""
        low, high = measured.percentiles(ROBUST)
        return cls(low, high) if high > low else cls(*measured.limits)

    def apply(self, values: Grey) -> Grey:
        """Values after the modality transform -> grey in [0, 1]."""
        return np.clip((values - self.low) / max(self.high - self.low, 1e-9), 0, 1)


@dataclass(frozen=True, slots=True)
class Rescale:
    """A modality rescale (PS3.3 C.11.1.1.2): slope x stored value + intercept."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, stored: Grey) -> Grey:
        """Stored values of any shape -> values after the modality transform."""
        if (self.slope, self.intercept) == (1.0, 0.0):
            return stored
        return stored * self.slope + self.intercept


def modality_transform(dataset: Dataset, limits: tuple[int, int]) -> tuple[Rescale | Lut, list[str]]:
    """The header's modality LUT or rescale, and sentences for the reader.

    Half a rescale is none, since PS3.3 C.11.1 asks for both of its parts.

    Args:
        dataset: the header.
        limits: least and greatest stored value.

    Raises:
        RadiographError: the rescale is malformed.
    """
    items = element(dataset, "ModalityLUTSequence")
    if items:
        with sentence(MALFORMED):
            first = items[0]
        lut, said = read_lut(first, limits, "modality look-up table")
        if lut is not None:
            return lut, said
        return Rescale(), [*said, "The modality look-up table is empty or malformed; it was left out."]
    slope, intercept = numbers(dataset, "RescaleSlope"), numbers(dataset, "RescaleIntercept")
    if not slope or not slope[0] or not intercept:
        return Rescale(), []
    return Rescale(slope[0], intercept[0]), []


def header_transforms(dataset: Dataset, limits: tuple[float, float]) -> tuple[list[Transform], list[str]]:
    """VOI LUTs, then windows, in the header's order, without those that are empty or invalid; sentences.

    Args:
        dataset: the header.
        limits: least and greatest value after the modality transform.
    """
    said: list[str] = []
    transforms: list[Transform] = []
    with sentence(MALFORMED):
        items = list(element(dataset, "VOILUTSequence") or [])
    for item in items:
        lut, words = read_lut(item, limits, "VOI look-up table")
        said += words
        if lut is None:
            said.append("A VOI look-up table in the DICOM header is empty or malformed; it was left out.")
        else:
            transforms.append(VoiLut(lut, _explanation(element(item, "LUTExplanation"), 0)))
    windows, words = _windows(dataset)
    return [*transforms, *windows], [*said, *words]


def _windows(dataset: Dataset) -> tuple[list[Window], list[str]]:
    invalid = ["The window in the DICOM header is invalid; it was left out."]
    try:
        centers, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    except RadiographError:
        return [], invalid
    said: list[str] = []
    function = code(dataset, "VOILUTFunction") or "LINEAR"
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        said.append("The VOI LUT Function in the DICOM header is unknown; the window was taken as linear.")
        function = "LINEAR"
    explanations = element(dataset, "WindowCenterWidthExplanation")
    windows = [
        Window(center, width, function, _explanation(explanations, number))
        for number, (center, width) in enumerate(zip(centers, widths, strict=False))
        if (width >= 1 if function == "LINEAR" else width > 0)
    ]
    if len(windows) < max(len(centers), len(widths)):
        said += invalid
    return windows, said


def _explanation(value: Any, number: int) -> str:
    """One of an element's explanations in lower case, "" where any of its words explains no window."""
    values = [value] if value is None or isinstance(value, str) else list(value)
    text = str(values[number] or "") if number < len(values) else ""
    words = text.upper().replace("_", " ").replace("-", " ").split()
    named = all(word in EXPLANATIONS or (word.isdigit() and len(word) == 1) for word in words)
    return " ".join(words).lower() if named else ""


def choose(
    transforms: Sequence[Transform], measured: Measured, wanted: int | str | None
) -> tuple[Transform, list[str]]:
    """The transform to show a picture by, and sentences for the reader.

    The one asked for, else the header's first that fits the pixels, else the automatic window.

    Args:
        transforms: of `header_transforms`.
        measured: values [N] after the modality transform, without padding and shutters.
        wanted: number of the transform asked for, from 0, or its name, or its explanation in any case; -1 for
            the automatic window; None for the first that fits.

    Raises:
        RadiographError: no such transform, or several by that name; the sentence lists all.
    """
    if wanted == -1:
        return Automatic.of(measured), []
    if wanted is not None:
        return transforms[_place(transforms, wanted)], []
    for place, transform in enumerate(transforms):
        low, high = measured.through(transform.apply).percentiles(ROBUST)
        if high - low >= FLAT:
            skipped = "Windows of the header that lie far off the pixels were passed over."
            return transform, [skipped] if place else []
    automatic = Automatic.of(measured)
    if not transforms:
        return automatic, ["The DICOM header has no window; an automatic one was used."]
    return automatic, ["The window in the DICOM header lies far off the pixels; an automatic one was used."]


def _place(transforms: Sequence[Transform], wanted: int | str) -> int:
    if isinstance(wanted, int):
        places = [place for place in range(len(transforms)) if place == wanted]
    else:
        name = wanted.strip().lower()
        words = " ".join(name.replace("_", " ").replace("-", " ").split())
        places = [
            place
            for place, other in enumerate(transforms)
            if name == other.name.lower() or (words and words == other.explanation)
        ]
    if len(places) == 1:
        return places[0]
    if not transforms:
        raise RadiographError(
            "The file has no window of its own; leave the window out, or take -1 for an automatic one."
        )
    listed = ", ".join(f"{place} ({other.name})" for place, other in enumerate(transforms))
    raise RadiographError(
        f"The file has the windows {listed}; choose one of them by its number, or -1 for an automatic one."
    )
