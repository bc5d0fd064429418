"""Synthetic frontal chest radiographs, drawn by a program: examples and tests that belong to no patient.

python -m patchclip.image.synthetic FOLDER writes the bundled examples.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage
from scipy.special import expit

from patchclip.types import FloatArray

LESIONS = ("none", "effusion", "cardiomegaly", "nodule", "pneumothorax", "opacity")


@dataclass(frozen=True, slots=True)
class SyntheticRadiograph:
    """pixels float32 [S, S] in [0, 1]; lesion: bool [S, S], where it was drawn, all False for "none"."""

    pixels: FloatArray
    lesion: NDArray[np.bool_]


def synthetic_radiograph(lesion: str = "none", size: int = 1024, seed: int = 0) -> SyntheticRadiograph:
    """Draws a chest by adding up attenuation: body, lungs, heart, diaphragm, bones, then noise.

    Lesions lie on the patient's left (image right), except "opacity", which lies on the right.
    Deterministic by `seed`.

    Raises:
        ValueError: no such lesion.
    """
    if lesion not in LESIONS:
        raise ValueError(f'There is no lesion "{lesion}"; choose one of {", ".join(LESIONS)}.')
    rng = np.random.default_rng(seed)
    y, x = (np.mgrid[0:size, 0:size] + 0.5) / size
    wobble = rng.normal(0, 0.008, 8)
    body = _soft(1 - ((x - 0.5) / (0.455 - 0.06 * np.clip(0.22 - y, 0, 1) / 0.22 * 2)) ** 4, 6) * _soft(
        (y - 0.03 + 0.35 * np.abs(x - 0.5) ** 1.2 * 0.3) * 20, 1
    )
    shoulders = _soft((y - 0.20 + 0.17 * np.exp(-(((x - 0.5) / 0.17) ** 2))) * 18, 1)
    body = body * shoulders
    left, right = _lung(x, y, 0.685 + wobble[0], 0.155, 0.80), _lung(x, y, 0.305 + wobble[1], 0.165, 0.76)
    lungs = np.maximum(left, right)
    heart_scale = 1.5 if lesion == "cardiomegaly" else 1.0
    heart_x = 0.555 + 0.012 * (heart_scale - 1)
    heart = _soft(
        (
            1
            - (((x - heart_x) * 0.94 + (y - 0.66) * 0.34) / (0.130 * heart_scale)) ** 2
            - (((y - 0.66) * 0.94 - (x - heart_x) * 0.34) / 0.125) ** 2
        )
        * 3,
        1.6,
    )
    arch = _soft((1 - ((x - 0.548) / 0.042) ** 2 - ((y - 0.335) / 0.042) ** 2) * 3, 1.2) * 0.7
    mediastinum = _soft((1 - ((x - 0.495) / (0.062 + 0.03 * np.clip(y - 0.3, 0, 1))) ** 2) * 3, 1.2) * _soft(
        (y - 0.02) * 30, 1
    )
    density = 0.56 * body + 0.10 * body * np.clip(y, 0, 1) - 0.37 * lungs * body
    solid = np.maximum(
        0.33 * np.maximum(heart, arch), 0.36 * mediastinum
    )  # overlapping organs hide each other
    density += 0.05 * mediastinum * body
    density += body * (0.030 * _spine(x, y) + 0.065 * _ribs(x, y, wobble)) + 0.07 * _clavicles(x, y)
    density += lungs * _vessels(size, rng) * (1 - heart)
    mask = np.zeros((size, size), bool)
    if lesion == "effusion":
        level = 0.685 - 0.20 * np.clip((x - 0.70) / 0.15, 0, 1) ** 2.2
        fluid = left * _soft((y - level) * 60, 1)
        solid = np.maximum(solid, 0.37 * fluid)
        mask = fluid > 0.5
    elif lesion == "cardiomegaly":
        mask = heart > 0.5
    elif lesion in ("nodule", "opacity"):
        cx, cy, radius, strength = (
            (0.735, 0.415, 0.026, 0.17) if lesion == "nodule" else (0.285, 0.56, 0.085, 0.20)
        )
        distance = np.sqrt((x - cx) ** 2 + (y - cy) ** 2) / radius
        texture = 1.0 if lesion == "nodule" else np.clip(1 + 0.9 * _clouds(size, rng, size / 60), 0, 2)
        spot = _soft((1 - distance) * (6 if lesion == "nodule" else 2.2), 1) * texture
        density += strength * spot * np.maximum(lungs, 0.25)
        mask = (distance < 1.0) & (body > 0.5)
    elif lesion == "pneumothorax":
        inner = _lung(x, y + 0.035, 0.668 + wobble[0], 0.132, 0.83)
        pleural = left * (1 - inner) * _soft((0.60 - y) * 25, 1)
        density -= 0.075 * pleural
        edge = np.abs(inner - 0.5) < 0.10
        density += 0.05 * cv2.GaussianBlur(
            (edge & (y < 0.58) & (left > 0.6)).astype(np.float32), (0, 0), size / 900
        )
        mask = pleural > 0.5
    density += solid * lungs
    density = cv2.GaussianBlur(density.astype(np.float32), (0, 0), size / 700)
    density += 0.018 * _clouds(size, rng, size / 40) * body + rng.normal(0, 0.011, density.shape)
    pixels = np.clip(0.03 + 1.12 * density, 0, 1).astype(np.float32)
    label = np.zeros((size, size), np.uint8)
    cv2.putText(
        label,
        "L",
        (int(0.9 * size), int(0.13 * size)),
        cv2.FONT_HERSHEY_SIMPLEX,
        size / 600,
        242,
        max(1, size // 300),
        cv2.LINE_AA,
    )
    cv2.putText(
        label,
        "SYNTHETIC",
        (int(0.02 * size), int(0.045 * size)),
        cv2.FONT_HERSHEY_SIMPLEX,
        size / 1500,
        204,
        max(1, size // 700),
        cv2.LINE_AA,
    )
    pixels = np.maximum(pixels, label.astype(np.float32) / 255)
    return SyntheticRadiograph(pixels, mask)


def synthetic_dicom(pixels: FloatArray) -> FileDataset:
    """A 12-bit MONOCHROME2 secondary capture with a window, and nothing that names anyone."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = UID("2.25.1")
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = SecondaryCaptureImageStorage, "2.25.1"
    dataset.PatientName = "SYNTHETIC"
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "DX", "CHEST", "PA"
    dataset.PatientOrientation = ["L", "F"]
    dataset.PhotometricInterpretation, dataset.SamplesPerPixel = "MONOCHROME2", 1
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    dataset.PixelData = np.round(pixels * 4095).astype("<u2").tobytes()
    return dataset


def write_examples(folder: Path) -> None:
    """The bundled examples: PNGs of 1024 px, and one DICOM."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, lesion in enumerate(("none", "effusion", "cardiomegaly", "opacity")):
        drawn = synthetic_radiograph(lesion, seed=seed)
        name = "normal" if lesion == "none" else lesion
        cv2.imwrite(
            str(folder / f"synthetic_{name}.png"),
            np.round(drawn.pixels * 255).astype(np.uint8),
            [cv2.IMWRITE_PNG_COMPRESSION, 9],
        )
    synthetic_dicom(synthetic_radiograph("effusion", size=512, seed=5).pixels).save_as(
        folder / "synthetic_effusion_dicom.dcm", enforce_file_format=True
    )


def _soft(signed: FloatArray, sharpness: float) -> FloatArray:
    """0 outside, 1 inside, smooth across the border where `signed` is 0."""
    return np.asarray(expit(signed * sharpness * 4), np.float32)


def _lung(x: FloatArray, y: FloatArray, cx: float, half: float, base: float) -> FloatArray:
    """A lung field: narrow at the apex, wide below, cut by a domed diaphragm."""
    top = 0.135
    height = np.clip((y - top) / (base - top), 0, 1.2)
    width = half * np.clip(height, 1e-3, 1) ** 0.30
    dome = (
        base
        - 0.085 * np.exp(-(((x - cx) / (half * 0.95)) ** 2))
        + 0.05 * np.clip(np.abs(x - cx) / half - 0.5, 0, 1)
    )
    return (
        _soft((1 - np.abs(x - cx) / np.maximum(width, 1e-4)) * 7, 1)
        * _soft((y - top) * 30, 1)
        * _soft((dome - y) * 55, 1)
    )


def _spine(x: FloatArray, y: FloatArray) -> FloatArray:
    column = np.exp(-(((x - 0.495) / 0.026) ** 4))
    return np.asarray(column * (0.7 + 0.6 * (np.sin(y * 2 * np.pi * 19) > 0.2)), np.float32)


def _ribs(x: FloatArray, y: FloatArray, wobble: NDArray[np.float64]) -> FloatArray:
    """Posterior ribs sloping out and down, anterior ones fainter and steeper; thicker at their edges."""
    out = np.zeros_like(x, dtype=np.float32)
    lateral = np.abs(x - 0.495)
    for number in range(10):
        start = 0.145 + 0.062 * number + 0.2 * wobble[number % 8]
        arc = (
            start
            - 0.06 * np.sin(np.clip(lateral / 0.38, 0, 1) * np.pi) * (1 - number / 14)
            + 0.30 * lateral**1.6 * (0.6 + number / 12)
        )
        offset = (y - arc) / 0.0125
        out += (
            np.exp(-(offset**4))
            * (0.45 + 0.55 * np.clip(np.abs(offset), 0, 1))
            * (lateral > 0.035)
            * (lateral < 0.40)
        )
        front = (y - (start + 0.11 + 0.33 * (0.40 - lateral))) / 0.013
        out += 0.40 * np.exp(-(front**4)) * (lateral > 0.13) * (lateral < 0.385) * (number < 7)
    return out


def _clavicles(x: FloatArray, y: FloatArray) -> FloatArray:
    lateral = np.abs(x - 0.495)
    arc = 0.205 - 0.16 * lateral + 0.03 * np.sin(lateral * 18)
    offset = (y - arc) / 0.014
    return np.asarray(
        np.exp(-(offset**4))
        * (0.6 + 0.4 * np.abs(np.clip(offset, -1, 1)))
        * (lateral > 0.03)
        * (lateral < 0.37),
        np.float32,
    )


def _clouds(size: int, rng: np.random.Generator, scale: float) -> FloatArray:
    """Smooth noise of unit standard deviation."""
    noise = cv2.GaussianBlur(rng.normal(size=(size, size)).astype(np.float32), (0, 0), scale)
    return np.asarray(noise / noise.std(), np.float32)


def _vessels(size: int, rng: np.random.Generator) -> FloatArray:
    """Branching vascular markings out of both hila, tapering."""
    canvas = np.zeros((size, size), np.float32)
    for hilum_x, way in ((0.43, -1), (0.575, 1)):
        for angle in np.linspace(-1.25, 1.35, 16):
            px, py, direction, width = hilum_x, 0.47, angle + rng.normal(0, 0.06), size / 150
            for _ in range(26):
                nx, ny = px + way * 0.0135 * np.cos(direction), py + 0.0135 * np.sin(direction)
                cv2.line(
                    canvas,
                    (int(px * size), int(py * size)),
                    (int(nx * size), int(ny * size)),
                    1.0,
                    max(1, int(width)),
                    cv2.LINE_AA,
                )
                px, py, direction, width = nx, ny, direction + rng.normal(0, 0.13), width * 0.94
    return 0.055 * cv2.GaussianBlur(canvas, (0, 0), size / 450) + 0.012 * np.asarray(
        _clouds(size, rng, size / 130), np.float32
    )


if __name__ == "__main__":
    write_examples(Path(sys.argv[1]))
