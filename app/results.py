"""Results of a study as files: the library's own forms, packed into one ZIP or stored in the archive."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.archive_panel import NO_ARCHIVE
from app.lanes import Lanes
from app.replies import StoredReply
from app.requests import ResultsRequest
from app.sessions import Sessions, Study
from patchclip import PatchClipError, Radiograph, list_images, load_entry
from patchclip.archive import Archive
from patchclip.export.forms import (
    DICOM_FORMATS,
    coco_file,
    csv_file,
    dicom_file,
    dicom_results,
)
from patchclip.export.result import NOTICE, Result
from patchclip.image.containers import entry_file

if TYPE_CHECKING:  # what reads and writes DICOM results is loaded for the first of them
    from patchclip.export.source import Source

NO_DICOM = (
    "Results as DICOM refer to a film of an archive, a DICOM file, which this study is not; "
    "choose COCO or CSV."
)
ANOTHER_FILE = (
    "The file is not the one that this study was opened from, or has changed since; "
    "open it again, then export."
)
NOTHING_ASKED = "Nothing was asked of this study, so there is nothing to export; ask a question first."
NO_OBJECTS = "Choose at least one of the DICOM results to store; tables are no DICOM."

PATIENT = (
    "The DICOM files carry the name and numbers of the patient whose film they refer to, as that film has "
    "them, so that an archive files them together. The tables name nobody, unless a query does."
)
NAME = "patch-clip"
SHORT = 16  # signs of a hash that a picture is called by


@dataclass(frozen=True, slots=True)
class Film:
    """What DICOM results are made from: the radiograph that was asked about, and the header of its file."""

    radiograph: Radiograph
    source: Source


class Results:
    """Makes results; nothing of a film is kept, and nothing is written to the disk.

    Args:
        sessions, lanes: of the service.
        archive: where results may be stored, or None.
    """

    def __init__(self, sessions: Sessions, lanes: Lanes, archive: Archive | None) -> None:
        self._sessions, self._lanes, self._archive = sessions, lanes, archive

    async def packed(self, window: str, read: Callable[[], bytes], request: ResultsRequest) -> bytes:
        """A ZIP of the forms that were asked for, with a text that says what it is.

        Args:
            window: the token.
            read: gives the file that the study was opened from, and lets go of it; called where a form needs
                it.
            request: the study and the forms.

        Raises:
            PatchClipError: nothing was asked, or results as DICOM cannot refer to the study's file.
        """
        study = self._sessions.get(window, request.study)
        result = self._result(study)

        def make() -> bytes:
            wanted = set(request.kinds) & set(DICOM_FORMATS)
            film = film_of(study, read()) if wanted else None
            return pack(files_of(request.kinds, study.encoded.radiograph_sha256[:SHORT], result, film))

        return await self._lanes.export.run(make)

    async def store(self, window: str, read: Callable[[], bytes], request: ResultsRequest) -> StoredReply:
        """Stores DICOM results in the archive, beside their film.

        Raises:
            PatchClipError: as of `packed`; there is no archive, it does not hold the film, or refuses.
        """
        study = self._sessions.get(window, request.study)
        archive, result = self._archive, self._result(study)
        if archive is None:
            raise PatchClipError(NO_ARCHIVE)
        if not set(request.kinds) & set(DICOM_FORMATS):
            raise PatchClipError(NO_OBJECTS)

        def store() -> int:
            film = film_of(study, read())
            header = film.source.header
            archive.require(str(header.StudyInstanceUID), str(header.SOPInstanceUID))
            objects = list(dicom_results(request.kinds, result, film.radiograph, film.source).values())
            if objects:
                archive.store(objects)
            return len(objects)

        return StoredReply(stored=await self._lanes.archive.run(store))

    def _result(self, study: Study) -> Result:
        if not study.answers:
            raise PatchClipError(NOTHING_ASKED)
        return Result.of_answers(study.engine, study.encoded, list(study.answers.values()))


def film_of(study: Study, content: bytes) -> Film:
    """Reads a study's file once more, decoded where files that come from outside are.

    Args:
        study: an open one.
        content: the file that it was opened from.

    Raises:
        PatchClipError: it is another file, or none that DICOM results can refer to.
    """
    from patchclip.export.source import read_source

    opening = study.opening
    if not opening.dicom:
        raise PatchClipError(NO_DICOM)
    listing = list_images(content, isolated=True)
    place = opening.image or 0
    if place >= len(listing.entries):
        raise PatchClipError(ANOTHER_FILE)
    entry = listing.entries[place]
    radiograph = load_entry(entry, content, window=opening.window, isolated=True)
    if opening.inverted:
        radiograph = radiograph.inverted()
    if radiograph.sha256 != study.encoded.radiograph_sha256:
        raise PatchClipError(ANOTHER_FILE)
    return Film(radiograph, read_source(entry_file(entry, content, isolated=True), entry.frame))


def files_of(kinds: Sequence[str], image: str, result: Result, film: Film | None) -> dict[str, bytes]:
    """File name -> content.

    Args:
        kinds: of the forms.
        image: what the tables call the image: the name of its file may be a patient's.
        result: what was answered.
        film: where a form needs it.
    """
    files: dict[str, bytes] = {}
    if film is not None:
        objects = dicom_results(kinds, result, film.radiograph, film.source)
        files.update({f"{NAME}_{end}.dcm": dicom_file(dataset) for end, dataset in objects.items()})
    if "coco" in kinds:
        files["coco.json"] = coco_file({image: result})
    if "csv" in kinds:
        files["answers.csv"] = csv_file({image: result})
    files["about.txt"] = _about(image, result, film is not None).encode()
    return files


def pack(files: Mapping[str, bytes]) -> bytes:
    """A ZIP in memory, without a time that would tell when somebody was examined or read."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _about(image: str, result: Result, with_patient: bool) -> str:
    lines = [
        f"{NOTICE}.",
        f"Model {result.model_name}, SHA-256 {result.model_sha256}.",
        f"Computed by {result.execution}.",
        f"Radiograph {image}: the beginning of the SHA-256 of its pixels as they were read.",
        *(f"{name.capitalize()}: {value}." for name, value in result.picture.items()),
        *result.warnings,
        *([PATIENT] if with_patient else []),
    ]
    return "\n".join(lines) + "\n"
