"""A film as a client of the protocol sends it: read as any other, with where its pixels lie."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from app.monai_label.geometry import Geometry, of_picture
from app.monai_label.volumes import AS_STORED, is_volume, read_volume, unpacked
from patchclip import Encoded, Engine, Radiograph, load_radiograph
from patchclip.image.aspect import SPACINGS
from patchclip.image.dicom import looks_like_dicom
from patchclip.image.elements import MALFORMED, numbers, sentence

HEADER = ("Rows", "Columns", "ImageOrientationPatient", "ImagePositionPatient", *SPACINGS)
"""Nothing else of a header is looked at here."""


@dataclass(frozen=True, slots=True)
class Film:
    """A radiograph, and where the pixels of its file lie."""

    radiograph: Radiograph
    geometry: Geometry


@dataclass(frozen=True, slots=True)
class Picture:
    """What is kept of a film that was sent: its encoding, where the pixels lie, and the engine that encoded
    it, which answers all that is asked of it."""

    encoded: Encoded
    geometry: Geometry
    engine: Engine


def read_film(content: bytes) -> Film:
    """Reads NIfTI-1, NRRD, DICOM, PNG, JPEG, TIFF, WebP or BMP, told apart by content, not by name.

    Raises:
        RadiographError: the file is damaged, of another kind, beyond the limits, or blank.
        GeometryError: it holds no single film.
    """
    content = unpacked(content)
    if is_volume(content):
        volume = read_volume(content)
        radiograph = load_radiograph(volume.png, isolated=True)
        said = (*radiograph.warnings, AS_STORED)
        return Film(replace(radiograph, warnings=said), volume.geometry)
    radiograph = load_radiograph(content, isolated=True)
    if not looks_like_dicom(content):
        return Film(radiograph, of_picture(radiograph.size))
    with sentence(MALFORMED):
        header = dcmread(io.BytesIO(content), force=True, stop_before_pixels=True, specific_tags=list(HEADER))
    return Film(radiograph, _of_header(header, radiograph.facts.pixel_ratio))


def _of_header(header: Dataset, ratio: float) -> Geometry:
    """The plane of an image (PS3.3 C.7.6.2), or, where the header has none, one that starts at 0."""
    size = int(numbers(header, "Rows")[0]), int(numbers(header, "Columns")[0])
    spacing = _spacing(header, ratio)
    geometry = of_picture(size, spacing)
    directions, origin = numbers(header, "ImageOrientationPatient"), numbers(header, "ImagePositionPatient")
    if len(directions) != 6 or len(origin) != 3:
        return geometry
    return replace(geometry, affine=_affine(np.array(directions), np.array(origin), spacing))


def _affine(
    directions: NDArray[np.float64], origin: NDArray[np.float64], spacing: tuple[float, float]
) -> NDArray[np.float64]:
    affine = np.eye(4)
    row, column = directions[:3], directions[3:]
    affine[:3, 0], affine[:3, 1] = row * spacing[1], column * spacing[0]
    affine[:3, 2], affine[:3, 3] = np.cross(row, column), origin
    return affine


def _spacing(header: Dataset, ratio: float) -> tuple[float, float]:
    """(height, width) of a stored pixel in mm, in the order of preference that pixels are made square by."""
    for keyword in SPACINGS[:-1]:
        values = numbers(header, keyword)
        if len(values) >= 2 and min(values[:2]) > 0:
            return values[0], values[1]
    return ratio, 1.0
