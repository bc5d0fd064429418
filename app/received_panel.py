"""Received films as the page sees them: a list in the order of arrival, and one to be opened."""

from __future__ import annotations

from app.lanes import Lanes
from app.received import ReceivedFilms
from app.replies import ReceivedListReply, ReceivedReply
from app.requests import EmptyRequest, ReceivedFilmRequest
from patchclip import PatchClipError


class ReceivedPanel:
    """What waits to be opened.

    Args:
        films: or None, where none are taken.
        lanes: of the service.
    """

    def __init__(self, films: ReceivedFilms | None, lanes: Lanes) -> None:
        self._films, self._lanes = films, lanes

    @property
    def is_set(self) -> bool:
        """Whether films are taken."""
        return self._films is not None

    async def list(self, window: str, request: EmptyRequest) -> ReceivedListReply:
        """The films that wait."""
        films = self._films.films() if self._films is not None else []
        return ReceivedListReply(
            films=[
                ReceivedReply(
                    film=film.id, arrived=film.arrived.isoformat(timespec="seconds"), kind=film.kind
                )
                for film in films
            ]
        )

    async def film(self, window: str, request: ReceivedFilmRequest) -> bytes:
        """A film as a file, which the page opens as any other; it waits until it is open."""
        films = self._films
        if films is None:
            raise PatchClipError("This server receives no films; open a file.")
        return await self._lanes.decoder.run(lambda: films.content(request.film))

    def opened(self, film: str | None) -> None:
        """A film is open, and waits no more."""
        if self._films is not None and film is not None:
            self._films.drop(film)
