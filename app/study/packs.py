"""What was made ahead of a study's cases, as files of a folder: films and maps, ready to be sent.

The folder may be emptied at any time: all that it holds is made anew from the cases' files.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from app.answer_replies import MapReply, RegionReply
from app.replies import FilmReply, Reply
from patchclip.files import atomic

FORMAT = 3  # of these files; others are made anew


class FilmHead(Reply):
    """What a page must know of a film: how its codes are shown, (H, W) of the original, warnings."""

    film: FilmReply
    size: tuple[int, int]
    warnings: list[str]


class PackedMap(Reply):
    """A map, the value from which it is lit, and its lit regions."""

    map: MapReply
    cut: float
    regions: list[RegionReply]


Maps = Mapping[str, Mapping[str, PackedMap]]
"""Label -> method -> map."""
MAPS: TypeAdapter[dict[str, dict[str, PackedMap]]] = TypeAdapter(dict[str, dict[str, PackedMap]])


@dataclass(frozen=True, slots=True)
class PackedCase:
    """A film that is ready: what is told of it, and its codes (see `app.film.film_bytes`)."""

    head: FilmHead
    codes: bytes


@dataclass(frozen=True, slots=True)
class PackKey:
    """By what a case's files are called: nothing that tells a patient, a path or a study.

    Attributes:
        image_sha256: of the pixels.
        model_sha256: of the checkpoint that is asked.
        methods: that make maps.
        findings: labels that are asked for.
        cut: of saliency maps.
    """

    image_sha256: str
    model_sha256: str
    methods: tuple[str, ...]
    findings: tuple[str, ...]
    cut: float

    @property
    def film(self) -> str:
        """Name of the film's file."""
        return _digest([self.image_sha256, self.model_sha256])

    @property
    def maps(self) -> str:
        """Name of the maps' file."""
        return _digest([self.image_sha256, self.model_sha256, self.methods, self.findings, self.cut])


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps([FORMAT, *parts]).encode()).hexdigest()


class Packs:
    """Films and maps in a folder; whoever reads gets a whole file or none.

    folder: is made when something is put there, for this user alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, key: PackKey) -> bool:
        """Whether film and maps are there."""
        return self._film(key).is_file() and self._maps(key).is_file()

    def put(self, key: PackKey, case: PackedCase, maps: Maps) -> None:
        """Keeps a case; the film last, so that a case with a film has its maps.

        Raises:
            OSError: the disk is full, or the folder may not be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        told = case.head.model_dump_json().encode()
        with atomic(self._maps(key)) as place:
            place.write_bytes(MAPS.dump_json({label: dict(each) for label, each in maps.items()}))
        with atomic(self._film(key)) as place:
            place.write_bytes(struct.pack(">I", len(told)) + told + case.codes)

    def film(self, key: PackKey) -> PackedCase | None:
        """A film, or None where it is not there; one that is damaged or of another version is removed."""
        path = self._film(key)
        content = _read(path)
        if content is None:
            return None
        end = 4 + int.from_bytes(content[:4], "big")
        try:
            return PackedCase(FilmHead.model_validate_json(content[4:end]), content[end:])
        except ValidationError:
            path.unlink(missing_ok=True)
            return None

    def maps(self, key: PackKey) -> Maps | None:
        """A case's maps, or None where they are not there; those that are damaged are removed."""
        path = self._maps(key)
        content = _read(path)
        if content is None:
            return None
        try:
            return MAPS.validate_json(content)
        except ValidationError:
            path.unlink(missing_ok=True)
            return None

    def _film(self, key: PackKey) -> Path:
        return self._folder / f"{key.film}.film"

    def _maps(self, key: PackKey) -> Path:
        return self._folder / f"{key.maps}.maps"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
