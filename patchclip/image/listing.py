"""Which images a file holds: one, frames or pages, those of a ZIP archive, those of a disc with DICOMDIR."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from patchclip.errors import RadiographError
from patchclip.image.archives import ZIP, first_bytes, members, open_zip, read_member
from patchclip.image.dicom import looks_like_dicom
from patchclip.image.kinds import TIFF, looks_like_picture, refusal
from patchclip.image.load import read_content, read_head
from patchclip.image.parse import DicomHead, disc_files, read_dicom_head
from patchclip.image.picture import page_count

HEAD = 2**18
"""Bytes in which nearly every DICOM header says how many frames there are; of others the whole file is
read."""

MOST_FRAMES = 1000


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One image in a container, to be opened with `load_entry`.

    Attributes:
        name: for the reader: path of the file, path within its archive, "#2" for the second frame.
        file: path on disk; None for what is in bytes.
        member: path within the ZIP archive, or None.
        frame: from 0, or None where there is one alone.
    """

    name: str
    file: str | None = None
    member: str | None = None
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file in a container that holds no image, and a sentence that says what it is."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What a container holds, in order of names."""

    entries: tuple[ImageEntry, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def __add__(self, other: Listing) -> Listing:
        return Listing(self.entries + other.entries, self.left_out + other.left_out)


def list_file(source: str | bytes, name: str) -> Listing:
    """The images in a file that somebody named; one that is no container is an entry, whatever it is."""
    content = source if isinstance(source, bytes) else None
    head = read_head(source, HEAD)
    if head.startswith(ZIP):
        return _zip(source, name)
    whole = partial(read_content, source)
    dicom = _dicom_head(head, whole) if looks_like_dicom(head) else None
    if dicom and dicom.is_directory:
        return _disc(source, name)
    entry = ImageEntry(name, None if content is not None else str(source))
    return _frames(entry, _count(head, dicom, whole))


def list_in_container(source: str, name: str) -> Listing:
    """The images in a file that a folder or disc holds."""
    try:
        return _judged(ImageEntry(name, source), read_head(source, HEAD), partial(read_content, source))
    except RadiographError as error:
        return Listing(left_out=(LeftOut(name, str(error)),))


def _zip(source: str | bytes, name: str) -> Listing:
    listing = Listing()
    with open_zip(source) as archive:
        for info in members(archive):
            inner = info.filename
            entry = ImageEntry(
                f"{name}/{inner}" if name else inner, None if isinstance(source, bytes) else source, inner
            )
            try:
                head = first_bytes(archive, info, HEAD)
                listing += _judged(entry, head, partial(read_member, archive, inner))
            except RadiographError as error:
                listing += Listing(left_out=(LeftOut(entry.name, str(error)),))
    return listing


def _disc(source: str | bytes, name: str) -> Listing:
    """The files that a DICOMDIR names, which lie beside and below it."""
    if isinstance(source, bytes):
        raise RadiographError(
            "This is a DICOMDIR, the contents of a disc; open the disc's folder, or a ZIP of it."
        )
    root = Path(source).resolve().parent
    listing = Listing()
    for parts in disc_files(read_content(source)):
        shown = str(Path(name).parent.joinpath(*parts))
        file = _on_disc(root, parts)
        if file is None:
            listing += Listing(
                left_out=(LeftOut(shown, "The DICOMDIR names this file, but the disc does not hold it."),)
            )
        else:
            listing += list_in_container(str(file), shown)
    return listing


def _on_disc(root: Path, parts: tuple[str, ...]) -> Path | None:
    """A file below the root, or None; whatever the case of its name, since discs are copied in either."""
    place = root
    for part in parts:
        if part in ("", ".", "..") or not place.is_dir():
            return None
        names = {file.name for file in place.iterdir()}
        same = part if part in names else next((name for name in names if name.upper() == part.upper()), None)
        if same is None:
            return None
        place = place / same
    return place if place.resolve().is_relative_to(root) and place.is_file() else None


def _judged(entry: ImageEntry, head: bytes, whole: Callable[[], bytes]) -> Listing:
    """A file of a container: its frames, or why it is left out."""
    if looks_like_dicom(head):
        dicom = _dicom_head(head, whole)
        if dicom and dicom.refusal:
            return Listing(left_out=(LeftOut(entry.name, dicom.refusal),))
        return _frames(entry, _count(head, dicom, whole))
    if looks_like_picture(head):
        return _frames(entry, _count(head, None, whole))
    return Listing(left_out=(LeftOut(entry.name, refusal(head)),))


def _dicom_head(head: bytes, whole: Callable[[], bytes]) -> DicomHead | None:
    """From the beginning of a file, or from all of it where the beginning does not tell."""
    dicom = read_dicom_head(head)
    if dicom is None and len(head) >= HEAD:
        try:
            dicom = read_dicom_head(whole())
        except RadiographError:  # said when the image is opened
            return None
    return dicom


def _count(head: bytes, dicom: DicomHead | None, whole: Callable[[], bytes]) -> int:
    """Frames of a DICOM file, or pages of a TIFF; 1 where it cannot be told before the image is opened."""
    if dicom:
        return dicom.frames
    if not head.startswith(TIFF):
        return 1
    try:
        return page_count(whole())
    except RadiographError:
        return 1


def _frames(entry: ImageEntry, count: int) -> Listing:
    if count <= 1:
        return Listing((entry,))
    entries = tuple(
        ImageEntry(f"{entry.name}#{frame + 1}", entry.file, entry.member, frame)
        for frame in range(min(count, MOST_FRAMES))
    )
    if count <= MOST_FRAMES:
        return Listing(entries)
    reason = f"Of {count} frames the first {MOST_FRAMES} are listed; split the file to see the others."
    return Listing(entries, (LeftOut(entry.name, reason),))
