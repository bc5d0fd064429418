"""Secret keys in files, under which names become references that nobody without the key can undo."""

from __future__ import annotations

from pathlib import Path

from patchclip.errors import DataError

SHORTEST_KEY = 16  # bytes


def read_key_file(file: Path, secret: str) -> bytes:
    """The bytes of a key file.

    Args:
        file: with the key alone.
        secret: what it keeps secret, in words.

    Raises:
        DataError: it cannot be read, or is too short.
    """
    try:
        key = file.read_bytes()
    except OSError as error:
        raise DataError(f"The key {file} cannot be read ({error.strerror}); check the path.") from error
    if len(key) < SHORTEST_KEY:
        raise DataError(
            f"The key {file} has {len(key)} bytes, too few to keep {secret} secret; give at least "
            f"{SHORTEST_KEY}."
        )
    return key
