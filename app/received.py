"""Films that an archive or a modality pushes: nameless on the disk until they are opened, or too old."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO

from pydicom.uid import UID

from app.settings import Settings
from patchclip import PatchClipError
from patchclip.archive.receiver import NoRoomError, Receiver

KEEP_S = 8 * 3600.0  # a film that nobody opens within a shift is forgotten; the archive has it still
SWEEP_S = 60.0
MOST_FILMS, MOST_BYTES = 200, 4 * 10**9
META = b"\x02\x00\x02\x00UI"  # Media Storage SOP Class UID (PS3.10 7.1), always explicit and little-endian
META_WITHIN = 400  # bytes of a file


@dataclass(frozen=True, slots=True)
class ReceivedFilm:
    """A film that waits to be opened.

    Attributes:
        id: random; says nothing of the film.
        arrived: when, in UTC.
        kind: what the sender says that it is, by the standard's own name of it.
    """

    id: str
    arrived: datetime
    kind: str


@dataclass(frozen=True, slots=True)
class _Kept:
    film: ReceivedFilm
    file: IO[bytes]
    size: int
    since: float


class ReceivedFilms:
    """Keeps films in the order of their arrival; threads may share it.

    As an upload, a film has no name on the disk: it is freed when it is opened, when it is too old, and when
    the process ends, be it killed.

    Args:
        folder: where the films lie; nobody else may enter it.
        largest: bytes of a film.
        clock: seconds that only grow.
    """

    def __init__(self, folder: Path, largest: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._largest, self._clock = folder, largest, clock
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()
        self._stop = Event()

    def take(self, content: bytes) -> None:
        """Keeps a film that has arrived.

        Raises:
            NoRoomError: it is too large, too many wait already, or the disk is full; the sender is told so.
        """
        self.sweep()
        with self._lock:
            waiting = sum(kept.size for kept in self._kept.values())
            if len(self._kept) >= MOST_FILMS or waiting + len(content) > MOST_BYTES:
                raise NoRoomError("Too many received films wait to be opened; open some of them first.")
        if len(content) > self._largest:
            raise NoRoomError(
                f"The film is larger than {self._largest // 10**6} MB, the limit of this server."
            )
        file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  (closed when it is dropped)
        try:
            file.write(content)
            file.flush()
        except OSError as error:
            file.close()
            raise NoRoomError(
                "The server's disk for received films is full; free some space there."
            ) from error
        film = ReceivedFilm(secrets.token_hex(8), datetime.now(UTC), _kind(content))
        with self._lock:
            self._kept[film.id] = _Kept(film, file, len(content), self._clock())

    def films(self) -> list[ReceivedFilm]:
        """What waits, in the order of arrival."""
        self.sweep()
        with self._lock:
            return [kept.film for kept in self._kept.values()]

    def content(self, film: str) -> bytes:
        """A film's file; it goes on waiting until it is dropped.

        Raises:
            PatchClipError: it was opened elsewhere, or is gone by age.
        """
        with self._lock:
            kept = self._kept.get(film)
            if kept is None:
                raise PatchClipError(
                    "This film does not wait any more, since it was opened in another window or has become "
                    "too old; have it sent again."
                )
            kept.file.seek(0)
            return kept.file.read()

    def drop(self, film: str) -> None:
        """Forgets a film, if it waits still."""
        with self._lock:
            kept = self._kept.pop(film, None)
        if kept is not None:
            kept.file.close()

    def sweep(self) -> None:
        """Forgets what has become too old."""
        limit = self._clock() - KEEP_S
        with self._lock:
            old = [key for key, kept in self._kept.items() if kept.since < limit]
        for key in old:
            self.drop(key)

    def sweep_always(self) -> Thread:
        """Sweeps in a thread of its own until it is closed, since nobody may ask for long."""

        def run() -> None:
            while not self._stop.wait(SWEEP_S):
                self.sweep()

        thread = Thread(target=run, name="sweep", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Forgets everything."""
        self._stop.set()
        with self._lock:
            keys = list(self._kept)
        for key in keys:
            self.drop(key)


@contextmanager
def taking(settings: Settings, folder: Path) -> Iterator[ReceivedFilms | None]:
    """Takes pushed films (C-STORE) during the block, if the settings say so; None if not.

    Raises:
        ArchiveError: the port cannot be used.
    """
    if settings.receive_port is None:
        yield None
        return
    received = ReceivedFilms(folder, settings.upload_limit_mb * 1_000_000)
    with Receiver(
        received.take,
        host=settings.receive_host,
        port=settings.receive_port,
        title=settings.receive_title,
        senders=settings.senders,
    ):
        received.sweep_always()
        try:
            yield received
        finally:
            received.close()


def _kind(content: bytes) -> str:
    """The standard's name of the SOP class, "film" where the sender gives a private one or none."""
    place = content.find(META, 0, META_WITHIN)
    if place < 0:
        return "film"
    start = place + len(META) + 2
    length = int.from_bytes(content[start - 2 : start], "little")
    uid = UID(content[start : start + length].decode("ascii", "replace").rstrip("\0 "))
    name = uid.name.partition(" Storage")[0]
    return "film" if name == str(uid) else name
