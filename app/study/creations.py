"""Studies on their way: each is made in the background, one after the other, and stored whole at its end."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Literal

from app.lanes import BusyError
from app.study.errors import StudyError
from app.study.watch import LeftOutFile, Step, StoppedError
from patchclip import PatchClipError

MOST_UNDER_WAY = 8
MOST_ENDED = 20  # that are told of
UNFORESEEN = (
    "The study could not be made, and the server's log says where it failed; nothing of it is stored."
)
NO_CREATION = "The study is not being made any more; look for it among the studies, or make it again."
STOPPED = "The study was stopped before it was made; nothing of it is stored."
LOG = logging.getLogger(__name__)

State = Literal["waiting", "fetching", "listing", "reading", "storing", "made", "failed", "stopped"]
ENDED: tuple[State, ...] = ("made", "failed", "stopped")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a study is.

    Attributes:
        number: of its creation, on this server until it ends.
        name: of the study.
        state: what is being done, or how it ended.
        done, total: films of that step; total is None where nobody knows.
        left_out: files that are no cases.
        study: its number, once it is made.
        cases: how many it has, once it is made.
        error: why it failed.
    """

    number: int
    name: str
    state: State = "waiting"
    done: int = 0
    total: int | None = None
    left_out: tuple[LeftOutFile, ...] = ()
    study: int | None = None
    cases: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A study that was made: its number, and how many cases it has."""

    study: int
    cases: int


class Creation:
    """One study on its way, which watches its own making.

    Args:
        number: of it.
        name: of the study.
    """

    def __init__(self, number: int, name: str) -> None:
        self._lock, self._stop = Lock(), False
        self._progress = Progress(number, name)

    @property
    def progress(self) -> Progress:
        """How far it is."""
        with self._lock:
            return self._progress

    def at(self, step: Step, done: int, total: int | None) -> None:
        """As of `Watch`.

        Raises:
            StoppedError: it is not wanted any more.
        """
        with self._lock:
            if self._stop:
                raise StoppedError(STOPPED)
            self._progress = replace(self._progress, state=step, done=done, total=total)

    def leave_out(self, file: LeftOutFile) -> None:
        """As of `Watch`."""
        with self._lock:
            self._progress = replace(self._progress, left_out=(*self._progress.left_out, file))

    def stop(self) -> None:
        """Nothing more is wanted; what is being stored already is stored whole."""
        with self._lock:
            self._stop = True
            if self._progress.state == "waiting":
                self._progress = replace(self._progress, state="stopped", error=STOPPED)

    def run(self, make: Callable[[Creation], Made]) -> None:
        """Makes it; whatever happens is told."""
        try:
            self.at("listing", 0, None)
            made = make(self)
        except StoppedError as error:
            self._end("stopped", str(error))
        except PatchClipError as error:
            self._end("failed", str(error))
        except Exception as error:
            # Somebody waits for this study, and no message with a path may reach the log.
            place = traceback.extract_tb(error.__traceback__)[-1]
            LOG.error(
                "making a study failed: %s at %s:%s",
                type(error).__name__,
                Path(place.filename).name,
                place.lineno,
            )
            self._end("failed", UNFORESEEN)
        else:
            with self._lock:
                self._progress = replace(
                    self._progress, state="made", study=made.study, cases=made.cases, total=made.cases
                )

    def _end(self, state: State, error: str) -> None:
        with self._lock:
            self._progress = replace(self._progress, state=state, error=error)


class Creations:
    """All studies that are on their way, and how the last ones ended; in memory alone, for of a study that
    is not made nothing is stored."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="creation")
        self._lock = Lock()
        self._all: dict[int, Creation] = {}
        self._count = 0

    def begin(self, name: str, make: Callable[[Creation], Made]) -> int:
        """Has a study made, after those that came before.

        Args:
            name: of the study.
            make: makes and stores it; hears of the creation, which it must tell how far it is.

        Returns:
            The creation's number.

        Raises:
            BusyError: as many as may wait are waiting.
            StudyError: one of that name is on its way.
        """
        with self._lock:
            under_way = [item for item in self._states() if item.state not in ENDED]
            if len(under_way) >= MOST_UNDER_WAY:
                raise BusyError(f"{len(under_way)} studies are being made; wait until one of them is.")
            if any(item.name == name for item in under_way):
                raise StudyError(f'A study "{name}" is being made already; choose another name, or wait.')
            self._count += 1
            creation = self._all[self._count] = Creation(self._count, name)
            number = self._count
            ended = [old for old, item in self._all.items() if item.progress.state in ENDED]
            for old in ended[:-MOST_ENDED]:
                del self._all[old]
        self._pool.submit(creation.run, make)
        return number

    def all(self) -> list[Progress]:
        """In the order in which they were begun."""
        with self._lock:
            return self._states()

    def end(self, number: int) -> None:
        """Stops one that is on its way; of one that has ended nothing more is told.

        Raises:
            StudyError: there is none of that number.
        """
        with self._lock:
            creation = self._all.get(number)
            if creation is None:
                raise StudyError(NO_CREATION)
            if creation.progress.state in ENDED:
                del self._all[number]
        creation.stop()

    def close(self) -> None:
        """Stops all, and waits until none is at work."""
        with self._lock:
            for creation in self._all.values():
                creation.stop()
        self._pool.shutdown(cancel_futures=True)

    def _states(self) -> list[Progress]:
        return [creation.progress for creation in self._all.values()]
