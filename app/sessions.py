"""What each browser window has open: studies with their encodings, in memory alone."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from app.explained import Explained
from patchclip import Answer, Encoded, PatchClipError

WINDOWS = 16  # browser windows kept; the one unused longest goes first
# A window without a request for so long is forgotten: nobody says when one is closed.
IDLE_S = 8 * 3600.0


class SessionError(PatchClipError):
    """The window's study is no longer in memory."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a picture was taken from its file, so that it can be taken from it again.

    Attributes:
        image: place in a file that holds several images, or None.
        window: place among the windows of the header, -1 for an automatic one, None for the first that fits.
        inverted: whether the reader exchanged black and white.
        dicom: whether results as DICOM can refer to the file.
    """

    image: int | None = None
    window: int | None = None
    inverted: bool = False
    dicom: bool = False


@dataclass(slots=True)
class Study:
    """One open radiograph.

    Attributes:
        id: random; says nothing of the file.
        encoded: see `patchclip`; the radiograph itself is not kept, for it is many times larger.
        decode_ms: how long reading took.
        synthetic: whether it is one of the bundled examples.
        opening: how it was read.
        answers: by query text, so that feedback is stored with exactly what was shown.
        explained: maps to compare.
    """

    id: str
    encoded: Encoded
    decode_ms: float
    synthetic: bool
    opening: Opening = Opening()
    answers: dict[str, Answer] = field(default_factory=dict)
    explained: Explained = field(default_factory=Explained)


@dataclass(slots=True)
class _Window:
    used: float
    studies: OrderedDict[str, Study] = field(default_factory=OrderedDict)


class Sessions:
    """Studies by window and id; windows, and the studies of each, are kept in the order of their last use.

    Args:
        studies_each: how many a window may have open.
        clock: seconds that only grow.
    """

    def __init__(self, studies_each: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = studies_each, clock
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._lock = Lock()

    def add(
        self,
        window: str,
        encoded: Encoded,
        decode_ms: float,
        *,
        synthetic: bool,
        opening: Opening = Opening(),
    ) -> Study:
        """Opens a study; the window's one that was unused longest is closed when there are too many."""
        study = Study(secrets.token_hex(8), encoded, decode_ms, synthetic, opening)
        with self._lock:
            self._forget_idle()
            studies = self._windows.setdefault(window, _Window(0.0)).studies
            self._touch(window)
            studies[study.id] = study
            while len(studies) > self._limit:
                studies.popitem(last=False)
            while len(self._windows) > WINDOWS:
                self._windows.popitem(last=False)
        return study

    def get(self, window: str, study: str) -> Study:
        """An open study, from now on the one used last.

        Raises:
            SessionError: none is named, or it was closed or not used for long, or the server was started
                anew.
        """
        if not study:
            raise SessionError("No radiograph is open; open a file or one of the examples first.")
        with self._lock:
            self._forget_idle()
            if window in self._windows:
                self._touch(window)
                studies = self._windows[window].studies
                if study in studies:
                    studies.move_to_end(study)
                    return studies[study]
        raise SessionError(
            "This study is no longer in memory (the server was restarted, too many were opened, "
            "or it was idle for long); open the file again."
        )

    def close(self, window: str, study: str) -> None:
        """Forgets a study, if it is open."""
        with self._lock:
            if window in self._windows:
                self._windows[window].studies.pop(study, None)

    def _touch(self, window: str) -> None:
        self._windows[window].used = self._clock()
        self._windows.move_to_end(window)

    def _forget_idle(self) -> None:
        while self._windows and self._clock() - next(iter(self._windows.values())).used > IDLE_S:
            self._windows.popitem(last=False)
