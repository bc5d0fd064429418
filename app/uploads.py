"""Files on their way in: each lies nameless in a private folder until it is read, and then is gone."""

from __future__ import annotations

import asyncio
import errno
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from patchclip import PatchClipError

EACH, AT_ONCE = 2, 16  # uploads under way of one window, and of all
PATIENCE_S = 600.0  # for one file to arrive
BLOCK = 2**20  # bytes that are written at once
FULL = (errno.ENOSPC, errno.EDQUOT)


class UploadError(PatchClipError):
    """A file cannot be taken in."""


class TooManyUploadsError(UploadError):
    """Too many files are on their way already."""


class TooLargeError(PatchClipError):
    """A request has more bytes than are read."""


class DiskFullError(UploadError):
    """There is no room for the file."""


class Uploads:
    """Takes files in.

    On Linux a file never has a name (O_TMPFILE): it is freed when it is closed, when the request is broken
    off, and when the process ends, be it killed. Elsewhere its name, a random one, is removed before the
    first byte is written.

    Args:
        folder: where the files lie; nobody else may enter it.
        limit: bytes of the largest file.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._under_way: Counter[str] = Counter()

    @asynccontextmanager
    async def receive(self, window: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[Callable[[], bytes]]:
        """A function that gives the file's bytes and lets go of the file.

        The file is gone at the end of the block in any case.

        Raises:
            UploadError: too many files are under way, the disk is full, or the file takes too long to arrive.
        """
        if self._under_way[window] >= EACH or self._under_way.total() >= AT_ONCE:
            raise TooManyUploadsError(
                "Too many files are being sent at once; open this one again in a moment."
            )
        self._under_way[window] += 1
        try:
            with tempfile.TemporaryFile(dir=self.folder) as file:
                await self._fill(file, chunks)
                yield lambda: _content(file)
        finally:
            self._under_way[window] -= 1
            if not self._under_way[window]:
                del self._under_way[window]

    async def _fill(self, file: IO[bytes], chunks: AsyncIterator[bytes]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                async for block in _blocks(chunks):
                    await asyncio.to_thread(file.write, block)
                await asyncio.to_thread(file.flush)
        except TimeoutError as error:
            raise UploadError(
                f"The file did not arrive within {PATIENCE_S / 60:.0f} minutes; "
                "try again on a faster connection."
            ) from error
        except OSError as error:
            if error.errno in FULL:
                raise DiskFullError(
                    "The server's disk for uploads is full; free some space there, then open the file again."
                ) from error
            raise


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in larger parts, each of which is worth a thread's while."""
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        if len(waiting) >= BLOCK:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    content = file.read()
    file.close()
    return content


async def limited(chunks: AsyncIterator[bytes], limit: int, sentence: str) -> AsyncIterator[bytes]:
    """The chunks of a body, as long as they are no more than `limit` bytes in all.

    As much again is read and dropped before the error, so that a client that sends first and listens
    afterwards hears the sentence.

    Raises:
        TooLargeError: the body is larger; with the sentence given.
    """
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size <= limit:
            yield chunk
        elif size > 2 * limit:
            break
    if size > limit:
        raise TooLargeError(sentence)
