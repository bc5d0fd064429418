"""A chest drawn by a program, as DICOM with a person's name in every place where archives put one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

HEIGHT, WIDTH = 640, 520
SECRETS = ("Mustermann", "Erika", "19520817", "4711-0815", "Klinikum Beispiel", "20260102", "Dr Geheim")


def pixels(seed: int = 0, *, effusion: bool = True) -> np.ndarray:
    """uint16 [HEIGHT, WIDTH], 12 bits, black = air: body, lungs, mediastinum, and fluid at the left base.

    seed: of the noise; effusion: whether there is the fluid.
    """
    canvas = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.ellipse(canvas, (260, 360), (235, 330), 0, 0, 360, 0.62, -1)
    for x in (165, 355):
        cv2.ellipse(canvas, (x, 300), (82, 200), 0, 0, 360, 0.22, -1)
    cv2.rectangle(canvas, (235, 60), (285, 600), 0.72, -1)
    cv2.ellipse(canvas, (300, 420), (85, 70), 20, 0, 360, 0.7, -1)
    if effusion:
        cv2.ellipse(canvas, (375, 470), (80, 60), 0, 0, 360, 0.68, -1)
    soft = cv2.GaussianBlur(canvas, (0, 0), 6) + np.random.default_rng(seed).normal(0, 0.01, canvas.shape)
    return np.round(np.clip(soft, 0, 1) * 4095).astype(np.uint16)


def write_dicom(path: Path, seed: int = 0, *, effusion: bool = True) -> Path:
    """Writes the file and returns its path; see `pixels`."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = Dataset()
    image.file_meta = meta
    image.SOPClassUID, image.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    image.PatientName, image.PatientID, image.PatientBirthDate = "Mustermann^Erika", "4711-0815", "19520817"
    image.InstitutionName, image.StudyDate, image.ReferringPhysicianName = (
        "Klinikum Beispiel",
        "20260102",
        "Dr Geheim",
    )
    image.Modality, image.ViewPosition, image.BodyPartExamined = "DX", "PA", "CHEST"
    image.PatientOrientation = ["L", "F"]
    image.Rows, image.Columns, image.SamplesPerPixel, image.PhotometricInterpretation = (
        HEIGHT,
        WIDTH,
        1,
        "MONOCHROME2",
    )
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.WindowCenter, image.WindowWidth = 2048, 4096
    image.PixelData = pixels(seed, effusion=effusion).tobytes()
    image.save_as(path, enforce_file_format=True)
    return path
