"""Cases from an archive: fetched once, de-identified, and kept as files of the deployment."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from app.study.errors import StudyError
from app.study.watch import Nobody, Watch
from patchclip.archive import Archive
from patchclip.archive.deidentify import Deidentifier
from patchclip.archive.dicomweb import StudyCriteria
from patchclip.archive.files import deidentify_film
from patchclip.files import atomic

PREFIX = "DICOMWEB:"
CRITERIA = ("study", "accession", "date", "modality")
MOST_STUDIES = 1000


@contextmanager
def fetched_cases(
    words: str, archive: Archive, films: Path, is_used: Callable[[Path], bool], watch: Watch | None = None
) -> Iterator[Path]:
    """The films that are asked for, in a folder of their own; where the block fails, it is gone again.

    They are 0001.dcm, 0002.dcm, ...: no UID and no name of the archive stays; the files are de-identified as
    `patchclip deidentify` does it, and what may be writing in their pictures is blackened.

    Args:
        words: "DICOMWEB:" and either study UIDs, parted by commas, or criteria such as
            "modality=DX,date=20260102".
        archive: asked.
        films: below which the folder is made; what creations that were killed have left there is removed.
        is_used: whether a folder there is that of a study.
        watch: hears how far it is.

    Raises:
        StudyError: the words are not understood, nothing was found, or the folder cannot be written.
        ArchiveError: the archive cannot be reached.
        RadiographError: a film cannot be read.
        StoppedError: `watch` has ended it.
    """
    parts = _parts(words)  # before anything is touched
    try:
        films.mkdir(parents=True, exist_ok=True, mode=0o700)
        _clear(films, is_used)
        folder = films / secrets.token_hex(8)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise _unwritable(error) from error
    with _holding(folder):
        try:
            _fetch(parts, archive, folder, watch or Nobody())
            yield folder
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise _unwritable(error) from error
            raise


def _clear(films: Path, is_used: Callable[[Path], bool]) -> None:
    """Removes folders that belong to no study and are not being filled."""
    for folder in films.iterdir():
        try:
            with _holding(folder):
                if not is_used(folder):
                    shutil.rmtree(folder)
        except BlockingIOError:
            continue  # another creation fills it


@contextmanager
def _holding(folder: Path) -> Iterator[None]:
    """As long as a folder is held, nobody clears it; a process that is killed lets go.

    Raises:
        BlockingIOError: another holds it.
    """
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(place)


def _unwritable(error: OSError) -> StudyError:
    return StudyError(
        f"The study's films cannot be stored ({error.strerror}); free some space, or make "
        "PATCHCLIP_STUDY_FOLDER writable."
    )


def _fetch(parts: Sequence[str], archive: Archive, folder: Path, watch: Watch) -> None:
    worker = Deidentifier()
    films = [film for uid in _studies(parts, archive) for film in archive.find(uid)]
    for number, film in enumerate(films):
        watch.at("fetching", number, len(films))
        dataset, _ = deidentify_film(archive.fetch(film), worker)
        with atomic(folder / f"{number + 1:04d}.dcm") as place:
            dataset.save_as(place, enforce_file_format=True)
    if not films:
        raise StudyError("The archive has no study like that; look for others.")


def _parts(words: str) -> list[str]:
    parts = [part.strip() for part in words.removeprefix(PREFIX).split(",") if part.strip()]
    if not parts:
        raise StudyError(
            f"Say which films are wanted, as {PREFIX}1.2.840.1,1.2.840.2 or "
            f"{PREFIX}modality=DX,date=20260102."
        )
    return parts


def _studies(parts: Sequence[str], archive: Archive) -> list[str]:
    if not any("=" in part for part in parts):
        return list(parts)
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
