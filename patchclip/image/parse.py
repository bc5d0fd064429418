"""Bytes of a DICOM file to a parsed data set that holds an image; what holds none is told by name."""

from __future__ import annotations

import io
import zlib

from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.filereader import read_dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from patchclip.errors import RadiographError
from patchclip.image.elements import element, sentence
from patchclip.image.limits import MOST_INFLATED

DAMAGED = "The DICOM file is damaged or cut short; export it again from its source."
OTHERS = {
    "1.2.840.10008.1.3.10": "is a DICOMDIR, the contents of a disc: open the disc's folder, or a ZIP of it",
    "1.2.840.10008.5.1.4.1.1.104.": "holds no image but a document: export the radiograph itself",
    "1.2.840.10008.5.1.4.1.1.88.59": "holds no image but a list of key images: open the images themselves",
    "1.2.840.10008.5.1.4.1.1.88.": "holds no image but a report: open the radiograph itself",
    "1.2.840.10008.5.1.4.1.1.11.": "holds no image but a presentation state: open the image that it is for",
    "1.2.840.10008.5.1.4.1.1.9.": "holds no image but a waveform: open a radiograph",
    "1.2.840.10008.5.1.4.1.1.481.": "holds no image but an object of radiotherapy: open a radiograph",
}
"""Objects without an image, by their SOP class or its beginning (PS3.4 B.5, PS3.3 F)."""

_BLOCK = 2**20


def parse_dicom(content: bytes) -> FileDataset:
    """The data set of a file that holds an image.

    Raises:
        RadiographError: damaged, far too large when it is inflated, or without an image.
    """
    _check_inflated(content)
    with sentence(DAMAGED):
        dataset = dcmread(io.BytesIO(content), force=True)
    if "PixelData" not in dataset or "Rows" not in dataset:
        raise RadiographError(f"The DICOM file {_kind(dataset)}.")
    return dataset


def _kind(dataset: FileDataset) -> str:
    """What an object without an image is, and what to do."""
    with sentence(DAMAGED):
        meta = getattr(dataset, "file_meta", None)
        uid = str(element(dataset, "SOPClassUID") or (meta and meta.get("MediaStorageSOPClassUID")) or "")
    for beginning, words in OTHERS.items():
        if uid.startswith(beginning):
            return words
    return "holds no image; choose an image object rather than a report or a presentation state"


def _check_inflated(content: bytes) -> None:
    """Inflates a deflated file block by block, of which none is kept, before anything inflates it whole."""
    if content[128:132] != b"DICM" or b"1.2.840.10008.1.2.1.99" not in content[:4096]:
        return
    file = io.BytesIO(content)
    file.seek(132)
    with sentence(DAMAGED):
        meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
        if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            return
        inflater, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
        rest = content[file.tell() :]
        while rest and not inflater.eof and total <= MOST_INFLATED:
            total += len(inflater.decompress(rest, _BLOCK))
            rest = inflater.unconsumed_tail
    if total > MOST_INFLATED:
        raise RadiographError(
            f"The DICOM file grows beyond {MOST_INFLATED // 2**20} MB when it is inflated, as no radiograph "
            "does; export it again, uncompressed."
        )
