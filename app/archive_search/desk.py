"""What the page of the archive search shows: hits, and one of them with its map, from what is stored."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

import plotly.graph_objects as go

from app.archive_search.films import NOT_HERE, HitFilms
from app.archive_search.hit_plot import hit_plot
from app.lanes import Lane
from app.models.errors import ModelError
from app.models.shelf import Shelf
from app.requests import HitRequest
from app.settings import Settings, UsageError
from patchclip import Answer, Engine, PatchClipError
from patchclip.batch.names import Namer, read_key
from patchclip.batch.output import Output, RunRecord
from patchclip.errors import DataError
from patchclip.search.run import extent
from patchclip.search.searcher import Filters, Hit, Searcher
from patchclip.search.size import lit_share
from patchclip.search.words import with_place

HEADINGS = ("hit", "probability", "called", "finding", "place", "lit", "view", "read on", "warnings")
MOST_HITS = 200
REMEMBERED = 5000
"""Hits that can be opened, of all who search; the oldest are forgotten."""
FORGOTTEN = "The server has forgotten this hit, since it was restarted or many searched; search again."

Cell = str | float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for; "" and None where it does not matter."""

    text: str
    side: str = ""
    place: str = ""
    view: str = ""
    since: str = ""
    until: str = ""
    count: int = 20


@dataclass(frozen=True, slots=True)
class HitsShown:
    """Hits as the page lists them.

    Attributes:
        rows: under `HEADINGS`.
        note: what was made of the text, and how much of the archive was looked at.
        tokens: by which hits are shown and opened, in their order; random, and no names.
    """

    rows: list[list[Cell]]
    note: str
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HitShown:
    """A hit: its map, and a link to the viewer or why there is none."""

    plot: go.Figure
    words: str


class SearchDesk:
    """Searches one output folder for all who ask, one after the other, with the model that made it.

    Args:
        shelf: of the server's models.
        folder: of the batch.
        films: that hits are opened from.
        prior: of the deployment.

    Raises:
        DataError, UsageError: see `search_desk`.
    """

    def __init__(self, shelf: Shelf, folder: Path, films: HitFilms, prior: Sequence[str] = ()) -> None:
        self._shelf, self._folder, self._films, self._prior = shelf, folder, films, tuple(prior)
        self._current = self._opened()
        self._lane = Lane("archive search", 1, 16)
        self._hits: OrderedDict[str, _Told] = OrderedDict()

    async def find(self, wanted: Wanted) -> HitsShown:
        """The images on which a text is most probable."""
        return await self._lane.run(lambda: self._found(wanted))

    async def show(self, token: str) -> HitShown:
        """One hit."""
        return await self._lane.run(lambda: self._shown(token))

    async def film(self, window: str, request: HitRequest) -> bytes:
        """The film of a hit as a file, which the page opens as any other."""
        return await self._lane.run(lambda: self._films.content(self._told(request.hit).hit.file))

    def close(self) -> None:
        """Drops what waits."""
        self._lane.close()

    def _found(self, wanted: Wanted) -> HitsShown:
        searching = self._current = self._opened(self._current)
        text = with_place(searching.engine, wanted.text, wanted.side or None, wanted.place or None)
        views = tuple(view.strip().upper() for view in wanted.view.split(",") if view.strip())
        filters = Filters(views, _day(wanted.since), _day(wanted.until))
        found = searching.searcher.search(text, filters, max(1, min(wanted.count, MOST_HITS)))
        record = searching.searcher.record
        tokens = []
        for hit in found.hits:
            token = secrets.token_urlsafe(12)
            self._hits[token] = _Told(hit, record, text)
            tokens.append(token)
        while len(self._hits) > REMEMBERED:
            self._hits.popitem(last=False)
        rows = [_row(number, hit) for number, hit in enumerate(found.hits, start=1)]
        note = " ".join((*self._other_model(record), *found.notes, extent(found)))
        return HitsShown(rows, note, tuple(tokens))

    def _shown(self, token: str) -> HitShown:
        told = self._told(token)
        hit = told.hit
        warnings = [*hit.encoded.warnings, *(text for answer in hit.answers for text in answer.warnings)]
        height, width = hit.encoded.size
        viewer = urlencode({"hit": token, "ask": told.text})
        lines = [
            f"[Open the film in the viewer](/#{viewer})" if self._films.has(hit.file) else NOT_HERE,
            f"{width} x {height} pixels, {hit.encoded.facts.view or 'view not told'}, read on {hit.read_on}.",
            *self._other_model(told.record),
            *dict.fromkeys(warnings),
        ]
        return HitShown(hit_plot(hit), "\n\n".join(lines))

    def _told(self, token: str) -> _Told:
        if token not in self._hits:
            raise PatchClipError(FORGOTTEN)
        return self._hits[token]

    def _opened(self, before: _Searching | None = None) -> _Searching:
        """What searches the folder as it is now: it may be another model's than it was.

        Raises:
            DataError: it cannot be searched, or its model is not among the server's.
            UsageError: its probabilities are for other prevalences than the server's.
        """
        record = Output(self._folder).record()
        if before is not None and record == before.searcher.record:
            return before
        if record.prior != self._prior:
            raise UsageError(
                f"{self._folder} was made for other prevalences than this server's; give the same --prior "
                "to both."
            )
        try:
            engine = self._shelf.engine(record.model_sha256)
        except ModelError as error:
            raise DataError(
                f"{self._folder} was made with another model than this server has ({record.model}, "
                f"{record.model_sha256[:12]}); put it into the folder of models, or run the batch anew with "
                "one that is there."
            ) from error
        searching = _Searching(Searcher(self._folder, engine), engine)
        if before is not None:
            before.searcher.close()
        return searching

    def _other_model(self, record: RunRecord) -> tuple[str, ...]:
        """Says so where another model answers in the viewer than did in the archive."""
        now = self._shelf.in_use.engine
        if now.sha256 == record.model_sha256:
            return ()
        return (
            f"The archive was read by {record.model} ({record.model_sha256[:12]}), which answers here; the "
            f"viewer answers with {now.name} ({now.sha256[:12]}), and its answers may differ.",
        )


@dataclass(frozen=True, slots=True)
class _Searching:
    """A folder as it was opened, and the model that made it."""

    searcher: Searcher
    engine: Engine


@dataclass(frozen=True, slots=True)
class _Told:
    """A hit that was listed, what its folder was made for, and the text that was looked for."""

    hit: Hit
    record: RunRecord
    text: str


def search_desk(settings: Settings, shelf: Shelf, folder: Path) -> SearchDesk:
    """The desk for the output folder of a batch.

    Raises:
        DataError: the folder is none that can be searched with a model of this server.
        UsageError: its probabilities are for other prevalences than the server's.
    """
    folder = folder.expanduser()
    record = Output(folder).record()
    films = settings.search_films.expanduser() if settings.search_films else None
    # Places need no key, and a server without films asks for none.
    key = read_key(folder, settings.search_key) if films and not record.places else bytes(32)
    return SearchDesk(shelf, folder, HitFilms(films, Namer(key, record.places)), settings.prior)


def _row(number: int, hit: Hit) -> list[Cell]:
    return [
        number,
        round(hit.probability, 3),
        ", ".join(_called(answer) for answer in hit.answers),
        ", ".join(f"{'no ' if answer.negated else ''}{answer.finding}" for answer in hit.answers),
        ", ".join(dict.fromkeys(answer.place.words for answer in hit.answers if answer.place)),
        ", ".join(f"{100 * lit_share(answer):.0f} %" for answer in hit.answers),
        hit.encoded.facts.view or "",
        hit.read_on.isoformat(),
        len(hit.encoded.warnings) + sum(len(answer.warnings) for answer in hit.answers),
    ]


def _called(answer: Answer) -> str:
    """What the finding is called at its operating point."""
    asked = answer.require_probability()
    present = 1 - asked if answer.negated else asked
    point = answer.operating_point
    return "" if point is None else "present" if present >= point.threshold else "absent"


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise PatchClipError(f'"{text[:20]}" is no day; write it as 2026-01-31.') from None
