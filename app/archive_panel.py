"""The archive as the page sees it: studies found without a patient's name or number, and their films."""

from __future__ import annotations

from app.lanes import Lanes
from app.replies import ArchivedFilmReply, ArchivedStudyReply, FilmsReply, StudiesReply
from app.requests import FilmRequest, FilmsRequest, FindRequest
from app.settings import Settings
from app.uploads import TooLargeError
from patchclip import PatchClipError
from patchclip.archive import Archive, Film
from patchclip.archive.dicomweb import StudyCriteria

MOST_STUDIES = 200
NO_ARCHIVE = (
    "No archive is set on this server; whoever runs it names one with --dicomweb or PATCHCLIP_DICOMWEB."
)


def archive_of(settings: Settings) -> Archive | None:
    """The archive that the settings name, or None.

    Raises:
        ArchiveError: its address is none.
    """
    if settings.dicomweb is None:
        return None
    token = settings.dicomweb_token
    return Archive(settings.dicomweb.get_secret_value(), token.get_secret_value() if token else None)


class ArchivePanel:
    """Asks the one archive that the deployer set; nothing of what it answers is kept.

    Args:
        archive: or None, where none is set.
        lanes: of the service.
        upload_limit_mb: a larger film could not be sent back to be opened.
    """

    def __init__(self, archive: Archive | None, lanes: Lanes, upload_limit_mb: int) -> None:
        self.archive, self._lanes, self._limit_mb = archive, lanes, upload_limit_mb

    @property
    def is_set(self) -> bool:
        """Whether there is an archive."""
        return self.archive is not None

    async def find(self, window: str, request: FindRequest) -> StudiesReply:
        """Studies, newest first."""
        criteria = StudyCriteria(request.study, request.accession, request.day(), request.modality)
        archive = self._required()
        found = await self._lanes.archive.run(lambda: archive.search(criteria, MOST_STUDIES + 1))
        return StudiesReply(
            studies=[
                ArchivedStudyReply(
                    study=item.uid,
                    date=item.date,
                    time=item.time,
                    description=item.description,
                    modalities=list(item.modalities),
                )
                for item in found[:MOST_STUDIES]
            ],
            more=len(found) > MOST_STUDIES,
        )

    async def films(self, window: str, request: FilmsRequest) -> FilmsReply:
        """The radiographs of a study, in their order."""
        archive = self._required()
        found = await self._lanes.archive.run(lambda: archive.find(request.study))
        return FilmsReply(
            films=[
                ArchivedFilmReply(series=film.series_uid, instance=film.instance_uid, modality=film.modality)
                for film in found
            ]
        )

    async def film(self, window: str, request: FilmRequest) -> bytes:
        """A film as a file, which the page opens as any other."""
        archive = self._required()
        film = Film(request.study, request.series, request.instance, "")
        content = await self._lanes.archive.run(lambda: archive.fetch(film))
        if len(content) > self._limit_mb * 1_000_000:
            raise TooLargeError(f"The film is larger than {self._limit_mb} MB, the limit of this server.")
        return content

    def _required(self) -> Archive:
        if self.archive is None:
            raise PatchClipError(NO_ARCHIVE)
        return self.archive
