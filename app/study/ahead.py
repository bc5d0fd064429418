"""The background worker that makes the cases of open studies ready before anybody opens them."""

from __future__ import annotations

import logging
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Lock, Thread

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.store import StoreError
from app.store.study_models import FREE_READING, Assignment, Study, StudyAnswer, StudyCase
from app.store.writing import reading
from app.study.packs import Packs
from app.study.studies import Studies
from app.study.work import Maker, Work
from patchclip import PatchClipError

WATCH_S = 5.0  # between two looks for new studies, which other processes make
RETRY_S = 60.0  # before a case that failed is tried again, unless a reader asks for it
LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Done:
    """What was done since the server was started: cases made ready and not, and yet to be made; cases that
    were ready when a reader came to them, and that were late."""

    made: int = 0
    failed: int = 0
    waiting: int = 0
    ready: int = 0
    late: int = 0


class Ahead:
    """Makes one case at a time, those first that readers come to first.

    Args:
        maker: makes a case.
        studies, packs: where it looks for what is to be made.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        maker: Maker,
        studies: Studies,
        packs: Packs,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._maker, self._studies, self._packs, self._clock = maker, studies, packs, clock
        self._stop, self._wake = Event(), Event()
        self._making = Lock()
        self._failed: dict[int, float] = {}  # case -> when
        self._thread: Thread | None = None
        self._done = Done()

    @property
    def is_alive(self) -> bool:
        """Whether it works."""
        return self._thread is not None and self._thread.is_alive()

    def done(self) -> Done:
        """How much so far."""
        return replace(self._done)

    def start(self) -> None:
        """Begins to work, in a thread of its own."""
        self._thread = Thread(target=self._run, name="ahead")
        self._thread.start()

    def close(self) -> None:
        """Ends after the case at hand."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def wake(self) -> None:
        """Looks for new studies now."""
        self._wake.set()

    def ensure(self, work: Work) -> None:
        """Makes a case ready that a reader asks for, if it is not.

        Raises:
            PatchClipError: it cannot be made ready, and why.
        """
        if self._ensure(work):
            self._done.late += 1
        else:
            self._done.ready += 1

    def _ensure(self, work: Work) -> bool:
        """Whether it had to be made."""
        with self._making:
            with reading(self._studies.engine, self._studies.file) as session:
                asked = _asked(session, work.case_id)
            if self._ready(work, asked):
                return False
            self._make(work)
            return True

    def pending(self) -> list[Work]:
        """The cases of open studies that are not ready, in the order in which readers come to them.

        Raises:
            StoreError: the database cannot be read.
        """
        with reading(self._studies.engine, self._studies.file) as session:
            soonest = (
                select(
                    Assignment.case_id,
                    func.min(Assignment.period * 100_000 + Assignment.position).label("at"),
                )
                .group_by(Assignment.case_id)
                .subquery()
            )
            rows = session.execute(
                select(Study, StudyCase)
                .join(StudyCase, StudyCase.study_id == Study.id)
                .join(soonest, soonest.c.case_id == StudyCase.id)
                .where(Study.id != FREE_READING, Study.closed_at.is_(None))
                .order_by(soonest.c.at, StudyCase.id)
            )
            works = [Work.of(study, case) for study, case in rows]
            asked = _asked(session)
        return [work for work in works if not self._ready(work, asked)]

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                works = self.pending()
            except StoreError:
                works = []  # whoever reads hears of it; it is looked for again
            self._done.waiting = len(works)
            for work in works:
                if self._stop.is_set() or self._wake.is_set():
                    break
                self._try(work)
            else:
                self._wake.wait(WATCH_S)

    def _try(self, work: Work) -> None:
        if self._clock() - self._failed.get(work.case_id, -RETRY_S) < RETRY_S:
            return
        try:
            self._ensure(work)
            self._done.waiting -= 1
        except PatchClipError:
            self._done.failed += 1
            self._failed[work.case_id] = self._clock()  # whoever opens the case hears why
        except Exception as error:
            # No message with a path may reach the log, and no case may end the work on others.
            self._done.failed += 1
            self._failed[work.case_id] = self._clock()
            place = traceback.extract_tb(error.__traceback__)[-1]
            LOG.error(
                "case %s failed: %s at %s:%s",
                work.number,
                type(error).__name__,
                Path(place.filename).name,
                place.lineno,
            )

    def _make(self, work: Work) -> None:
        try:
            self._maker.make(work)
        except OSError as error:
            raise StoreError(
                f"The study's folder cannot be written ({error.strerror}); free some space, or make "
                "PATCHCLIP_STUDY_FOLDER writable."
            ) from error
        self._done.made += 1
        self._failed.pop(work.case_id, None)

    def _ready(self, work: Work, asked: Mapping[int, set[str]]) -> bool:
        return asked.get(work.case_id, set()) >= set(work.findings) and self._packs.has(work.key)


def _asked(session: Session, case_id: int | None = None) -> dict[int, set[str]]:
    """Case -> what the model was asked of it; of one case, or of all in open studies."""
    asked: dict[int, set[str]] = defaultdict(set)
    statement = select(StudyAnswer.case_id, StudyAnswer.finding)
    if case_id is not None:
        statement = statement.where(StudyAnswer.case_id == case_id)
    else:
        open_cases = select(StudyCase.id).join(Study).where(Study.closed_at.is_(None))
        statement = statement.where(StudyAnswer.case_id.in_(open_cases))
    for case, finding in session.execute(statement):
        asked[case].add(finding)
    return asked
