"""Where the films of a new study come from: a folder, a manifest or the archive; and its making."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.archive_panel import NO_ARCHIVE
from app.study.archive_cases import PREFIX, fetched_cases
from app.study.cases import Cases, Told, read_cases
from app.study.errors import StudyError
from app.study.making import Model, make_study, protocol_for
from app.study.studies import Studies, reader_names, study_name
from app.study.watch import Nobody, Watch
from patchclip.archive import Archive


@dataclass(frozen=True, slots=True)
class Wish:
    """A study that somebody wants.

    Attributes:
        name: of it.
        protocol: as TOML.
        readers: by their names, in the order in which they take turns.
        films: folder or manifest, or "DICOMWEB:..." of the archive.
        told: what is known of the films.
    """

    name: str
    protocol: str
    readers: Sequence[str]
    films: Path | str
    told: Told


@dataclass(frozen=True, slots=True)
class Workshop:
    """What studies are made with.

    Attributes:
        studies: where they are stored.
        asked: gives the model that a study made now is made with.
        archive: or None, where none is set.
        kept: folder for films of the archive.
    """

    studies: Studies
    asked: Callable[[], Model]
    archive: Archive | None
    kept: Path

    def check(self, wish: Wish) -> Wish:
        """All that can be told before a film is read; the wish with its names as they are stored.

        Raises:
            ProtocolError, StudyError, StoreError: it cannot be made, and why.
        """
        protocol_for(wish.protocol, self.asked())
        checked = Wish(
            study_name(wish.name), wish.protocol, reader_names(wish.readers), wish.films, wish.told
        )
        self.studies.check_free(checked.name)
        if _is_archive(wish.films) and self.archive is None:
            raise StudyError(NO_ARCHIVE)
        return checked

    def make(self, wish: Wish, watch: Watch | None = None) -> tuple[int, Cases]:
        """Reads all films, and stores the study whole, or nothing.

        Returns:
            Its number, and its cases.

        Raises:
            PatchClipError: it cannot be made, and why; `StoppedError` where `watch` has ended it.
        """
        watch = watch or Nobody()
        wish, model = self.check(wish), self.asked()
        with self._films(wish, watch) as films:
            cases = read_cases(films, model.vocabulary, wish.told, watch)
            watch.at("storing", len(cases.cases), len(cases.cases))
            return make_study(self.studies, model, wish.name, wish.protocol, cases, wish.readers), cases

    @contextmanager
    def _films(self, wish: Wish, watch: Watch) -> Iterator[Path]:
        if not isinstance(wish.films, str):
            yield wish.films
            return
        if self.archive is None:
            raise StudyError(NO_ARCHIVE)
        with fetched_cases(wish.films, self.archive, self.kept, self.studies.has_folder, watch) as folder:
            yield folder


def _is_archive(films: Path | str) -> bool:
    return isinstance(films, str) and films.startswith(PREFIX)
