"""What the commands on studies do: create, list, close, open-again, case-list."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import select

from app.archive_panel import archive_of
from app.models.shelf import chosen_checkpoint
from app.settings import Settings, read_settings
from app.store import migrate, open_database
from app.store.study_models import Assignment, StudyReading
from app.store.writing import reading
from app.study.archive_cases import PREFIX
from app.study.cases import Told
from app.study.errors import StudyError
from app.study.packs import Packs
from app.study.server import films_kept, model_of
from app.study.sources import Wish, Workshop
from app.study.studies import Studies, study_row
from app.study.work import Work
from patchclip import Engine

COMMAND_LINE = "the command line"
"""Who closes a study there, where nobody signs in."""
Command = Callable[[argparse.Namespace, Settings, Studies], int]


def with_database(options: argparse.Namespace, run: Command) -> int:
    """Runs a command on the migrated database that flags or settings name.

    Raises:
        PatchClipError: it cannot be done, in one sentence.
    """
    given = {name: getattr(options, name, None) for name in ("database", "study_folder", "checkpoint")}
    flags = [
        word
        for name, value in given.items()
        if value is not None
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    settings = read_settings(flags)
    with ExitStack() as stack:
        database = open_database(settings.database)
        stack.callback(database.dispose)
        migrate(database)
        return run(options, settings, Studies(database))


def _create(options: argparse.Namespace, settings: Settings, studies: Studies) -> int:
    readers = [name.strip() for name in options.readers.split(",") if name.strip()]
    wish = Wish(
        options.name,
        _text(options.protocol),
        readers,
        _films(options.cases),
        Told(options.truth, options.boxes),
    )
    model = model_of(Engine.from_pretrained(chosen_checkpoint(settings.model_files, settings.checkpoint)))
    workshop = Workshop(studies, lambda: model, archive_of(settings), films_kept(settings.study_files))
    _, cases = workshop.make(wish)
    for item in cases.left_out:
        print(f"left out: {item.path} (file {item.place}): {item.reason}")
    print(
        f'Study "{options.name}": {len(cases.cases)} cases for {len(readers)} readers; the server makes them '
        "ready as it runs (research use only, not for clinical use)"
    )
    return 0


def _films(words: str) -> Path | str:
    if words.startswith(PREFIX):
        return words
    place = Path(words)
    if not place.exists():
        raise StudyError(f"There is no {place}; name a folder of radiographs or a manifest as --cases.")
    return place


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise StudyError(f"The protocol {path} is no UTF-8 text; write it as that.") from error
    except OSError as error:
        raise StudyError(
            f"The protocol {path} cannot be read ({error.strerror}); name another file."
        ) from error


def _list(options: argparse.Namespace, settings: Settings, studies: Studies) -> int:
    for item in studies.summaries():
        state = "open" if item.closed_at is None else f"closed {item.closed_at:%Y-%m-%d}"
        print(f"{item.name}\t{item.cases} cases\t{item.readers} readers\t{item.readings} readings\t{state}")
    return 0


def _close(options: argparse.Namespace, settings: Settings, studies: Studies) -> int:
    studies.close(studies.number(options.name), COMMAND_LINE)
    print(f'Study "{options.name}" is closed.')
    return 0


def _open_again(options: argparse.Namespace, settings: Settings, studies: Studies) -> int:
    studies.open_again(studies.number(options.name), COMMAND_LINE)
    print(f'Study "{options.name}" can be read again.')
    return 0


def _cases(options: argparse.Namespace, settings: Settings, studies: Studies) -> int:
    packs = Packs(settings.study_files / "ready")
    study = studies.number(options.name)
    with reading(studies.engine, studies.file) as session:
        row = study_row(session, study)
        newer = select(StudyReading.supersedes_id).where(StudyReading.supersedes_id.is_not(None))
        read = session.scalars(
            select(Assignment.case_id)
            .join(StudyReading, StudyReading.assignment_id == Assignment.id)
            .where(StudyReading.id.not_in(newer), StudyReading.opinion == "first")
        ).all()
        for case in row.cases:
            work = Work.of(row, case)
            frame = "" if work.place.frame is None else f"#{work.place.frame + 1}"
            state = "ready" if packs.has(work.key) else "waits"
            print(f"{case.number}\t{work.place.path}{frame}\t{state}\t{read.count(case.id)} readings")
    return 0


COMMANDS: dict[str, Command] = {
    "create": _create,
    "list": _list,
    "close": _close,
    "open-again": _open_again,
    "case-list": _cases,
}
