"""Cases from an archive: fetched once, de-identified, and kept as files of the deployment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from app.study.errors import StudyError
from patchclip.archive import Archive, Film
from patchclip.archive.deidentify import Deidentifier
from patchclip.archive.dicomweb import StudyCriteria
from patchclip.archive.files import deidentify_film
from patchclip.files import atomic

PREFIX = "DICOMWEB:"
CRITERIA = ("study", "accession", "date", "modality")
MOST_STUDIES = 1000


def fetch_cases(words: str, archive: Archive, folder: Path) -> Path:
    """Fetches the films that are asked for into a folder, as 0001.dcm, 0002.dcm, ...

    No UID and no name of the archive stays: the files are de-identified as `patchclip deidentify` does it,
    and what may be writing in their pictures is blackened.

    Args:
        words: "DICOMWEB:" and either study UIDs, parted by commas, or criteria such as
            "modality=DX,date=20260102".
        archive: asked.
        folder: is made.

    Raises:
        StudyError: the words are not understood, or nothing was found.
        ArchiveError: the archive cannot be reached.
        RadiographError: a film cannot be read.
    """
    worker = Deidentifier()
    count = 0
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for film in _films(words.removeprefix(PREFIX), archive):
        dataset, _ = deidentify_film(archive.fetch(film), worker)
        count += 1
        with atomic(folder / f"{count:04d}.dcm") as place:
            dataset.save_as(place, enforce_file_format=True)
    if not count:
        raise StudyError("The archive has no study like that; look for others.")
    return folder


def _films(words: str, archive: Archive) -> Iterator[Film]:
    parts = [part.strip() for part in words.split(",") if part.strip()]
    if not parts:
        raise StudyError(
            f"Say which films are wanted, as {PREFIX}1.2.840.1,1.2.840.2 or "
            f"{PREFIX}modality=DX,date=20260102."
        )
    for uid in _studies(parts, archive):
        yield from archive.find(uid)


def _studies(parts: list[str], archive: Archive) -> list[str]:
    if not any("=" in part for part in parts):
        return parts
    given = dict(part.split("=", 1) for part in parts if "=" in part)
    if len(given) < len(parts) or not given.keys() <= set(CRITERIA):
        raise StudyError(f"Studies are looked for by {', '.join(CRITERIA)}, each once, as modality=DX.")
    criteria = StudyCriteria(
        uid=given.get("study", ""),
        accession=given.get("accession", ""),
        date=given.get("date", "").replace("-", ""),
        modality=given.get("modality", ""),
    )
    return [study.uid for study in archive.search(criteria, MOST_STUDIES)]
