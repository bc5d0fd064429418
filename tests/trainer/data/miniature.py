"""Files of miniature datasets: tables, tiny images, tiny DICOM files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from tests.tiny import VOCABULARY
from trainer.data.contents import Contents
from trainer.data.sample import Shape, State

KNOWN = frozenset(VOCABULARY.labels)
PRESENT, ABSENT, NOT_MENTIONED = State.PRESENT, State.ABSENT, State.NOT_MENTIONED


def write(path: Path, text: str) -> Path:
    """A text file, its folder with it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def picture(path: Path, width: int = 20, height: int = 10, seed: int = 0) -> Path:
    """A PNG or JPEG of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    assert cv2.imwrite(str(path), pixels)
    return path


def dicom(path: Path, width: int = 20, height: int = 10) -> Path:
    """A DICOM file of a grey ramp."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = DigitalXRayImageStorageForPresentation
    data.SOPInstanceUID = generate_uid()
    data.Modality, data.PhotometricInterpretation, data.SamplesPerPixel = "DX", "MONOCHROME2", 1
    data.Rows, data.Columns = height, width
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.PixelData = np.arange(width * height, dtype="<u2").tobytes()
    data.save_as(path, enforce_file_format=True)
    return path


def states_of(contents: Contents) -> dict[str, dict[str, State]]:
    """File name without its suffix -> states."""
    return {sample.path.stem: dict(sample.states) for sample in contents.samples}


def extent(shape: Shape) -> tuple[float, ...]:
    """x0, y0, x1, y1 of an outline, rounded to five decimals."""
    points = np.array(shape.points)
    return tuple(round(float(value), 5) for value in (*points.min(axis=0), *points.max(axis=0)))
