"""DICOM files of a synthetic chest, with whatever tags a test asks for."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import ImplicitVRLittleEndian

from patchclip.image.synthetic import synthetic_dicom, synthetic_radiograph

CHEST = synthetic_radiograph(size=320, seed=3).pixels


def dicom(stored: NDArray[np.generic], **tags: object) -> FileDataset:
    """A DICOM of these stored values, the synthetic example's header, and some tags changed."""
    dataset = synthetic_dicom(CHEST)
    del dataset.WindowCenter, dataset.WindowWidth
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.BitsAllocated = 8 * stored.dtype.itemsize
    dataset.BitsStored = dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.Rows, dataset.Columns = stored.shape
    dataset.PixelData = stored.tobytes()
    for name, value in tags.items():
        setattr(dataset, name, value)
    return dataset


def content(dataset: FileDataset) -> bytes:
    """As a file."""
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def lut(descriptor: list[int], data: bytes | list[int], vr: str = "OW", **tags: object) -> Dataset:
    """An item of a Modality or VOI LUT Sequence."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", descriptor)
    item.add_new("LUTData", vr, data)
    for name, value in tags.items():
        setattr(item, name, value)
    return item


def words(entries: NDArray[np.generic]) -> bytes:
    """Entries of a look-up table, each in a little-endian word."""
    return entries.astype("<u2").tobytes()


def implicit(dataset: FileDataset) -> bytes:
    """As a file without value representations."""
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    out = io.BytesIO()
    dcmwrite(out, dataset, implicit_vr=True, little_endian=True, enforce_file_format=True)
    return out.getvalue()
