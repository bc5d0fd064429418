"""Files on their way in: nowhere to be found, gone however they end, never more than there is room for."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from app import uploads as module
from app.uploads import AT_ONCE, EACH, TooLargeError, TooManyUploadsError, UploadError, Uploads, limited
from tests.app.own_loop import in_own_loop

SECRET = b"Mustermann^Erika"


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """A body in parts."""
    for part in parts:
        yield part


def opened_files(folder: Path) -> list[str]:
    """What this process holds open in a folder."""
    links = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return [link for link in links if link.startswith(str(folder))]


@pytest.mark.skipif(sys.platform != "linux", reason="nameless files are Linux's")
def test_a_file_has_no_name_while_it_waits_and_is_gone_once_read(tmp_path: Path) -> None:
    async def run() -> None:
        uploads = Uploads(tmp_path, 100)
        async with uploads.receive("a", chunks(b"one ", SECRET)) as read:
            assert list(tmp_path.iterdir()) == []
            held = opened_files(tmp_path)
            assert len(held) == 1
            assert held[0].endswith("(deleted)")
            assert read() == b"one " + SECRET
            assert opened_files(tmp_path) == []

    in_own_loop(run())


@pytest.mark.parametrize("ending", ["unread", "broken off", "cancelled"])
def test_a_file_is_gone_however_its_request_ends(tmp_path: Path, ending: str) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield SECRET
        if ending == "broken off":
            raise ConnectionError("the client is gone")
        if ending == "cancelled":
            await asyncio.sleep(60)

    async def receive(uploads: Uploads) -> None:
        async with uploads.receive("a", broken()):
            pass

    async def run() -> None:
        uploads = Uploads(tmp_path, 100)
        task = asyncio.create_task(receive(uploads))
        await asyncio.sleep(0.05)
        if ending == "cancelled":
            task.cancel()
        results = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(results[0], BaseException) is (ending != "unread")
        assert list(tmp_path.iterdir()) == []
        assert opened_files(tmp_path) == []
        for _ in range(EACH + 1):  # none of them counts as under way any more
            async with uploads.receive("a", chunks(b"x")):
                pass

    in_own_loop(run())


def test_two_windows_open_the_same_file_at_once(tmp_path: Path) -> None:
    async def run() -> list[bytes]:
        uploads = Uploads(tmp_path, 100)
        async with (
            uploads.receive("a", chunks(SECRET)) as first,
            uploads.receive("b", chunks(SECRET)) as second,
        ):
            return [first(), second()]

    assert in_own_loop(run()) == [SECRET, SECRET]


@pytest.mark.parametrize(
    ("windows", "refused"), [(("a",), EACH), (tuple(str(number) for number in range(AT_ONCE + 5)), AT_ONCE)]
)
def test_files_under_way_are_counted_per_window_and_in_all(
    tmp_path: Path, windows: tuple[str, ...], refused: int
) -> None:
    async def run() -> int:
        uploads, done, release = Uploads(tmp_path, 100), 0, asyncio.Event()

        async def hold(window: str) -> None:
            async with uploads.receive(window, chunks(b"x")):
                await release.wait()

        tasks = []
        for number in range(AT_ONCE + 5):
            window = windows[number % len(windows)]
            task = asyncio.create_task(hold(window))
            await asyncio.sleep(0.01)
            if task.done():
                with pytest.raises(TooManyUploadsError, match="in a moment"):
                    task.result()
                break
            tasks.append(task)
            done += 1
        release.set()
        await asyncio.gather(*tasks)
        return done

    assert in_own_loop(run()) == refused


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    async def full(write: Callable[..., Any], *_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(asyncio, "to_thread", full)

    async def run() -> None:
        async with Uploads(tmp_path, 100).receive("a", chunks(b"x")):
            pass

    with pytest.raises(UploadError, match=r"disk .* is full; free some space"):
        in_own_loop(run())


def test_a_file_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.02)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.005)

    async def run() -> None:
        async with Uploads(tmp_path, 100).receive("a", endless()):
            pass

    with pytest.raises(UploadError, match="did not arrive"):
        in_own_loop(run())


@pytest.mark.parametrize(("size", "read"), [(10, 10), (11, 11), (1000, 30)])
def test_a_body_above_the_limit_is_read_no_further_than_as_much_again(size: int, read: int) -> None:
    seen = []

    async def body() -> AsyncIterator[bytes]:
        for _ in range(size):
            seen.append(1)
            yield b"x"

    async def run() -> bytes:
        return b"".join([chunk async for chunk in limited(body(), 10, "Too large.")])

    if size <= 10:
        assert in_own_loop(run()) == b"x" * size
    else:
        with pytest.raises(TooLargeError, match="Too large"):
            in_own_loop(run())
    assert len(seen) <= read
