"""What the header of an enhanced multi-frame image says of one frame (functional groups, PS3.3 C.7.6.16)."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from patchclip.image.elements import DAMAGE

MALFORMED_GROUPS = (
    "The header's functional groups are malformed; window, rescale and pixel spacing of the frame may be "
    "missing."
)
MACROS = {
    "FrameVOILUTSequence": (
        "WindowCenter",
        "WindowWidth",
        "WindowCenterWidthExplanation",
        "VOILUTFunction",
        "VOILUTSequence",
    ),
    "PixelValueTransformationSequence": (
        "RescaleSlope",
        "RescaleIntercept",
        "RescaleType",
        "ModalityLUTSequence",
    ),
    "PixelMeasuresSequence": ("PixelSpacing",),
    "XRayFramePixelDataPropertiesSequence": ("ImagerPixelSpacing",),
    "PatientOrientationInFrameSequence": ("PatientOrientation",),
}
"""Sequence of a macro -> the elements that it holds for a frame (PS3.3 C.7.6.16.2, C.8.19.6)."""


def take_frame_values(dataset: Dataset, frame: int) -> list[str]:
    """Puts the values of a frame where those of a plain image stand, in place; sentences for the reader.

    What the frame's own groups say comes before what all frames share, and both before the plain elements.

    Args:
        dataset: the header, of an enhanced image or any other.
        frame: from 0.
    """
    try:
        for keyword, place in (
            ("SharedFunctionalGroupsSequence", 0),
            ("PerFrameFunctionalGroupsSequence", frame),
        ):
            groups = dataset.get(keyword) or []
            if place < len(groups):
                _take(dataset, groups[place])
    except DAMAGE:
        return [MALFORMED_GROUPS]
    return []


def _take(dataset: Dataset, group: Dataset) -> None:
    for sequence, keywords in MACROS.items():
        items = group.get(sequence) or []
        held = [keyword for keyword in keywords if items and keyword in items[0]]
        if held:
            # A window of all frames does not go with the look-up table of one.
            for keyword in keywords:
                if keyword in dataset:
                    del dataset[Tag(keyword)]
        for keyword in held:
            # As it is stored: numbers may be written with a comma, which pydicom does not read.
            raw = items[0].get_item(Tag(keyword))
            assert raw is not None
            dataset[Tag(keyword)] = raw
