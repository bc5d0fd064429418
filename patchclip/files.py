"""Writing files so that nobody ever reads half of one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A path to write to instead of `path`, beside it and with its suffix; several writers may work at once.

    When the block ends, what was written there takes the place of `path` in one step (POSIX rename); when it
    fails, `path` stays as it was and what was written is removed. A process that is killed leaves `path`
    whole, and a file that ends in ".writing" and the suffix.

    Raises:
        OSError: the file cannot be put in its place.
    """
    temporary = path.with_name(f"{path.stem}.{secrets.token_hex(8)}.writing{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
