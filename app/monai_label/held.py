"""Films that clients have sent and will ask about: each person's own, in memory, for a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from app.monai_label.pictures import Picture
from patchclip import PatchClipError

MOST, MOST_OF_PERSON = 128, 16  # films that are held; the one unused longest goes first
IDLE_S = 3600.0
NOT_HELD = (
    "The server holds no film by this name (it was never sent, or not asked about for an hour); "
    "send it again."
)


class NotHeldError(PatchClipError):
    """Nothing is held by that name: over HTTP 404, on which clients send the film again."""


@dataclass(slots=True)
class _Held:
    picture: Picture
    used: float


class HeldPictures:
    """Films by person and name; nobody reaches those of others.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: OrderedDict[tuple[int, str], _Held] = OrderedDict()
        self._lock = Lock()

    def add(self, person: int, name: str, picture: Picture) -> None:
        """Holds a film, in the place of one that had its name."""
        with self._lock:
            self._held.pop((person, name), None)
            self._held[person, name] = _Held(picture, self._clock())
            self._make_room(person)

    def get(self, person: int, name: str) -> Picture:
        """A film of that person's.

        Raises:
            NotHeldError: there is none.
        """
        with self._lock:
            self._forget_idle()
            held = self._held.get((person, name))
            if held is None:
                raise NotHeldError(NOT_HELD)
            held.used = self._clock()
            self._held.move_to_end((person, name))
            return held.picture

    def remove(self, person: int, name: str) -> None:
        """Forgets a film.

        Raises:
            NotHeldError: there is none.
        """
        with self._lock:
            if self._held.pop((person, name), None) is None:
                raise NotHeldError(NOT_HELD)

    def names(self, person: int) -> list[str]:
        """Of all films of that person's, the one used last at the end."""
        with self._lock:
            self._forget_idle()
            return [name for owner, name in self._held if owner == person]

    def _make_room(self, person: int) -> None:
        self._forget_idle()
        mine = [key for key in self._held if key[0] == person]
        for key in mine[: max(0, len(mine) - MOST_OF_PERSON)]:
            del self._held[key]
        while len(self._held) > MOST:
            self._held.popitem(last=False)

    def _forget_idle(self) -> None:
        now = self._clock()
        for key in [key for key, held in self._held.items() if now - held.used > IDLE_S]:
            del self._held[key]
