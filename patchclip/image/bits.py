"""Which bits of a stored pixel are its value: Bits Stored and High Bit of a DICOM header (PS3.5 8.1.1)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.uid import RLELossless

from patchclip.image.elements import integer

SPARSE = 0.05  # share of pixels that an overlay kept in the unused bits marks at most


def pixel_values(
    dataset: FileDataset, stored: NDArray[np.integer[Any]], padding: NDArray[np.bool_] | None
) -> tuple[NDArray[np.integer[Any]], list[str]]:
    """Decoded words [H, W] -> the values in them, and sentences for the reader.

    Bits below the value are shifted out, and bits above it, where old files keep overlays, are cleared.
    Where they hold more than an overlay the header is wrong about its bits, and the whole words are taken.

    Args:
        dataset: the header.
        stored: words as they were decoded.
        padding: pixels that need not keep to the bits.
    """
    width = 8 * stored.dtype.itemsize
    bits = integer(dataset, "BitsStored", width)
    high = integer(dataset, "HighBit", bits - 1)
    if not 0 < bits <= width or not bits - 1 <= high < width:
        return stored, [
            "The DICOM header contradicts itself about the bits of a pixel; all of them were used."
        ]
    signed = stored.dtype.kind == "i"
    words = stored.view(f"u{stored.dtype.itemsize}")
    shift = high + 1 - bits
    if shift and _coded(dataset) and not _measured(words >> np.uint8(bits), padding).any():
        shift = (
            0  # a JPEG holds values rather than words; these have been shifted before they were compressed
        )
    low, top = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, _ones(bits))
    if not shift and stored.size and low <= int(stored.min()) and int(stored.max()) <= top:
        return stored, []
    values = (words >> np.uint8(shift)).view(stored.dtype)
    if signed:
        sign = 1 << (bits - 1)
        cleared = (((words >> np.uint8(shift)) & _ones(bits)).astype(np.int64) ^ sign) - sign
    else:
        cleared = ((words >> np.uint8(shift)) & _ones(bits)).astype(np.int64)
    differs = _measured(cleared != values, padding)
    if not differs.any():
        return (values if shift else stored), []
    if not shift and not _has_embedded_overlay(dataset) and differs.mean() > SPARSE:
        return stored, ["Pixels use more bits than the DICOM header says; all of them were used."]
    return cleared.astype(stored.dtype), []


def _ones(bits: int) -> int:
    return (1 << bits) - 1


def _measured(values: NDArray[Any], padding: NDArray[np.bool_] | None) -> NDArray[Any]:
    return values if padding is None else values[~padding]


def _coded(dataset: FileDataset) -> bool:
    """Whether the pixels are in a format of their own, such as JPEG, rather than words."""
    syntax = dataset.file_meta.TransferSyntaxUID
    return bool(syntax.is_compressed) and syntax != RLELossless


def _has_embedded_overlay(dataset: FileDataset) -> bool:
    """Whether an overlay plane without data of its own is declared, which lies in the pixels' unused bits."""
    groups = range(0x6000, 0x6020, 2)
    return any((group, 0x0010) in dataset and (group, 0x3000) not in dataset for group in groups)
