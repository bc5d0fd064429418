"""DICOM to a `Radiograph`: decoding, modality and VOI transforms, padding, polarity, and the header facts worth having."""

from __future__ import annotations

import io
import logging
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array

from patchclip.errors import RadiographError
from patchclip.image.polarity import CLEAR, polarity_evidence
from patchclip.image.radiograph import HeaderFacts, Radiograph
from patchclip.image.raster import LUMA
from patchclip.types import FloatArray, Side

logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # its messages quote header values, which may name a patient

PROJECTION = {"DX", "CR", "RG", "RF", "XA", "DR"}
CHEST = {"CHEST", "THORAX", "LUNG"}
LATERAL = {"LL", "RL", "LATERAL", "LAT", "LLD", "RLD"}
ROBUST = (0.5, 99.5)  # percentiles of an image without a window


def looks_like_dicom(content: bytes) -> bool:
    """The DICM mark after the preamble, or a first element of the groups that start a file without one."""
    return content[128:132] == b"DICM" or content[:2] in (b"\x02\x00", b"\x08\x00")


def read_dicom(content: bytes) -> Radiograph:
    """Bytes of a DICOM file -> Radiograph.

    The order of DICOM PS3.3 C.11.1 and C.11.2 is kept: stored values, modality LUT or rescale, VOI LUT or window, polarity.

    Raises:
        RadiographError: damaged, without pixels, or in a transfer syntax that no installed decoder reads.
    """
    try:
        dataset = dcmread(io.BytesIO(content), force=True)
    except (InvalidDicomError, BytesLengthException, EOFError, ValueError, KeyError, AttributeError, OSError) as error:
        raise RadiographError("The DICOM file is damaged; export it again from its source.") from error
    if "PixelData" not in dataset or "Rows" not in dataset:
        raise RadiographError("The DICOM file holds no image; choose an image object rather than a report or a presentation state.")
    try:
        return _radiograph(dataset)
    except RadiographError:
        raise
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, NotImplementedError, ArithmeticError, struct.error) as error:
        # pydicom reads elements late: an empty or malformed one shows itself only when it is used.
        raise RadiographError("An element in the DICOM header is empty or malformed; export the image again from its source.") from error


def _radiograph(dataset: FileDataset) -> Radiograph:
    """From a parsed file."""
    stored, warnings = _stored(dataset)
    padding = _padding(dataset, stored)
    # Padding is no measurement: it takes no part in any window.
    measured = stored if padding is None else stored[~padding]
    if measured.size == 0:
        raise RadiographError("Every pixel of the DICOM file is padding; export it again from its source.")
    shown = _to_display(dataset, stored, padding, warnings)
    if str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        # Some archives keep the tag after turning the pixels: believe the anatomy where it speaks clearly against the tag.
        if polarity_evidence(shown) > CLEAR:
            warnings.append("The header says MONOCHROME1, but the pixels are already black for air; they were not turned.")
        else:
            shown = 1.0 - shown
    if padding is not None:
        shown = np.where(padding, 0.0, shown)
    facts = _facts(dataset)
    warnings += _header_warnings(facts, dataset)
    return Radiograph.from_array(np.clip(shown, 0, 1).astype(np.float32), facts, warnings)


def _stored(dataset: FileDataset) -> tuple[NDArray[Any], list[str]]:
    """Stored values [H, W]: first frame, luminance of a colour image."""
    warnings: list[str] = []
    if "file_meta" not in dataset.__dict__ or "TransferSyntaxUID" not in dataset.file_meta:
        from pydicom.uid import ImplicitVRLittleEndian

        dataset.ensure_file_meta()
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian  # the default of PS3.5 where a file does not say
    try:
        values = pixel_array(dataset, index=0) if int(dataset.get("NumberOfFrames", 1) or 1) > 1 else pixel_array(dataset)
    except (RuntimeError, NotImplementedError) as error:
        syntax = dataset.file_meta.TransferSyntaxUID.name
        raise RadiographError(
            f"The DICOM image cannot be decoded ({syntax}); export it uncompressed, or as JPEG 2000 or JPEG lossless."
        ) from error
    except (ValueError, AttributeError, KeyError, TypeError, IndexError, EOFError) as error:
        raise RadiographError(
            "The DICOM image is cut short or its header does not fit its pixels; export it again from its source."
        ) from error
    if int(dataset.get("NumberOfFrames", 1) or 1) > 1:
        warnings.append(f"The file holds {int(dataset.NumberOfFrames)} frames; the first is shown.")
    if values.ndim == 3:
        depth = float(np.iinfo(values.dtype).max)
        values = np.round(values.astype(np.float32) @ LUMA).astype(values.dtype) if depth else values
        warnings.append("The image is in colour; its brightness was used.")
    return values, warnings


def _padding(dataset: FileDataset, stored: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Pixels that the header declares as padding (PS3.3 C.7.5.1.1.2), or None."""
    if "PixelPaddingValue" not in dataset or not isinstance(dataset.PixelPaddingValue, int):
        return None
    first = int(dataset.PixelPaddingValue)
    limit = dataset.get("PixelPaddingRangeLimit")
    last = int(limit) if isinstance(limit, int) else first
    mask = (stored >= min(first, last)) & (stored <= max(first, last))
    return mask if mask.any() else None


def _to_display(dataset: FileDataset, stored: NDArray[Any], padding: NDArray[np.bool_] | None, warnings: list[str]) -> FloatArray:
    """Modality and VOI transforms, scaled to [0, 1] before polarity."""
    for keyword in ("RescaleSlope", "RescaleIntercept"):
        if keyword in dataset and dataset[keyword].value in (None, ""):
            del dataset[keyword]  # present but empty: as good as absent
    rescaled = apply_modality_lut(stored, dataset)
    if _has_voi(dataset):
        try:
            windowed = np.asarray(apply_voi_lut(rescaled, dataset, prefer_lut=True), np.float64)
        except (ValueError, IndexError, TypeError, NotImplementedError):
            warnings.append("The window in the DICOM header is invalid; an automatic one was used.")
        else:
            low, high = _voi_range(dataset, rescaled)
            return np.clip((windowed - low) / (high - low), 0, 1).astype(np.float32)
    else:
        warnings.append("The DICOM header has no window; an automatic one was used.")
    measured = rescaled if padding is None else rescaled[~padding]
    low, high = (float(value) for value in np.percentile(measured, ROBUST))
    if high <= low:
        low, high = float(measured.min()), float(measured.max())
    return np.clip((rescaled - low) / max(high - low, 1e-9), 0, 1).astype(np.float32)


def _has_voi(dataset: FileDataset) -> bool:
    if dataset.get("VOILUTSequence"):
        return True
    return dataset.get("WindowCenter") not in (None, "") and dataset.get("WindowWidth") not in (None, "")


def _voi_range(dataset: FileDataset, rescaled: NDArray[Any]) -> tuple[float, float]:
    """The output range of `apply_voi_lut`: that of the LUT's entries, or of the values that the window was applied to (its y_min, y_max)."""
    if dataset.get("VOILUTSequence"):
        return 0.0, float(2 ** int(dataset.VOILUTSequence[0].LUTDescriptor[2]) - 1)
    if dataset.get("ModalityLUTSequence"):
        return 0.0, float(2 ** int(dataset.ModalityLUTSequence[0].LUTDescriptor[2]) - 1)
    bits = int(dataset.BitsStored)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if int(dataset.PixelRepresentation) else (0, 2**bits - 1)
    slope, intercept = float(dataset.get("RescaleSlope", 1) or 1), float(dataset.get("RescaleIntercept", 0) or 0)
    return low * slope + intercept, high * slope + intercept


def _facts(dataset: FileDataset) -> HeaderFacts:
    spacing = dataset.get("PixelSpacing") or dataset.get("ImagerPixelSpacing")
    return HeaderFacts(
        view=_code(dataset, "ViewPosition"),
        laterality=_code(dataset, "ImageLaterality") or _code(dataset, "Laterality"),
        patient_left=_patient_left(dataset),
        spacing_mm=(float(spacing[0]), float(spacing[1])) if spacing and len(spacing) == 2 and all(spacing) else None,
        modality=_code(dataset, "Modality"),
        body_part=_code(dataset, "BodyPartExamined"),
    )


def _code(dataset: FileDataset, keyword: str) -> str | None:
    """A short code string; anything longer than DICOM's 16 characters is not a code and might be a remark about a person."""
    value = str(dataset.get(keyword) or "").strip().upper()
    return value if 0 < len(value) <= 16 else None


def _patient_left(dataset: FileDataset) -> Side:
    """From Patient Orientation (PS3.3 C.7.6.1.1.1): its first value is the direction of the rows, i.e. of the image's right."""
    orientation = dataset.get("PatientOrientation")
    first = str(orientation[0]).upper() if orientation and len(orientation) == 2 else ""
    return "left" if "R" in first and "L" not in first else "right"


def _header_warnings(facts: HeaderFacts, dataset: FileDataset) -> list[str]:
    said: list[str] = []
    if facts.modality and facts.modality not in PROJECTION:
        said.append(f"The header says modality {facts.modality}, not a radiograph (DX or CR): maps may mean nothing.")
    if facts.body_part and not any(part in facts.body_part for part in CHEST):
        said.append(f"The header says body part {facts.body_part}, not chest: maps may mean nothing.")
    if facts.view in LATERAL:
        said.append("The header says that this is a lateral view; the model knows frontal views only.")
    if facts.patient_left == "left":
        said.append("The header says that the patient's left is at the left of the image; sides in queries follow the header.")
    if str(dataset.get("BurnedInAnnotation", "")).upper() == "YES":
        said.append("The header says that text is burned into the picture: it may identify the patient.")
    return said
