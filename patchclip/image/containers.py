"""The images of a folder, archive, disc or file, listed and opened, here or in a worker process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from patchclip.errors import RadiographError
from patchclip.image.archives import GZIP, is_hidden, open_zip, read_member
from patchclip.image.dicom import looks_like_dicom
from patchclip.image.isolation import shared_pool
from patchclip.image.listing import HEAD, ImageEntry, Listing, list_file, list_in_container
from patchclip.image.load import read_content, read_head, read_radiograph
from patchclip.image.model_input import ModelInput, Prepared, prepared
from patchclip.image.radiograph import Radiograph


def list_images(
    source: str | Path | bytes, *, isolated: bool = False, each: Callable[[], None] | None = None
) -> Listing:
    """The images in a source; a file that is no container is one entry under its own name, whatever it holds.

    A file that is known to be no image is left out of a folder, archive or disc; whether the others can be
    read shows when they are opened. Archives within archives are left out.

    Args:
        source: path of a folder or file, or a file's bytes.
        isolated: read in a worker process, as `patchclip.load_radiograph`.
        each: is called before each file of a folder; what it raises ends the listing.

    Raises:
        RadiographError: missing; an archive or disc that is damaged, made to do harm, or without any image.
    """
    if isinstance(source, bytes):
        return _with_images(_run("list_file", source, "", isolated=isolated))
    path = Path(source)
    if not path.is_dir():
        return _with_images(_run("list_file", str(path), str(source), isolated=isolated))
    listing = Listing()
    for file in _files(path):
        if each is not None:
            each()
        listing += _run("list_in_container", str(file), str(file), isolated=isolated)
    return _with_images(listing)


def load_entry(
    entry: ImageEntry,
    content: bytes | None = None,
    *,
    window: int | str | None = None,
    isolated: bool = False,
) -> Radiograph:
    """Opens an image that `list_images` told of.

    Args:
        entry: of the listing.
        content: the bytes that were listed, if bytes were.
        window: of a DICOM header, as of `patchclip.load_radiograph`.
        isolated: as of `list_images`.

    Raises:
        RadiographError: it cannot be read as a radiograph.
    """
    source = _source(entry, content)
    radiograph = _run("read_entry", source, entry.member, entry.frame, window, isolated=isolated)
    assert isinstance(radiograph, Radiograph)
    return radiograph


def load_prepared(entry: ImageEntry, content: bytes | None, wanted: ModelInput) -> Prepared:
    """As `load_entry`, in a worker process, from which comes what a model needs, and not the pixels.

    Args:
        entry, content: as there.
        wanted: by the model.

    Raises:
        RadiographError: it cannot be read as a radiograph.
    """
    source = _source(entry, content)
    film = _run("prepare_entry", source, entry.member, entry.frame, wanted, isolated=True)
    assert isinstance(film, Prepared)
    return film


def list_and_prepare(
    source: str | bytes, name: str, wanted: ModelInput, *, beside_others: bool
) -> tuple[Listing, Prepared | None]:
    """The images in a file, in a worker process, and its only one as `load_prepared` gives it: so most files
    go to a worker once.

    Args:
        source: path of a file, or a file's bytes.
        name: of the file in the listing.
        wanted: by the model.
        beside_others: whether the file was found in a folder, where what is no image is left out.

    Returns:
        None beside the listing where there are none or several, or it cannot be read, which `load_prepared`
        says why.

    Raises:
        RadiographError: it cannot be listed.
    """
    listing, film = _run("list_and_prepare", source, name, wanted, beside_others, isolated=True)
    assert isinstance(listing, Listing) and (film is None or isinstance(film, Prepared))
    return listing, film


def entry_file(entry: ImageEntry, content: bytes | None = None, *, isolated: bool = False) -> bytes:
    """The file that an image of a listing is in, unpacked: what results as DICOM refer to.

    Args:
        entry, content, isolated: as of `load_entry`.

    Raises:
        RadiographError: it cannot be unpacked.
    """
    file = _run("read_file", _source(entry, content), entry.member, isolated=isolated)
    assert isinstance(file, bytes)
    return file


def is_dicom_entry(entry: ImageEntry, content: bytes | None = None, *, isolated: bool = False) -> bool:
    """Whether the file that an image of a listing is in is DICOM.

    Args:
        entry, content, isolated: as of `load_entry`.

    Raises:
        RadiographError: it cannot be unpacked.
    """
    if content is not None and entry.member is None and not content.startswith(GZIP):
        return looks_like_dicom(content)
    return bool(_run("is_dicom_file", _source(entry, content), entry.member, isolated=isolated))


def read_entry(
    source: str | bytes, member: str | None, frame: int | None, window: int | str | None = None
) -> Radiograph:
    """Reads an entry of a listing."""
    return read_radiograph(source if member is None else _member(source, member), frame, window)


def prepare_entry(source: str | bytes, member: str | None, frame: int | None, wanted: ModelInput) -> Prepared:
    """Reads an entry of a listing for a model."""
    return prepared(read_entry(source, member, frame), wanted)


def list_and_prepare_file(
    source: str | bytes, name: str, wanted: ModelInput, beside_others: bool
) -> tuple[Listing, Prepared | None]:
    """See `list_and_prepare`."""
    if beside_others:
        assert isinstance(source, str)
        listing = list_in_container(source, name)
    else:
        listing = list_file(source, name)
    if len(listing.entries) != 1:
        return listing, None
    (entry,) = listing.entries
    try:
        return listing, prepare_entry(entry.file or source, entry.member, entry.frame, wanted)
    except RadiographError:
        return listing, None


def read_file(source: str | bytes, member: str | None) -> bytes:
    """The unpacked file of an entry of a listing."""
    return read_content(source if member is None else _member(source, member))


def is_dicom_file(source: str | bytes, member: str | None) -> bool:
    """Whether the file of an entry of a listing is DICOM."""
    return looks_like_dicom(read_head(source if member is None else _member(source, member), HEAD))


JOBS: dict[str, Callable[..., Any]] = {
    "list_file": list_file,
    "list_in_container": list_in_container,
    "list_and_prepare": list_and_prepare_file,
    "read_entry": read_entry,
    "prepare_entry": prepare_entry,
    "read_file": read_file,
    "is_dicom_file": is_dicom_file,
}
"""What is done with files, here or in a worker."""


def _source(entry: ImageEntry, content: bytes | None) -> str | bytes:
    source = content if entry.file is None else entry.file
    if source is None:
        raise RadiographError("The file that holds the image is not at hand any more; open it again.")
    return source


def _member(source: str | bytes, member: str) -> bytes:
    with open_zip(source) as archive:
        return read_member(archive, member)


def _run(job: str, *arguments: Any, isolated: bool) -> Any:
    if isolated:
        return shared_pool().run(job, *arguments)
    try:
        return JOBS[job](*arguments)
    except MemoryError:
        raise RadiographError(
            "There is not enough memory to open the file; export it at its original size, in grey."
        ) from None


def _with_images(listing: Listing) -> Listing:
    if not listing.entries:
        reason = listing.left_out[0].reason if len(listing.left_out) == 1 else ""
        raise RadiographError(
            f"It holds no image, but {len(listing.left_out)} other files; open a radiograph. {reason}".strip()
        )
    return listing


def _files(folder: Path) -> Iterator[Path]:
    """The files in a folder and its folders, hidden ones aside."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(names):
            file = Path(parent, name)
            if not is_hidden(name) and name.upper() != "DICOMDIR" and file.is_file():
                yield file
