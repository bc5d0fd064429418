"""The stored pixel values of a DICOM image, decoded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from patchclip.errors import RadiographError
from patchclip.image.elements import integer, sentence


def stored_pixels(dataset: FileDataset, frame: int = 0) -> NDArray[np.integer[Any]]:
    """Stored values of one frame, as the file holds them: before any modality or VOI transform.

    Args:
        dataset: a parsed file with Pixel Data.
        frame: from 0.

    Returns:
        [H, W], or [H, W, 3] of a colour image, in the machine's byte order; a palette's values are places in its table.

    Raises:
        RadiographError: cut short, contradicting its header, or in a transfer syntax that no installed decoder reads.
    """
    dataset.ensure_file_meta()
    if not dataset.file_meta.get("TransferSyntaxUID"):
        dataset.file_meta.TransferSyntaxUID = _plain_syntax(dataset)
    frames = integer(dataset, "NumberOfFrames", 1)
    try:
        with sentence(
            "The DICOM image is cut short or its header does not fit its pixels; export it again from its source."
        ):
            values = pixel_array(dataset, index=frame) if frames > 1 else pixel_array(dataset)
    except RuntimeError:
        uid = dataset.file_meta.TransferSyntaxUID
        syntax = uid.name if uid.is_valid else "a transfer syntax that does not exist"
        raise RadiographError(
            f"The DICOM image cannot be decoded ({syntax}); export it uncompressed, or as JPEG 2000 or JPEG lossless."
        ) from None
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _plain_syntax(dataset: FileDataset) -> UID:
    """The uncompressed transfer syntax that a file without file meta information was written in."""
    implicit, little_endian = dataset.original_encoding
    if little_endian is False:
        return ExplicitVRBigEndian
    return ExplicitVRLittleEndian if implicit is False else ImplicitVRLittleEndian
