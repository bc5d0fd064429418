"""Files that name a person in every place where a format has room for one."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, PngImagePlugin
from pydicom.datadict import DicomDictionary  # type: ignore[attr-defined]
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

TEXT = {"PN", "LO", "SH", "ST", "LT", "UT", "UC"}  # value representations that hold free text (PS3.5, 6.2)
LONGEST = {"SH": 16, "LO": 64, "PN": 64}
PIXELS = np.tile(np.arange(300, dtype=np.uint16) * 8, (320, 1))


def dicom(name: str) -> bytes:
    """A radiograph with the name in every text element of the dictionary, a sequence and a private block."""
    image = Dataset()
    for tag, (vr, *_, retired, keyword) in DicomDictionary.items():
        if vr in TEXT and keyword and not retired and tag >> 16 > 0x0004:
            setattr(image, keyword, name[: LONGEST.get(vr, len(name))])
    item = Dataset()
    item.PatientName = name
    image.RequestAttributesSequence = [item]
    image.private_block(0x0099, "TESTS", create=True).add_new(1, "LO", name)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = image.SOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
    image.file_meta = meta
    image.Modality, image.ViewPosition, image.BodyPartExamined = "DX", "PA", "CHEST"
    image.Rows, image.Columns = PIXELS.shape
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 0
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.PixelData = PIXELS.tobytes()
    out = io.BytesIO()
    image.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _exif(name: str) -> Image.Exif:
    exif = Image.Exif()
    for tag in (0x010E, 0x013B, 0x8298, 0x9C9B):  # description, artist, copyright, title
        exif[tag] = name
    return exif


def png(name: str) -> bytes:
    """A picture with the name in plain, compressed and international text, and in EXIF."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", name)
    info.add_text("Description", name, zip=True)
    info.add_itxt("Author", name)
    out = io.BytesIO()
    Image.fromarray((PIXELS >> 4).astype(np.uint8)).save(out, "PNG", pnginfo=info, exif=_exif(name))
    return out.getvalue()


def jpeg(name: str) -> bytes:
    """A picture with the name in a comment and in EXIF."""
    out = io.BytesIO()
    Image.fromarray((PIXELS >> 4).astype(np.uint8)).save(out, "JPEG", comment=name, exif=_exif(name))
    return out.getvalue()
