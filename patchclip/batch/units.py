"""The files of an archive, and the images in each: what is opened, fetched and decoded in one go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from patchclip.archive.dicomweb import Archive, NoRadiographError
from patchclip.errors import PatchClipError, RadiographError
from patchclip.image import ImageEntry
from patchclip.image.containers import list_and_prepare, load_prepared
from patchclip.image.load import read_content
from patchclip.image.model_input import ModelInput, Prepared

Kind = Literal["named", "beside others", "member", "study", "fault"]


@dataclass(frozen=True, slots=True)
class Unit:
    """What is done or not done as a whole: a file, a member of a shard, or a study of an archive.

    Attributes:
        place: where it lies, relative to the input: "ward/film.dcm", "shard-0.tar/film.png", a study's UID.
        kind: "named" by the user, so that whatever it holds is an image or an error; "beside others" in a
            folder, where what is no image is left out; "member" of a shard; "study" of a DICOMweb archive;
            "fault": it could not be listed.
        location: path of the file or shard; for a fault the sentence that says why.
        offset, length: of a member in its shard, in bytes.
        reference: what a manifest calls it, or None.
    """

    place: str
    kind: Kind
    location: str
    offset: int = 0
    length: int = 0
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class UnitImage:
    """One image of a unit, at its place; `film` and no `content` where it was decoded when it was found."""

    unit: Unit
    place: str
    entry: ImageEntry
    content: bytes | None = None
    film: Prepared | None = None

    def load(self, wanted: ModelInput) -> Prepared:
        """Decodes it in a process of its own.

        Raises:
            RadiographError: it cannot be read as a radiograph.
        """
        return self.film or load_prepared(self.entry, self.content, wanted)


@dataclass(frozen=True, slots=True)
class Fault:
    """What of a unit gave no image, at its place, and a sentence that says why.

    Attributes:
        kind: "error", "left out" of what is no image, or "unforeseen" of an error in Patch-CLIP.
    """

    unit: Unit
    place: str
    kind: Literal["error", "left out", "unforeseen"]
    reason: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The images of a unit, and what it holds besides."""

    unit: Unit
    images: tuple[UnitImage, ...] = ()
    faults: tuple[Fault, ...] = ()


def open_unit(unit: Unit, wanted: ModelInput, archive: Archive | None = None) -> Opened:
    """Lists a unit's images, in worker processes with limits; whatever fails is a fault of this unit alone.

    A file that holds one image is decoded in the same go.

    Args:
        unit: to be opened.
        wanted: by the model.
        archive: where studies are fetched from.
    """
    try:
        if unit.kind == "fault":
            raise RadiographError(unit.location)
        if unit.kind == "study":
            return _study(unit, wanted, archive)
        source = _member(unit) if unit.kind == "member" else unit.location
        return _opened(unit, source, unit.place, wanted)
    except PatchClipError as error:
        return Opened(unit, faults=(Fault(unit, unit.place, "error", str(error)),))


def content_of(unit: Unit) -> bytes:
    """A file or a shard's member as bytes.

    Raises:
        RadiographError: it cannot be read.
    """
    return _member(unit) if unit.kind == "member" else read_content(unit.location)


def _study(unit: Unit, wanted: ModelInput, archive: Archive | None) -> Opened:
    assert archive is not None
    images: tuple[UnitImage, ...] = ()
    faults: tuple[Fault, ...] = ()
    try:
        films = archive.find(unit.location)
    except NoRadiographError:
        return Opened(unit, faults=(Fault(unit, unit.place, "left out", "The study holds no radiograph."),))
    for film in films:
        place = f"{unit.place}/{film.instance_uid}"
        try:
            opened = _opened(unit, archive.fetch(film), place, wanted)
        except PatchClipError as error:
            faults += (Fault(unit, place, "error", str(error)),)
            continue
        images, faults = images + opened.images, faults + opened.faults
    return Opened(unit, images, faults)


def _opened(unit: Unit, source: str | bytes, place: str, wanted: ModelInput) -> Opened:
    among = unit.kind == "beside others"
    listing, film = list_and_prepare(source, place, wanted, beside_others=among)
    content = source if isinstance(source, bytes) and film is None else None
    images = tuple(UnitImage(unit, entry.name, entry, content, film) for entry in listing.entries)
    left_out = tuple(
        Fault(unit, item.name or unit.place, "left out", item.reason) for item in listing.left_out
    )
    return Opened(unit, images, left_out)


def _member(unit: Unit) -> bytes:
    """The bytes of a shard's member.

    Raises:
        RadiographError: the shard is shorter than it said, or cannot be read.
    """
    try:
        with Path(unit.location).open("rb") as shard:
            shard.seek(unit.offset)
            content = shard.read(unit.length)
    except OSError as error:
        raise RadiographError(
            f"The shard cannot be opened ({error.strerror}); check that it is a file that you may read."
        ) from error
    if len(content) < unit.length:
        raise RadiographError("The shard ends within this file; copy it again from its source.")
    return content
