"""Kinds of files that are no radiograph, told by their first bytes, and what to do about each."""

from __future__ import annotations

import struct

READ = "DICOM, PNG, JPEG, TIFF, WebP or BMP"
UNKNOWN = f"This is not a {READ} file; export the radiograph as one of these."

_KINDS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF", "This is a PDF document, not an image; export the radiograph itself as DICOM or PNG."),
    (0, b"PK\x03\x04", "This is a ZIP archive; open the images in it."),
    (0, b"PK\x05\x06", "This is an empty ZIP archive; export the images again."),
    (0, b"\x1f\x8b", "This is a file compressed with gzip; open the image in it."),
    (0, b"7z\xbc\xaf\x27\x1c", "This is a 7z archive; unpack it and open the images in it."),
    (0, b"Rar!", "This is a RAR archive; unpack it and open the images in it."),
    (0, b"BZh", "This is a file compressed with bzip2; unpack it and open the image in it."),
    (0, b"\xfd7zXZ", "This is a file compressed with xz; unpack it and open the image in it."),
    (257, b"ustar", "This is a tar archive; unpack it and open the images in it."),
    (0, b"GIF8", f"This is a GIF picture, which has too few greys; export the radiograph as {READ}."),
    (0, b"\x00\x00\x00\x0cjP  ", f"This is a bare JPEG 2000 picture; export the radiograph as {READ}."),
    (0, b"\xff\x4f\xff\x51", f"This is a bare JPEG 2000 picture; export the radiograph as {READ}."),
    (4, b"ftyp", f"This is a film or an HEIC or AVIF picture; export the radiograph as {READ}."),
    (344, b"n+1\x00", f"This is a NIfTI volume; export the radiograph as {READ}."),
    (344, b"ni1\x00", f"This is a NIfTI volume; export the radiograph as {READ}."),
    (0, b"\xd0\xcf\x11\xe0", "This is an Office document; export the radiograph itself as DICOM or PNG."),
    (0, b"{\\rtf", "This is a text document; open the radiograph itself."),
)  # fmt: skip
_HTML = (b"<!doctype html", b"<html", b"<?xml")

TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
PICTURES: tuple[tuple[int, bytes], ...] = (
    (0, b"\x89PNG\r\n\x1a\n"),
    (0, b"\xff\xd8\xff"),
    *((0, mark) for mark in TIFF),
    (8, b"WEBP"),
)
"""Marks of the pictures that are read."""


def refusal(head: bytes) -> str:
    """The sentence about a file that is not read, by its first 512 bytes or more."""
    for start, mark, words in _KINDS:
        if head[start : start + len(mark)] == mark:
            return words
    if head[:512].lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(_HTML):
        return "This is a web page or XML, not an image; its server may have asked for a log-in instead."
    return UNKNOWN


def looks_like_picture(head: bytes) -> bool:
    """Whether a file begins like one of the pictures that are read."""
    if head[:2] == b"BM":  # two letters alone might begin a text: the size of the header that follows tells
        return head[14:18] in {struct.pack("<I", size) for size in (12, 40, 52, 56, 64, 108, 124)}
    return any(head[start : start + len(mark)] == mark for start, mark in PICTURES)
