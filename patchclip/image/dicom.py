"""DICOM to a `Radiograph`: decoding, modality and VOI transforms, padding and polarity."""

from __future__ import annotations

import logging
import warnings as python_warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import config
from pydicom.dataset import FileDataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut

from patchclip.errors import RadiographError
from patchclip.image.decoders import stored_pixels
from patchclip.image.elements import DAMAGE, MALFORMED, element, integer, number, sentence
from patchclip.image.header import header_facts, header_warnings
from patchclip.image.parse import parse_dicom
from patchclip.image.polarity import CLEAR, INVERTED, polarity_evidence
from patchclip.image.radiograph import Radiograph
from patchclip.image.raster import LUMA
from patchclip.types import FloatArray

# Messages of pydicom quote header values, which may name a patient: none of them may reach a log or a terminal. For the whole process,
# since a setting that is changed and put back around each file would be put back under another thread that still reads.
logging.getLogger("pydicom").setLevel(logging.CRITICAL)
config.settings.reading_validation_mode = config.IGNORE
python_warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")

ROBUST = (0.5, 99.5)  # percentiles of an image without a window


def looks_like_dicom(content: bytes) -> bool:
    """The DICM mark after the preamble, or a first element of the groups that start a file without one, in either byte order."""
    if content[128:132] == b"DICM" or content[:2] in (b"\x02\x00", b"\x08\x00"):
        return True
    # Big-endian always names its value representations, two capitals, which keeps other kinds of file out.
    return content[:2] == b"\x00\x08" and content[4:6].isalpha() and content[4:6].isupper()


def read_dicom(content: bytes, frame: int | None = None) -> Radiograph:
    """Bytes of a DICOM file -> Radiograph.

    The order of DICOM PS3.3 C.11.1 and C.11.2 is kept: stored values, modality LUT or rescale, VOI LUT or window, polarity.

    Args:
        content: the file.
        frame: from 0; the first, with a warning if there are others, if not given.

    Raises:
        RadiographError: damaged, without pixels, or in a transfer syntax that no installed decoder reads.
    """
    return _radiograph(parse_dicom(content), frame)


def _radiograph(dataset: FileDataset, frame: int | None) -> Radiograph:
    """From a parsed file."""
    stored, warnings = _stored(dataset, frame)
    padding = _padding(dataset, stored)
    # Padding is no measurement: it takes no part in any window.
    measured = stored if padding is None else stored[~padding]
    if measured.size == 0:
        raise RadiographError("Every pixel of the DICOM file is padding; export it again from its source.")
    shown = _to_display(dataset, stored, padding, warnings)
    evidence = polarity_evidence(shown, padding)
    if _photometric(dataset) == "MONOCHROME1":
        # Some archives keep the tag after turning the pixels: believe the anatomy where it speaks clearly against the tag.
        if evidence > CLEAR:
            warnings.append(
                "The header says MONOCHROME1, but the pixels are already black for air; they were not turned."
            )
        else:
            shown = 1.0 - shown
    elif evidence < -CLEAR:
        warnings.append(INVERTED)
    if padding is not None:
        shown = np.where(padding, 0.0, shown)
    facts = header_facts(dataset)
    warnings += header_warnings(facts, dataset)
    return Radiograph.from_array(np.clip(shown, 0, 1).astype(np.float32), facts, warnings)


def _photometric(dataset: FileDataset) -> str:
    return str(element(dataset, "PhotometricInterpretation") or "")


def _stored(dataset: FileDataset, frame: int | None) -> tuple[NDArray[Any], list[str]]:
    """Stored values [H, W] of a frame, luminance of a colour image."""
    warnings: list[str] = []
    values = stored_pixels(dataset, frame or 0)
    frames = integer(dataset, "NumberOfFrames", 1)
    if frames > 1 and frame is None:
        warnings.append(f"The file holds {frames} frames; the first is shown.")
    if _photometric(dataset) == "PALETTE COLOR":
        with sentence("The colour palette of the DICOM image is missing or malformed; export it in grey."):
            values = apply_color_lut(values, dataset)  # stored values are places in a table here, not grey
    if values.ndim == 3:
        values = np.round(values[..., :3].astype(np.float32) @ LUMA).astype(
            values.dtype
        )  # a palette may have opacity as a fourth
        warnings.append("The image is in colour; its brightness was used.")
    return values, warnings


def _padding(dataset: FileDataset, stored: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Pixels that the header declares as padding (PS3.3 C.7.5.1.1.2; grey images only), or None."""
    first = element(dataset, "PixelPaddingValue")
    if not _photometric(dataset).startswith("MONOCHROME") or not isinstance(first, int):
        return None
    limit = element(dataset, "PixelPaddingRangeLimit")
    last = limit if isinstance(limit, int) else first
    mask = (stored >= min(first, last)) & (stored <= max(first, last))
    return mask if mask.any() else None


def _to_display(
    dataset: FileDataset, stored: NDArray[Any], padding: NDArray[np.bool_] | None, warnings: list[str]
) -> FloatArray:
    """Modality and VOI transforms, scaled to [0, 1] before polarity."""
    _drop_half_rescale(dataset)
    with sentence(MALFORMED):
        rescaled = apply_modality_lut(stored, dataset)
    if _has_voi(dataset):
        try:
            windowed = np.asarray(apply_voi_lut(rescaled, dataset, prefer_lut=True), np.float64)
        except DAMAGE:
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


def _drop_half_rescale(dataset: FileDataset) -> None:
    """Takes the rescale out of a header that holds only one of its two parts, both of which PS3.3 C.11.1 asks for, or one that is empty.

    It would be left out of the values, but not out of the range that they are scaled by.
    """
    keywords = ("RescaleSlope", "RescaleIntercept")
    if not element(dataset, "RescaleSlope") or element(dataset, "RescaleIntercept") is None:
        for keyword in keywords:
            if keyword in dataset:
                del dataset[keyword]


def _has_voi(dataset: FileDataset) -> bool:
    if element(dataset, "VOILUTSequence"):
        return True
    return element(dataset, "WindowCenter") is not None and element(dataset, "WindowWidth") is not None


def _voi_range(dataset: FileDataset, rescaled: NDArray[Any]) -> tuple[float, float]:
    """The output range of `apply_voi_lut`: that of the LUT's entries, or of the values that the window was applied to (its y_min, y_max)."""
    for sequence in ("VOILUTSequence", "ModalityLUTSequence"):
        if items := element(dataset, sequence):
            with sentence(MALFORMED):
                return 0.0, float(2 ** int(items[0].LUTDescriptor[2]) - 1)
    bits = integer(dataset, "BitsStored")
    signed = bool(integer(dataset, "PixelRepresentation"))
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    slope, intercept = number(dataset, "RescaleSlope", 1), number(dataset, "RescaleIntercept", 0)
    return low * slope + intercept, high * slope + intercept
