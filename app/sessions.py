"""What each browser has open: studies with their encodings and films, in memory alone."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from threading import Lock

from app.explained import Explained
from app.film import PackedFilm
from app.guard.windows import browser_of
from patchclip import Answer, Encoded, Engine, PatchClipError

BROWSERS = 64  # that are kept; the one unused longest goes first
# A browser without a request for so long is forgotten: nobody says when a window is closed.
IDLE_S = 8 * 3600.0
FORGOTTEN = (
    "This study is no longer in memory (the server was restarted, has made room for others, "
    "or it was idle for long); open the file again."
)


class SessionError(PatchClipError):
    """No study is named."""


class ForgottenError(SessionError):
    """The study is no longer in memory: the page sends its file again by itself."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a picture was taken from its file, so that it can be taken from it again.

    Attributes:
        image: place in a file that holds several images, or None.
        window: place among the windows of the header, -1 for an automatic one, None for the first that fits.
        inverted: whether the reader exchanged black and white.
        dicom: whether results as DICOM can refer to the file.
        origin: of a bundled example, where it is from.
    """

    image: int | None = None
    window: int | None = None
    inverted: bool = False
    dicom: bool = False
    origin: str = ""


@dataclass(slots=True)
class Study:
    """One open radiograph.

    Attributes:
        id: of 128 random bits; says nothing of the file, and cannot be guessed.
        engine: which encoded it, and answers all that is asked of it.
        encoded: see `patchclip`; the radiograph itself is not kept, for it is many times larger.
        decode_ms: how long reading took.
        synthetic: whether a program drew it.
        opening: how it was read.
        film: its grey values, packed for the page.
        thumbnail: a small one.
        windows: tokens of the windows that have it open.
        answers: by query text, so that feedback is stored with exactly what was shown.
        explained: maps to compare.
    """

    id: str
    engine: Engine
    encoded: Encoded
    decode_ms: float
    synthetic: bool
    opening: Opening = Opening()
    film: PackedFilm | None = None
    thumbnail: str = ""
    windows: set[str] = field(default_factory=set)
    answers: dict[str, Answer] = field(default_factory=dict)
    explained: Explained = field(default_factory=Explained)

    @property
    def size_bytes(self) -> int:
        """What it takes in memory, but for its answers, which are small."""
        film = 0 if self.film is None else len(self.film.codes) + len(self.film.preview.codes)
        return bytes_of(self.encoded) + bytes_of(self.explained) + film + len(self.thumbnail)


@dataclass(frozen=True, slots=True)
class Held:
    """How many studies are open, the bytes they take, and how often one was there or forgotten."""

    studies: int
    size_bytes: int
    hits: int
    misses: int


class Sessions:
    """Studies by browser and id, kept in the order of their last use, as many as memory allows.

    A window reaches the studies of its own browser alone, and those whose id it knows: its own, or one that
    stands in an address opened in another window of that browser.

    Args:
        memory_bytes: for the studies of all browsers together; the one used last stays in any case.
        clock: seconds that only grow.
    """

    def __init__(self, memory_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._memory, self._clock = memory_bytes, clock
        self._studies: OrderedDict[tuple[str, str], Study] = OrderedDict()
        self._used: OrderedDict[str, float] = OrderedDict()  # browser -> when
        self._lock = Lock()
        self._hits, self._misses = 0, 0

    def held(self) -> Held:
        """What is in memory now."""
        with self._lock:
            size = sum(study.size_bytes for study in self._studies.values())
            return Held(len(self._studies), size, self._hits, self._misses)

    def add(
        self,
        window: str,
        engine: Engine,
        encoded: Encoded,
        decode_ms: float,
        *,
        synthetic: bool,
        opening: Opening = Opening(),
        film: PackedFilm | None = None,
        thumbnail: str = "",
    ) -> Study:
        """Opens a study; those that were unused longest are forgotten where memory is short."""
        study = Study(
            secrets.token_urlsafe(16),
            engine,
            encoded,
            decode_ms,
            synthetic,
            opening,
            film,
            thumbnail,
            {window},
        )
        with self._lock:
            self._touch(browser_of(window))
            self._studies[browser_of(window), study.id] = study
            self._make_room()
        return study

    def get(self, window: str, study: str) -> Study:
        """An open study, from now on the one used last.

        Raises:
            SessionError: none is named.
            ForgottenError: it was closed or not used for long, made room, is another browser's, or the server
                was started anew.
        """
        if not study:
            raise SessionError("No radiograph is open; open a file or one of the examples first.")
        key = browser_of(window), study
        with self._lock:
            self._forget_idle()
            if key not in self._studies:
                self._misses += 1
                raise ForgottenError(FORGOTTEN)
            self._hits += 1
            self._touch(key[0])
            self._studies.move_to_end(key)
            self._studies[key].windows.add(window)
            return self._studies[key]

    def close(self, window: str, study: str) -> None:
        """Forgets a study that no other window has open, if this one has."""
        key = browser_of(window), study
        with self._lock:
            if key in self._studies:
                self._studies[key].windows.discard(window)
                if not self._studies[key].windows:
                    del self._studies[key]

    def _touch(self, browser: str) -> None:
        self._used[browser] = self._clock()
        self._used.move_to_end(browser)

    def _make_room(self) -> None:
        self._forget_idle()
        while len(self._used) > BROWSERS:
            self._forget(next(iter(self._used)))
        total = sum(study.size_bytes for study in self._studies.values())
        while total > self._memory and len(self._studies) > 1:
            _, oldest = self._studies.popitem(last=False)
            total -= oldest.size_bytes

    def _forget_idle(self) -> None:
        while self._used and self._clock() - next(iter(self._used.values())) > IDLE_S:
            self._forget(next(iter(self._used)))

    def _forget(self, browser: str) -> None:
        del self._used[browser]
        for key in [key for key in self._studies if key[0] == browser]:
            del self._studies[key]


def bytes_of(value: object) -> int:
    """Bytes of the arrays and tensors in a dataclass, however deep."""
    if is_dataclass(value):
        return sum(bytes_of(getattr(value, item.name)) for item in fields(value))
    return int(getattr(value, "nbytes", 0))
