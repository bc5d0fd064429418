"""Bytes of a DICOM file to a parsed data set that holds an image; what holds none is told by name."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass

from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.filereader import read_dataset, read_partial
from pydicom.uid import DeflatedExplicitVRLittleEndian

from patchclip.errors import RadiographError
from patchclip.image.elements import element, integer, sentence
from patchclip.image.limits import MOST_INFLATED

MARK, PREAMBLE = b"DICM", 128
"""What every file starts with (PS3.10 7.1): a preamble of any bytes, and this."""
DAMAGED = "The DICOM file is damaged or cut short; export it again from its source."
DIRECTORY = "1.2.840.10008.1.3.10"
OTHERS = {
    DIRECTORY: "is a DICOMDIR, the contents of a disc: open the disc's folder, or a ZIP of it",
    "1.2.840.10008.5.1.4.1.1.104.": "holds no image but a document: export the radiograph itself",
    "1.2.840.10008.5.1.4.1.1.88.59": "holds no image but a list of key images: open the images themselves",
    "1.2.840.10008.5.1.4.1.1.88.": "holds no image but a report: open the radiograph itself",
    "1.2.840.10008.5.1.4.1.1.11.": "holds no image but a presentation state: open the image that it is for",
    "1.2.840.10008.5.1.4.1.1.9.": "holds no image but a waveform: open a radiograph",
    "1.2.840.10008.5.1.4.1.1.66": "holds no image but raw data or a registration: open a radiograph",
    "1.2.840.10008.5.1.4.1.1.481.": "holds no image but an object of radiotherapy: open a radiograph",
}
"""Objects without an image, by their SOP class or its beginning (PS3.4 B.5, PS3.3 F)."""

SIZE_OF_IMAGE = 0x00280010
"""Tag of Rows; Number of Frames and SOP Class UID come before it."""
_BLOCK = 2**20


def parse_dicom(content: bytes) -> FileDataset:
    """The data set of a file that holds an image.

    Raises:
        RadiographError: damaged, far too large when it is inflated, or without an image.
    """
    if content[: len(MARK)] == MARK:
        content = bytes(PREAMBLE) + content  # some exports leave the preamble out
    _check_inflated(content)
    with sentence(DAMAGED):
        dataset = dcmread(io.BytesIO(content), force=True)
    if "PixelData" not in dataset or "Rows" not in dataset:
        raise RadiographError(f"The DICOM file {_kind(_sop_class(dataset))}.")
    return dataset


@dataclass(frozen=True, slots=True)
class DicomHead:
    """What the header of a DICOM file says before its pixels are read.

    Attributes:
        frames: of its image.
        refusal: a sentence if it holds no image, or None.
        is_directory: whether it is a DICOMDIR.
    """

    frames: int
    refusal: str | None
    is_directory: bool


def read_dicom_head(head: bytes) -> DicomHead | None:
    """The header in the beginning of a file; None if the part that tells is not all there, or damaged.

    Nothing is read beyond the size of the image: the groups of a thousand frames, which come after it, may be
    long.
    """
    try:
        _check_inflated(head)
        with sentence(DAMAGED):
            dataset = read_partial(io.BytesIO(head), lambda tag, vr, length: tag > SIZE_OF_IMAGE, force=True)
        if "Rows" in dataset:
            return DicomHead(integer(dataset, "NumberOfFrames", 1), None, False)
        uid = _sop_class(dataset)
        if not uid.startswith(tuple(OTHERS)):
            return None
        return DicomHead(1, f"The DICOM file {_kind(uid)}.", uid == DIRECTORY)
    except RadiographError:
        return None


def disc_files(content: bytes) -> list[tuple[str, ...]]:
    """The files that a DICOMDIR names (PS3.3 F.3.2.2, Referenced File ID), as parts of paths below it.

    Raises:
        RadiographError: the DICOMDIR is damaged.
    """
    with sentence("The DICOMDIR is damaged or cut short; open the disc's folder instead."):
        records = dcmread(io.BytesIO(content), force=True).get("DirectoryRecordSequence") or []
        named = [record.get("ReferencedFileID") for record in records]
        lists = [[parts] if isinstance(parts, str) else parts for parts in named if parts]
        return [tuple(str(part) for part in parts) for parts in lists]


def _sop_class(dataset: FileDataset) -> str:
    with sentence(DAMAGED):
        meta = getattr(dataset, "file_meta", None)
        return str(element(dataset, "SOPClassUID") or (meta and meta.get("MediaStorageSOPClassUID")) or "")


def _kind(uid: str) -> str:
    """What an object without an image is, by its SOP class, and what to do."""
    for beginning, words in OTHERS.items():
        if uid.startswith(beginning):
            return words
    return "holds no image, or is cut short before it: choose an image object, or export it again"


def _check_inflated(content: bytes) -> None:
    """Inflates a deflated file block by block, of which none is kept, before anything inflates it whole."""
    if content[PREAMBLE : PREAMBLE + len(MARK)] != MARK or b"1.2.840.10008.1.2.1.99" not in content[:4096]:
        return
    file = io.BytesIO(content)
    file.seek(PREAMBLE + len(MARK))
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
