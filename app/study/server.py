"""Study mode on a server: its parts put together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine as Database

from app.lanes import Lanes
from app.models.in_use import InUse
from app.models.shelf import Shelf
from app.study.ahead import Ahead
from app.study.creations import Creations
from app.study.desk import Desk
from app.study.making import Model
from app.study.office import Office
from app.study.packs import Packs
from app.study.sources import Workshop
from app.study.studies import Studies
from app.study.work import Maker
from app.twin import Twin
from patchclip import Engine
from patchclip.archive import Archive


@dataclass(frozen=True, slots=True)
class StudyServer:
    """What answers the requests of studies, the worker that makes their cases ready, and where both store."""

    database: Database
    desk: Desk
    office: Office
    ahead: Ahead
    creations: Creations
    shelf: Shelf

    def start(self) -> None:
        """Begins to make cases ready."""
        self.ahead.start()

    def close(self) -> None:
        """Ends after the case at hand; of a study that is being made nothing stays."""
        self.creations.close()
        self.ahead.close()


def study_server(
    database: Database,
    engine: Engine,
    twin: Twin | None,
    folder: Path,
    root: Path | None,
    lanes: Lanes,
    archive: Archive | None = None,
    shelf: Shelf | None = None,
) -> StudyServer:
    """Puts study mode together; its worker is yet to be started.

    Args:
        database: a migrated one.
        engine, twin: which are asked.
        folder: where films and maps are kept ready.
        root: below which cases of studies that are made in the page may lie, or None.
        lanes: of the service.
        archive: from which such studies may get their films, or None.
        shelf: the models of the deployment; None for no other one than `engine`.
    """
    studies, packs = Studies(database), Packs(folder / "ready")
    shelf = shelf or Shelf(InUse(engine))
    ahead = Ahead(Maker(shelf, twin, studies, packs, lanes), studies, packs)
    workshop = Workshop(studies, lambda: model_of(shelf.in_use.engine), archive, films_kept(folder))
    creations = Creations()
    return StudyServer(
        database=database,
        desk=Desk(studies, packs, ahead, lanes),
        office=Office(workshop, creations, packs, ahead, root, lanes),
        ahead=ahead,
        creations=creations,
        shelf=shelf,
    )


def films_kept(folder: Path) -> Path:
    """Where films of the archive stay, below the folder of studies."""
    return folder / "films"


def model_of(engine: Engine) -> Model:
    """What a study must know of an engine."""
    return Model(engine.name, engine.sha256, engine.vocabulary, engine.saliency_methods())
