"""Readings as the page sees them: saved, listed, exported, and counted for a film that is opened."""

from __future__ import annotations

from typing import Any

from app.lanes import Lanes
from app.people.identity import Person, Role
from app.replies import ExportReply, HistoryReply, JudgedReply, SavedReply, WithdrawnReply
from app.requests import ExportRequest, JudgedRequest, OfReaderRequest, SaveRequest, WithdrawRequest
from app.sessions import Sessions, Study
from app.store import FeedbackRepository, NamedFinding, NewFeedback, StoreError
from patchclip import Answer, Engine, QueryError
from patchclip.localize import find_regions

MOST_ROWS = 200  # of past feedback on the page; the exports hold all
NO_HISTORY = (
    "The feedback database cannot be read: whether this image was judged before is not known, "
    "and saving may fail."
)
NO_ANSWER = "This question was not asked of this study; ask it first, or read without asking, then save."
ONE_FINDING = "Name one finding at a time; each gets its own reading."
ANOTHER_MODEL = (
    "Another model answers since this answer was shown; look at the new answer on the page, then save."
)
NEGATED = "Name the finding itself, as in “pneumothorax”; say absent of it where it is not there."


class ReadingsPanel:
    """Stores what readers say, with exactly what they were shown.

    Whoever is signed in reads under their own name and gets their own rows, and a lead everybody's. Where
    nobody needs to sign in, `person` is None: readers type their names, and a page asks for the rows of the
    one that was typed there, or for everybody's.

    Args:
        feedback: the store.
        sessions, lanes: of the service.
    """

    def __init__(self, feedback: FeedbackRepository, sessions: Sessions, lanes: Lanes) -> None:
        self._feedback, self._sessions, self._lanes = feedback, sessions, lanes

    def check_writable(self) -> None:
        """Raises StoreError where no judgement could be stored now."""
        self._feedback.check_writable()

    async def save(self, window: str, person: Person | None, request: SaveRequest) -> SavedReply:
        """Stores a judgement, once for each key."""
        study = self._sessions.get(window, request.study)
        judgement = self._judgement(study, person.name if person else request.reader, request)
        saved = await self._lanes.store.run(lambda: self._feedback.add(judgement))
        return SavedReply(
            saved=saved.when.isoformat(timespec="seconds"),
            row=saved.id,
            revision=saved.revision,
            finding=judgement.answer.finding,
        )

    async def withdraw(self, window: str, person: Person | None, request: WithdrawRequest) -> WithdrawnReply:
        """Takes a reading back, once for each key."""
        reader = person.name if person else request.reader
        taken = await self._lanes.store.run(lambda: self._feedback.withdraw(request.row, reader, request.key))
        return WithdrawnReply(
            saved=taken.when.isoformat(timespec="seconds"), row=taken.id, revision=taken.revision
        )

    async def history(self, window: str, person: Person | None, request: OfReaderRequest) -> HistoryReply:
        """The newest feedback, newest first, and how much there is in all."""
        reader = _whose(person, request.reader)
        return await self._lanes.store.run(
            lambda: HistoryReply(
                rows=self._feedback.rows(limit=MOST_ROWS, reader=reader),
                total=self._feedback.count(reader=reader),
            )
        )

    async def export(self, window: str, person: Person | None, request: ExportRequest) -> ExportReply:
        """Feedback as a file's text."""
        reader = _whose(person, request.reader)
        export = self._feedback.export_csv if request.kind == "csv" else self._feedback.export_json
        return ExportReply(text=await self._lanes.store.run(lambda: export(reader=reader)))

    async def judged(self, image_sha256: str, person: Person | None) -> tuple[int | None, list[str]]:
        """How many readings there are of a picture, and a sentence where nobody can tell.

        None where nobody signs in: other readers' marks are not for whoever has not said who they are.
        Looking and asking need no database.
        """
        reader = _whose(person)
        try:
            count = await self._lanes.store.run(lambda: self._feedback.judged(image_sha256, reader=reader))
        except StoreError:
            return 0, [NO_HISTORY]
        return (None if person is None else count), []

    async def judged_by(self, window: str, person: Person | None, request: JudgedRequest) -> JudgedReply:
        """How many readings there are of each picture, by the reader who is named or signed in."""
        reader = person.name if person else request.reader.strip()
        judged = self._feedback.judged
        return JudgedReply(
            judged=await self._lanes.store.run(
                lambda: [judged(image, reader=reader) for image in request.images]
            )
        )

    def _judgement(self, study: Study, reader: str, request: SaveRequest) -> NewFeedback:
        answer = self._judged(study, request)
        display = request.display.model_dump(exclude_none=True)
        return NewFeedback(
            image_sha256=study.encoded.radiograph_sha256,
            image_size=study.encoded.size,
            model_name=study.engine.name,
            model_sha256=study.engine.sha256,
            answer=answer,
            reader=reader,
            presence=request.presence,
            location=request.location or None,
            comment=request.comment,
            boxes=request.drawn(),
            display=display,
            execution=study.engine.computation.to_dict(),
            picture=_picture_facts(study),
            key=request.key,
            outlines=request.outlines(),
            confidence=request.confidence,
            supersedes=request.supersedes,
            seconds=request.seconds,
            map_shown=request.map_shown and isinstance(answer, Answer),
            regions_shown=self._regions_shown(answer, display.get("threshold"), study),
            saliency_shown=request.saliency_shown if isinstance(answer, Answer) else (),
        )

    def _judged(self, study: Study, request: SaveRequest) -> Answer | NamedFinding:
        if not request.query:
            return named_finding(study.engine, request.finding or "")
        if request.model not in (None, study.engine.sha256):
            raise StoreError(ANOTHER_MODEL)
        answer = study.answers.get(request.query)
        if answer is None:
            raise StoreError(NO_ANSWER)
        return answer

    def _regions_shown(
        self, answer: Answer | NamedFinding, threshold: float | None, study: Study
    ) -> int | None:
        if not isinstance(answer, Answer) or threshold is None or threshold == answer.threshold:
            return None
        return len(find_regions(answer.map, threshold, study.encoded.size, study.engine.min_patches))


def _whose(person: Person | None, named: str | None = None) -> str | None:
    """The name of the reader whose rows are given, or None for everybody's.

    Args:
        person: who is signed in; None where nobody needs to.
        named: the name that was typed there.
    """
    if person is None:
        return None if named is None else named.strip()
    return None if person.may(Role.LEAD) else person.name


def named_finding(engine: Engine, text: str) -> NamedFinding:
    """What a reader names without asking: a finding of the vocabulary, by any of its names, or own words.

    Raises:
        StoreError: the words name several findings, or the absence of one.
    """
    words = " ".join(text.split())
    try:
        queries = engine.read(words).queries if words else ()
    except QueryError:
        queries = ()  # a language that is not read, or no words at all: they stay the reader's own
    known = [query for query in queries if query.label is not None]
    if len(known) > 1:
        raise StoreError(ONE_FINDING)
    if not known:
        return NamedFinding(words, in_vocabulary=False)
    (query,) = known
    if query.assertion != "present":
        raise StoreError(NEGATED)
    return NamedFinding(query.finding, True, query.laterality, query.place.words if query.place else None)


def _picture_facts(study: Study) -> dict[str, Any]:
    """What a reading is stored with of how its picture was read."""
    facts: dict[str, Any] = {}
    if study.encoded.facts.window is not None:
        facts["window"] = study.encoded.facts.windows[study.encoded.facts.window]
    if study.opening.inverted:
        facts["inverted"] = True
    return facts
