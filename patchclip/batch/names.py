"""What images are called in the output: a keyed reference, or the place that the user asked to keep."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from patchclip.errors import DataError
from patchclip.keys import read_key_file

KEY = "key"
"""Of the output folder, where no other file was named."""


@dataclass(frozen=True, slots=True)
class Namer:
    """Names for images and files.

    Attributes:
        key: of the references; whoever has it can tell whether a place belongs to a reference, and nobody
            else can.
        places: whether images are called by their place, as the user asked.
    """

    key: bytes
    places: bool

    def reference(self, place: str) -> str:
        """32 hexadecimal digits of HMAC-SHA256 (RFC 2104) over a place: file names and UIDs name patients."""
        return hmac.new(self.key, place.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:32]

    def name(self, place: str) -> str:
        """What an image or a file at that place is called in the output."""
        return place if self.places else self.reference(place)


def read_key(folder: Path, file: Path | None) -> bytes:
    """The key of an output folder; made when it is first asked for, unless a file holds one.

    Args:
        folder: of the output.
        file: secret bytes, at least 16, or None for the folder's own.

    Raises:
        DataError: it cannot be read or made, or is too short.
    """
    place = file or folder / KEY
    try:
        if file is None and not place.exists():
            with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
                made.write(secrets.token_bytes(32))
    except OSError as error:
        raise DataError(f"The key {place} cannot be read ({error.strerror}); check the path.") from error
    return read_key_file(place, "references")
