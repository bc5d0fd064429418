"""Serves the front end: python -m app [--port N] [--database FILE] ...; --help lists all flags.

python -m app study COMMAND is about reader studies, python -m app account COMMAND about who may sign in;
python -m app backup FILE copies the database while the server runs.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from app.settings import Settings, UsageError, read_settings
from patchclip import PatchClipError
from patchclip.memory import loading

if TYPE_CHECKING:
    from patchclip import Engine

COMMANDS = {"study": "app.study.cli", "account": "app.people.cli", "backup": "app.backup"}
"""Word that asks for something else than the server -> the module that does it, imported when it is asked."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Migrates the database, loads the model, serves until told to stop; returns the exit status."""
    signal.signal(signal.SIGTERM, _interrupt)
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words and words[0] in COMMANDS:
            status: int = import_module(COMMANDS[words[0]]).main(words[1:])
            return status
        settings = read_settings(words)
        with tempfile.TemporaryDirectory(prefix="patch-clip-") as folder:
            _serve(settings, Path(folder))
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except PatchClipError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _interrupt(*_: object) -> None:
    """SIGTERM ends the program as SIGINT does, so that what it has laid down is taken away."""
    raise KeyboardInterrupt


def _serve(settings: Settings, folder: Path) -> None:
    prepare_environment(folder)
    with loading():
        from app.archive_panel import archive_of
        from app.guard.hosts import own_address
        from app.models.in_use import InUse
        from app.models.shelf import Shelf, chosen_checkpoint
        from app.people.start import people_of
        from app.received import taking
        from app.service import Service
        from app.serving import build, listen, serve
        from app.store import FeedbackRepository, migrate, open_database
        from app.study.server import study_server
        from app.truth import read_truth
        from app.twin import Twin
        from app.watching.drain import Drain
        from patchclip import Engine
        from patchclip.execution import Execution
        from patchclip.image.isolation import shared_pool
        from patchclip.resources import TWIN

    database = open_database(settings.database)
    stop = Event()
    try:
        migrate(database)
        people = people_of(settings, database)
        chosen = chosen_checkpoint(settings.model_files, settings.checkpoint)
        execution = Execution(settings.backend, settings.precision, settings.mirror)
        engine = Engine.from_pretrained(chosen, prevalence=settings.prior, execution=execution)
        folder_of_twin = settings.twin or TWIN
        # An installed package ships without it; one that was named must be there.
        twin = Twin(folder_of_twin, engine) if settings.twin or folder_of_twin.is_dir() else None
        truth = read_truth(settings.truth, engine.vocabulary) if settings.truth else None
        in_use = InUse(engine)
        shelf = Shelf(in_use, settings.checkpoint, settings.model_files, settings.prior, execution)
        search = None
        if settings.search_folder is not None:
            from app.archive_search.desk import search_desk

            search = search_desk(settings, shelf, settings.search_folder)
        listening = listen(settings.host, settings.port)
        shared_pool().warm()  # loads its decoders meanwhile
        # Meanwhile the reader opens a file. No daemon: an interpreter that ends under torch's feet aborts.
        prepared = Event()
        Thread(target=_prepare, args=(engine, stop, prepared)).start()
        archive = archive_of(settings)
        with taking(settings, folder) as received:
            service = Service(
                in_use,
                FeedbackRepository(database),
                study_memory_mb=settings.study_memory_mb,
                upload_limit_mb=settings.upload_limit_mb,
                archive=archive,
                searches=search is not None,
                received=received,
                twin=twin,
                truth=truth,
            )
            address = own_address(settings.host, settings.port)
            print(f"Patch-CLIP on {address} (research use only, not for clinical use)", flush=True)
            if people.note:
                print(people.note, flush=True)
            if chosen != settings.checkpoint:
                print(
                    f"{engine.name} ({engine.sha256[:12]}) answers, as it was chosen under /models",
                    flush=True,
                )
            studies = study_server(
                database,
                engine,
                twin,
                settings.study_files,
                settings.study_cases,
                service.lanes,
                archive,
                shelf,
            )
            studies.start()
            drain = Drain(service.lanes.store)
            try:
                app = build(
                    service,
                    settings,
                    folder,
                    people,
                    studies,
                    search=search,
                    drain=drain,
                    has_model=prepared.is_set,
                )
                serve(app, listening, drain, json_logs=settings.log_format == "json")
            finally:
                studies.close()
                service.lanes.close()
    finally:
        stop.set()
        database.dispose()


def _prepare(engine: Engine, stop: Event, prepared: Event) -> None:
    """Loads what the first question would wait for; a server whose model cannot is never called ready."""
    engine.prepare(stop.is_set)
    prepared.set()


def prepare_environment(folder: Path) -> None:
    """What must be set before gradio is imported: no analytics, no network, its files in our own folder."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["GRADIO_TEMP_DIR"] = str(folder)


if __name__ == "__main__":
    sys.exit(main())
