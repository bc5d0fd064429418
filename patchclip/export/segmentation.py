"""Maps and regions as DICOM segmentations on the pixels of the source image."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from highdicom import UID, AlgorithmIdentificationSequence
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from numpy.typing import NDArray

from patchclip.errors import DataError
from patchclip.export.codes import MORPHOLOGY, finding_code
from patchclip.export.result import NOTICE, Result
from patchclip.export.source import ALGORITHM_FAMILY, MANUFACTURER, Source, finish
from patchclip.types import Answer, FloatArray
from patchclip.version import __version__


def map_segmentation(result: Result, source: Source) -> Segmentation:
    """One fractional segment per answer: the patch map, interpolated to the pixels of the source image, 255
    for a probability of 1."""
    return _segmentation(result, source, SegmentationTypeValues.FRACTIONAL, result.answers, map_pixels)


def region_segmentation(result: Result, source: Source) -> Segmentation | None:
    """One binary segment per answer that has regions: where its map reaches the threshold.

    None where no map is lit.
    """
    lit = tuple(answer for answer in result.answers if answer.regions)
    return _segmentation(result, source, SegmentationTypeValues.BINARY, lit, region_pixels) if lit else None


def _segmentation(
    result: Result,
    source: Source,
    kind: SegmentationTypeValues,
    answers: tuple[Answer, ...],
    pixels_of: Callable[[Answer, tuple[int, int], tuple[int, int]], NDArray[np.generic]],
) -> Segmentation:
    if source.frame is not None:
        raise DataError(
            "A segmentation of one frame of several is not written; take sr, sc, coco or csv, or export the "
            "frames as files of their own."
        )
    segments = [_description(number, answer, result) for number, answer in enumerate(answers, start=1)]
    # [1 image, H, W, segments]
    pixels = np.stack([pixels_of(answer, result.size, source.size) for answer in answers], axis=-1)[None]
    made = Segmentation(
        source_images=[source.header],
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=segments,
        series_instance_uid=UID(),
        series_number=9002 if kind == SegmentationTypeValues.FRACTIONAL else 9003,
        sop_instance_uid=UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=result.model_name,
        software_versions=f"patchclip {__version__}",
        device_serial_number=result.model_sha256,
        content_description=NOTICE,
        omit_empty_frames=False,
    )
    made.PatientOrientation = list(source.orientation)
    finish(
        made,
        result,
        source,
        "Patch-CLIP maps" if kind == SegmentationTypeValues.FRACTIONAL else "Patch-CLIP regions",
    )
    return made


def _description(number: int, answer: Answer, result: Result) -> SegmentDescription:
    return SegmentDescription(
        segment_number=number,
        segment_label=answer.finding[:64],
        segmented_property_category=MORPHOLOGY,
        segmented_property_type=finding_code(answer),
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=f"{MANUFACTURER} {result.model_name}",
            family=ALGORITHM_FAMILY,
            version=result.model_sha256,
            parameters=result.parameters(answer),
        ),
        tracking_uid=UID(),
        tracking_id=answer.query[:64],
    )


def map_pixels(answer: Answer, film: tuple[int, int], size: tuple[int, int]) -> FloatArray:
    """An answer's map on the pixels of a file, float32 [H, W] in [0, 1].

    Args:
        answer: on a film.
        film: (H, W) of that film.
        size: (H, W) of the file, whose pixels need not be square as the film's are.
    """
    values = answer.map.upsample(*film)
    if film != size:
        values = np.asarray(
            cv2.resize(values, (size[1], size[0]), interpolation=cv2.INTER_LINEAR), np.float32
        )
    return np.clip(values, 0, 1).astype(np.float32)


def region_pixels(answer: Answer, film: tuple[int, int], size: tuple[int, int]) -> NDArray[np.uint8]:
    """uint8 [H, W], 1 inside of a region: lit by the map and within the bounding box of a region that was
    large enough to count. Arguments as of `map_pixels`."""
    lit = map_pixels(answer, film, size) >= answer.threshold
    inside = np.zeros(size, bool)
    scale_y, scale_x = size[0] / film[0], size[1] / film[1]
    for region in answer.regions:
        rows = slice(max(0, int(region.y * scale_y)), int(np.ceil((region.y + region.h) * scale_y)))
        columns = slice(max(0, int(region.x * scale_x)), int(np.ceil((region.x + region.w) * scale_x)))
        inside[rows, columns] = True
    return (lit & inside).astype(np.uint8)
