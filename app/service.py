"""What the page may ask of the server: each method takes one request and gives its reply."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from app.answer_replies import AnswersReply, ExplorationReply, RefusedReply
from app.archive_panel import ArchivePanel
from app.drawing import (
    answer_reply,
    colour_tables,
    echo_reply,
    exploration_reply,
    keys_of,
    thumbnail,
)
from app.examples import example, examples
from app.film import Opened, PackedFilm, film_bytes, film_preview, film_reply
from app.lanes import Lanes
from app.maps import Maps
from app.models.in_use import InUse
from app.people.identity import Person
from app.readings_panel import ReadingsPanel
from app.received import ReceivedFilms
from app.received_panel import ReceivedPanel
from app.replies import (
    ContentsReply,
    DoneReply,
    ExampleReply,
    LeftOutReply,
    ModelReply,
    PersonReply,
    StartReply,
    StudyReply,
    TruthReply,
)
from app.requests import (
    AskRequest,
    CloseRequest,
    EmptyRequest,
    ExploreRequest,
    LookRequest,
    OpenExampleRequest,
    OpenRequest,
)
from app.results import Results
from app.sessions import Opening, Sessions, Study
from app.store import FeedbackRepository
from app.texts import answer_text
from app.truth import TruthBox
from app.twin import Twin
from patchclip import (
    Engine,
    Listing,
    PatchClipError,
    QueryError,
    Radiograph,
    list_images,
    load_entry,
    load_radiograph,
)
from patchclip.archive import Archive
from patchclip.image.burnt_in import SENTENCE as BURNT_IN_LOOK
from patchclip.image.containers import is_dicom_entry
from patchclip.image.header import BURNT_IN as BURNT_IN_HEADER
from patchclip.image.polarity import SENTENCES as POLARITY
from patchclip.text.query import MOST as MOST_QUERIES

BURNT_IN = (BURNT_IN_LOOK, BURNT_IN_HEADER)
MOST_IMAGES = 1000  # of an archive that are listed on the page
SUGGESTIONS = ("Effusion", "Cardiomegaly", "Lung Opacity", "Pneumothorax", "Nodule", "Atelectasis")

Result = TypeVar("Result")


class Service:
    """The page's server side; one for all windows, each of which knows its own studies alone."""

    def __init__(
        self,
        in_use: InUse,
        feedback: FeedbackRepository,
        *,
        study_memory_mb: int,
        upload_limit_mb: int,
        archive: Archive | None = None,
        received: ReceivedFilms | None = None,
        twin: Twin | None = None,
        truth: Mapping[str, tuple[TruthBox, ...]] | None = None,
        searches: bool = False,
    ) -> None:
        """in_use: the engine that answers, as all parts of the server have it.

        searches: whether the server has an archive to search in words.
        """
        self._searches = searches
        self.in_use, self.upload_limit_mb = in_use, upload_limit_mb
        self.sessions = Sessions(study_memory_mb * 1_000_000)
        self.lanes = Lanes()
        self.archive = ArchivePanel(archive, self.lanes, upload_limit_mb)
        self.received = ReceivedPanel(received, self.lanes)
        self.readings = ReadingsPanel(feedback, self.sessions, self.lanes)
        self.results = Results(self.sessions, self.lanes, archive)
        self._twin, self._truth = twin, truth or {}
        self.maps = Maps(self.in_use, twin, self.sessions, self.lanes)

    @property
    def engine(self) -> Engine:
        """Which films are opened with from now on."""
        return self.in_use.engine

    async def start(self, window: str, person: Person | None, request: EmptyRequest) -> StartReply:
        """What the page needs once."""
        engine = self.engine
        return StartReply(
            model=ModelReply.of(engine),
            suggestions=[
                engine.vocabulary.finding(label).name for label in SUGGESTIONS if label in engine.labels
            ],
            findings=sorted(finding.name for finding in engine.vocabulary.findings),
            examples=[
                ExampleReply(file=item.file, title=item.title, question=item.question, origin=item.origin)
                for item in examples()
            ],
            colours=colour_tables(),
            min_patches=engine.min_patches,
            maps=self.maps.choices(),
            archive=self.archive.is_set,
            searches=self._searches,
            receives=self.received.is_set,
            upload_limit_mb=self.upload_limit_mb,
            person=PersonReply(name=person.name, role=person.role) if person else None,
        )

    async def open_upload(
        self, window: str, person: Person | None, read: Callable[[], bytes], request: OpenRequest
    ) -> Opened | ContentsReply:
        """Opens an uploaded file, or says what it holds if that is several images and none was chosen.

        Of an opened file only the pixels stay in memory, of one that was listed nothing: the page sends it
        again with its reader's choice.

        Args:
            window: the token.
            person: who is signed in; None where nobody needs to.
            read: gives the file's bytes and lets go of the file; called in the thread that decodes them.
            request: which image of the list, and how it is read.
        """
        content = await self.lanes.decoder.run(read)
        listing = await self.lanes.decoder.run(lambda: list_images(content, isolated=True))
        if request.image is None and len(listing.entries) > 1:
            return _contents(listing)
        if request.image is not None and request.image >= len(listing.entries):
            raise PatchClipError("The file does not hold this image any more; open the file again.")
        entry = listing.entries[request.image or 0]
        dicom = await self.lanes.decoder.run(lambda: is_dicom_entry(entry, content, isolated=True))
        return await self._open(
            window,
            person,
            lambda: load_entry(entry, content, window=request.window, isolated=True),
            Opening(request.image, request.window, request.inverted, dicom),
            received=request.received,
        )

    async def open_example(self, window: str, person: Person | None, request: OpenExampleRequest) -> Opened:
        """Opens a bundled radiograph."""
        chosen = example(request.name)
        return await self._open(
            window,
            person,
            lambda: load_radiograph(chosen.path, window=request.window, isolated=True),
            Opening(window=request.window, inverted=request.inverted, origin=chosen.origin),
            synthetic=chosen.synthetic,
        )

    async def look(self, window: str, person: Person | None, request: LookRequest) -> Opened:
        """A study that was opened before, as it was; the page sends its file again where it is forgotten."""
        study = self.sessions.get(window, request.study)
        film = study.film
        assert film is not None  # whoever opens a study packs its film
        codes: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        codes.set_result(film.codes)
        return Opened(study.encoded.size, film.told, film.preview, codes, self._reply(study, person))

    async def close(self, window: str, request: CloseRequest) -> DoneReply:
        """Forgets a study, so that it takes no other one's room."""
        self.sessions.close(window, request.study)
        return DoneReply()

    async def ask(self, window: str, request: AskRequest) -> AnswersReply:
        """Answers a text: one answer for each finding that it names, in its order."""
        study = self.sessions.get(window, request.study)
        answered, elapsed = await self.lanes.model.run(
            lambda: _timed(lambda: answer_text(study.engine, study.encoded, request.text, MOST_QUERIES))
        )
        keyed = {key: answer for text in answered.texts for key, answer in keys_of(text.answers).items()}
        # Of a pasted report, its part alone is kept: what is stored or handed on never holds the rest.
        study.answers.update({key: replace(answer, query=key) for key, answer in keyed.items()})
        return AnswersReply(
            answers=[answer_reply(key, answer) for key, answer in keyed.items()],
            echoes=[echo_reply(text.reading) for text in answered.texts],
            refused=[RefusedReply(text=part.text, error=part.reason) for part in answered.refused],
            more=answered.more,
            query_ms=elapsed,
        )

    async def explore(self, window: str, request: ExploreRequest) -> ExplorationReply:
        """The raw similarity of each patch to a query out of scope; it is no answer, and is kept nowhere."""
        study = self.sessions.get(window, request.study)
        answer = study.answers.get(request.query)
        if answer is None or answer.in_vocabulary:
            raise QueryError("Only a query that was found out of scope can be explored; ask it first.")
        exploration, elapsed = await self.lanes.model.run(
            lambda: _timed(lambda: study.engine.explore(study.encoded, answer.span or answer.query))
        )
        return exploration_reply(exploration, elapsed)

    async def _open(
        self,
        window: str,
        person: Person | None,
        load: Callable[[], Radiograph],
        opening: Opening,
        *,
        synthetic: bool = False,
        received: str | None = None,
    ) -> Opened:
        """Reads a picture; its preview, then its film are on their way while the model looks at it."""

        def read() -> Radiograph:
            return load().inverted() if opening.inverted else load()

        radiograph, decode_ms = await self.lanes.decoder.run(lambda: _timed(read))
        engine = self.engine
        decoder = self.lanes.decoder
        told, preview = await asyncio.gather(
            decoder.run(lambda: film_reply(radiograph)), decoder.run(lambda: film_preview(radiograph))
        )
        packing = asyncio.create_task(decoder.run(lambda: film_bytes(radiograph)))

        async def look() -> StudyReply:
            codes = await packing  # first: the model takes every processor, and a reader waits for the film
            encoded, small = await asyncio.gather(
                self.lanes.model.run(lambda: engine.encode(radiograph)),
                self.lanes.decoder.run(lambda: thumbnail(radiograph)),
            )
            study = self.sessions.add(
                window,
                engine,
                encoded,
                decode_ms,
                synthetic=synthetic,
                opening=opening,
                film=PackedFilm(told, codes, preview),
                thumbnail=small,
            )
            if self._twin is not None:
                twin = self._twin
                study.explained.twin_input = await self.lanes.decoder.run(
                    lambda: twin.input_of(radiograph, engine)
                )
            self.received.opened(received)
            return await self._reply(study, person)

        looking = asyncio.create_task(look())
        # Where the window is gone before it is told, nobody asks for what went wrong.
        looking.add_done_callback(lambda task: task.cancelled() or task.exception())
        return Opened(radiograph.size, told, preview, packing, looking)

    async def _reply(self, study: Study, person: Person | None) -> StudyReply:
        facts = study.encoded.facts
        warnings = list(study.encoded.warnings)
        sha256 = study.encoded.radiograph_sha256
        judged, doubt = await self.readings.judged(sha256, person)
        warnings += doubt
        return StudyReply(
            study=study.id,
            model=ModelReply.of(study.engine),
            sha256=sha256,
            view=facts.view or "",
            thumbnail=study.thumbnail,
            questions=list(study.answers),
            warnings=warnings,
            synthetic=study.synthetic,
            origin=study.opening.origin,
            windows=list(facts.windows),
            window=facts.window,
            inverted=study.opening.inverted,
            dicom=study.opening.dicom,
            polarity_doubt=any(sentence in warnings for sentence in POLARITY),
            burnt_in=any(sentence in warnings for sentence in BURNT_IN),
            decode_ms=study.decode_ms,
            encode_ms=round(study.encoded.timing_ms["encode"], 1),
            judged=judged,
            truth=[
                TruthReply(
                    finding=item.finding,
                    label=item.label,
                    x=item.box.x,
                    y=item.box.y,
                    w=item.box.w,
                    h=item.box.h,
                )
                for item in self._truth.get(sha256, ())
            ],
        )


def _contents(listing: Listing) -> ContentsReply:
    return ContentsReply(
        images=[entry.name for entry in listing.entries[:MOST_IMAGES]],
        total=len(listing.entries),
        left_out=[
            LeftOutReply(name=item.name, reason=item.reason) for item in listing.left_out[:MOST_IMAGES]
        ],
    )


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """The result, and how many milliseconds it took, to a tenth."""
    started = time.perf_counter()
    result = work()
    return result, round((time.perf_counter() - started) * 1000, 1)
