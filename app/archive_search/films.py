"""The films that hits of a search are opened from: the folder that the batch read, if the server has it."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from patchclip import PatchClipError
from patchclip.batch.inputs import read_input
from patchclip.batch.names import Namer
from patchclip.batch.units import Unit, content_of

NOT_HERE = (
    "This film is not within reach of the server, which shows what is stored of it; whoever runs the server "
    "names the folder of the films with --search-films or PATCHCLIP_SEARCH_FILMS."
)


class HitFilms:
    """Files by what they are called in the output folder, a place or a keyed reference. Threads may share it.

    Args:
        folder: of the films, or None where the server has none.
        namer: of the output folder.
    """

    def __init__(self, folder: Path | None, namer: Namer) -> None:
        self._folder, self._namer = folder, namer
        self._units: dict[str, Unit] = {}
        self._lock = Lock()

    def has(self, file: str) -> bool:
        """Whether a file is there."""
        return self._unit(file) is not None

    def content(self, file: str) -> bytes:
        """A file.

        Raises:
            PatchClipError: it is not there, or cannot be read.
        """
        unit = self._unit(file)
        if unit is None:
            raise PatchClipError(NOT_HERE)
        return content_of(unit)

    def _unit(self, file: str) -> Unit | None:
        if self._folder is None:
            return None
        with self._lock:
            if file not in self._units:  # the folder is listed anew: a film may have come since
                units = read_input(str(self._folder)).units
                self._units = {self._namer.name(unit.place): unit for unit in units}
            return self._units.get(file)
