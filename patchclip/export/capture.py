"""The overlay as a DICOM picture (Secondary Capture): radiograph, map, outlines, legend and research label in
its pixels."""

from __future__ import annotations

import cv2
import matplotlib
import numpy as np
from highdicom import UID
from highdicom.enum import CoordinateSystemNames, PhotometricInterpretationValues
from highdicom.sc import SCImage
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from patchclip.errors import DataError
from patchclip.export.result import NOTICE, Result
from patchclip.export.source import MANUFACTURER, Source, finish
from patchclip.image.radiograph import Radiograph
from patchclip.types import Answer, FloatArray

LONGEST = 1600
"""Pixels; the overlay is for looking, the maps themselves are in the segmentation."""
OPACITY = 0.45


def secondary_capture(result: Result, radiograph: Radiograph, source: Source, number: int = 0) -> SCImage:
    """A picture of one answer over its radiograph.

    Args:
        number: which answer of the result.

    Raises:
        DataError: the result has no such answer.
    """
    if not 0 <= number < len(result.answers):
        raise DataError(f"The result has {len(result.answers)} answers; there is none of number {number}.")
    answer = result.answers[number]
    made = SCImage.from_ref_dataset(
        ref_dataset=source.header,
        pixel_array=overlay(result, radiograph, answer),
        photometric_interpretation=PhotometricInterpretationValues.RGB,
        bits_allocated=8,
        coordinate_system=CoordinateSystemNames.PATIENT,
        series_instance_uid=UID(),
        series_number=9004,
        sop_instance_uid=UID(),
        instance_number=number + 1,
        manufacturer=MANUFACTURER,
        patient_orientation=source.orientation,
    )
    finish(made, result, source, "Patch-CLIP overlay")
    del (
        made.ContentLabel,
        made.ContentDescription,
    )  # of presentation states and segmentations, not of captures
    made.Laterality = ""  # of paired body parts (PS3.3 C.7.3.1), which a chest is not
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.header.SOPClassUID
    reference.ReferencedSOPInstanceUID = source.header.SOPInstanceUID
    if source.frame_numbers:
        reference.ReferencedFrameNumber = source.frame_numbers
    made.SourceImageSequence = Sequence([reference])
    made.BurnedInAnnotation = "YES"
    made.ImageComments = f"{NOTICE}. {answer.query}: {answer.require_probability():.2f}"
    read = "".join(f"; {name}: {value}" for name, value in result.picture.items())
    made.DerivationDescription = (
        f"Patch map of {result.model_name}, computed by {result.execution}, over the referenced image{read}"
    )
    return made


def overlay(result: Result, radiograph: Radiograph, answer: Answer) -> NDArray[np.uint8]:
    """uint8 [h, w, 3] RGB: the map where it reaches half of its threshold, regions outlined, the legend in a
    band below."""
    height, width = radiograph.size
    scale = min(1.0, LONGEST / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    grey = cv2.resize(radiograph.pixels, size, interpolation=cv2.INTER_AREA)
    values = cv2.resize(answer.map.upsample(height, width), size, interpolation=cv2.INTER_LINEAR)
    picture = np.repeat(grey[..., None], 3, axis=2).astype(np.float32)
    colour = matplotlib.colormaps["inferno"](np.clip(values, 0, 1))[..., :3].astype(np.float32)
    weight = np.where(values >= answer.threshold / 2, OPACITY, 0.0).astype(np.float32)[..., None]
    picture = picture * (1 - weight) + colour * weight
    drawn = np.ascontiguousarray(np.round(picture * 255).astype(np.uint8))
    for region in answer.regions:
        first = (round(region.x * scale), round(region.y * scale))
        last = (round((region.x + region.w) * scale), round((region.y + region.h) * scale))
        cv2.rectangle(drawn, first, last, (0, 0, 0), 3)
        cv2.rectangle(drawn, first, last, (255, 255, 255), 1)
    return np.vstack([drawn, _legend(size[0], answer, result)])


def _legend(width: int, answer: Answer, result: Result) -> NDArray[np.uint8]:
    """uint8 [h, width, 3]: query, probability, model, scale of the colours, research label."""
    letter = max(0.4, min(0.8, width / 1400))
    line = round(34 * letter)
    texts = [
        f"{answer.query}: P = {answer.require_probability():.2f}",
        f"{result.model_name} {result.model_sha256[:12]}; "
        f"in colour from {answer.threshold / 2:g}, outlined from {answer.threshold:g}",
        f"{NOTICE}.",
    ]
    band = np.zeros((line * (len(texts) + 1) + line // 2, width, 3), np.uint8)
    for row, text in enumerate(texts):
        plain = text.encode("ascii", "replace").decode()
        place = (line // 2, line * (row + 1))
        cv2.putText(band, plain, place, cv2.FONT_HERSHEY_SIMPLEX, letter, (235, 235, 235), 1, cv2.LINE_AA)
    ramp: FloatArray = np.linspace(0, 1, max(2, width // 3), dtype=np.float32)
    bar = np.round(matplotlib.colormaps["inferno"](ramp)[:, :3] * 255).astype(np.uint8)
    top, left = line * len(texts) + line // 2, line // 2 + round(30 * letter)
    right = min(width, left + len(bar))
    band[top : top + line // 2, left:right] = bar[None, : right - left]
    for text, x in (("0", line // 2), ("1", right + 6)):
        cv2.putText(
            band,
            text,
            (x, top + line // 2),
            cv2.FONT_HERSHEY_SIMPLEX,
            letter,
            (235, 235, 235),
            1,
            cv2.LINE_AA,
        )
    return band
