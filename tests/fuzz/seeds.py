"""Whole files of every kind that is read, to be damaged: generated here, or bundled with pydicom."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from patchclip.image.synthetic import synthetic_radiograph
from tests.image.dicoms import content, dicom

LARGEST = 300_000
"""Bytes of the largest of pydicom's files that is used: larger ones only take longer."""


PIXELS = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")
"""The tag of Pixel Data in either byte order."""


def seeds() -> dict[str, bytes]:
    """Files by name, in the same order on every machine with the same libraries."""
    chest = synthetic_radiograph("effusion", size=96, seed=3).pixels[:, 8:88]
    made = _dicoms(chest) | _pictures(chest)
    made["images.zip"] = _zipped({name: made[name] for name in ("12-bit.dcm", "L.png", "frames.dcm")})
    made["image.dcm.gz"] = gzip.compress(made["12-bit.dcm"], mtime=0)
    return made | _bundled()


def _bundled() -> dict[str, bytes]:
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.stat().st_size <= LARGEST)
    read = {str(file.relative_to(folder)): file.read_bytes() for file in files}
    return {name: data for name, data in read.items() if PIXELS[0] in data or PIXELS[1] in data}


def _dicoms(chest: NDArray[np.float32]) -> dict[str, bytes]:
    eight, twelve = np.round(chest * 255).astype(np.uint8), np.round(chest * 4095).astype(np.uint16)
    window: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
    twelve_bits: dict[str, Any] = {"BitsStored": 12, "HighBit": 11}
    streams: dict[str, tuple[UID, NDArray[Any], Callable[[], bytes | bytearray]]] = {
        "baseline": (JPEGBaseline8Bit, eight, lambda: imagecodecs.jpeg8_encode(eight)),
        "extended": (JPEGExtended12Bit, twelve, lambda: imagecodecs.jpeg8_encode(twelve, bitspersample=12)),
        "lossless": (JPEGLosslessSV1, twelve, lambda: imagecodecs.jpeg8_encode(twelve, lossless=True)),
        "jpegls": (JPEGLSLossless, twelve, lambda: imagecodecs.jpegls_encode(twelve)),
        "j2k": (JPEG2000Lossless, twelve, lambda: imagecodecs.jpeg2k_encode(twelve, codecformat="J2K")),
        "htj2k": (HTJ2KLossless, twelve, lambda: imagecodecs.htj2k_encode(twelve)),
    }
    made = {
        "8-bit.dcm": content(dicom(eight)),
        "12-bit.dcm": content(dicom(twelve, **window, **twelve_bits)),
        "signed.dcm": content(dicom(twelve.astype(np.int16) - 1024, RescaleSlope=2, RescaleIntercept=-9)),
        "padded.dcm": content(dicom(twelve, PixelPaddingValue=0, PhotometricInterpretation="MONOCHROME1")),
    }
    for name, (syntax, pixels, encode) in streams.items():
        dataset = dicom(pixels, **(twelve_bits if pixels is twelve else {}))
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = encapsulate([bytes(encode())])
        dataset["PixelData"].VR = "OB"
        made[f"{name}.dcm"] = content(dataset)
    for name, syntax in (("deflated", DeflatedExplicitVRLittleEndian), ("implicit", ImplicitVRLittleEndian)):
        dataset = dicom(twelve, **window)
        dataset.file_meta.TransferSyntaxUID = syntax
        made[f"{name}.dcm"] = content(dataset)
    dataset = dicom(twelve, **twelve_bits)
    dataset.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    made["rle.dcm"] = content(dataset)
    dataset = dicom(eight, NumberOfFrames="3")
    dataset.PixelData = eight.tobytes() * 3
    made["frames.dcm"] = content(dataset)
    dataset = dicom(twelve)
    lut = pydicom.Dataset()
    lut.LUTDescriptor, lut.LUTData = [256, 0, 16], np.arange(256, dtype="<u2").tobytes()
    lut["LUTData"].VR = "OW"
    dataset.VOILUTSequence = pydicom.Sequence([lut])
    made["lut.dcm"] = content(dataset)
    return made


def _pictures(chest: NDArray[np.float32]) -> dict[str, bytes]:
    grey = Image.fromarray(np.round(chest * 255).astype(np.uint8))
    deep = Image.fromarray(np.round(chest * 65535).astype(np.uint16))
    exif = grey.getexif()
    exif[274], exif[270] = 6, "a film"
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Title", "a film")
    notes.add_text("Comment", "x" * 300, zip=True)
    made = {f"{mode}.png": _saved(grey.convert(mode), "PNG") for mode in ("L", "1", "LA", "P", "RGB", "RGBA")}
    made["deep.png"] = _saved(deep, "PNG")
    made["exif.png"] = _saved(grey, "PNG", exif=exif, pnginfo=notes)
    made["chunks.png"] = _with_chunks(_saved(grey.convert("P"), "PNG"))
    made["plain.jpg"] = _saved(grey, "JPEG", exif=exif)
    made["progressive.jpg"] = _saved(grey.convert("RGB"), "JPEG", progressive=True)
    made["lossy.webp"] = _saved(grey, "WEBP")
    made["lossless.webp"] = _saved(grey.convert("RGBA"), "WEBP", lossless=True, exif=exif)
    made["plain.bmp"] = _saved(grey, "BMP")
    made["plain.tif"] = _saved(grey, "TIFF")
    made["deep.tif"] = _saved(deep, "TIFF", compression="tiff_lzw")
    made["pages.tif"] = _saved(
        grey, "TIFF", save_all=True, append_images=[grey], compression="tiff_adobe_deflate"
    )
    made["fax.tif"] = _saved(grey.convert("1"), "TIFF", compression="group4")
    return made


def _saved(image: Image.Image, format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def _with_chunks(png: bytes) -> bytes:
    """Chunks that decoders read before the pixels: primaries, gamma, transparency, physical size."""
    chunks = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"cHRM", struct.pack(">8I", *range(31270, 31278))),
            (b"gAMA", struct.pack(">I", 45455)),
            (b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
            (b"tRNS", bytes(range(200))),
        )
    )
    place = png.index(b"IDAT") - 4
    return png[:place] + chunks + png[place:]


def _zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()
