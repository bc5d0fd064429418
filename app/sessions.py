"""What each browser window has open: studies with their encodings, in memory only, forgotten when it is closed or idle."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from patchclip import Encoded, Finding, PatchClipError

WINDOWS = 16  # browser windows kept; the one unused longest goes first


class SessionError(PatchClipError):
    """The window's study is no longer in memory."""


@dataclass(slots=True)
class Study:
    """One open radiograph.

    Attributes:
        id: random; says nothing of the file.
        encoded: see `patchclip`; the radiograph itself is not kept, for it is many times larger.
        decode_ms: how long reading took.
        synthetic: whether it is one of the bundled examples.
        answers: by query text, so that feedback is stored with exactly what was shown.
    """

    id: str
    encoded: Encoded
    decode_ms: float
    synthetic: bool
    answers: dict[str, Finding] = field(default_factory=dict)


class Sessions:
    """Studies by window and id."""

    def __init__(self, studies_each: int) -> None:
        self._limit = studies_each
        self._windows: OrderedDict[str, OrderedDict[str, Study]] = OrderedDict()
        self._lock = Lock()

    def add(self, window: str, encoded: Encoded, decode_ms: float, *, synthetic: bool) -> Study:
        """Opens a study; the oldest of the window is closed when there are too many."""
        study = Study(secrets.token_hex(8), encoded, decode_ms, synthetic)
        with self._lock:
            studies = self._windows.setdefault(window, OrderedDict())
            self._windows.move_to_end(window)
            studies[study.id] = study
            while len(studies) > self._limit:
                studies.popitem(last=False)
            while len(self._windows) > WINDOWS:
                self._windows.popitem(last=False)
        return study

    def get(self, window: str, study: str) -> Study:
        """An open study.

        Raises:
            SessionError: it was closed, or the server was started anew.
        """
        with self._lock:
            found = self._windows.get(window, OrderedDict()).get(study)
            if window in self._windows:
                self._windows.move_to_end(window)
        if found is None:
            raise SessionError("This study is no longer in memory (the server was restarted or too many were opened); open the file again.")
        return found
