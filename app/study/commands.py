"""python -m app study create | list | close | open-again | case-list: their flags; see `commanding`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the commands to a parser's."""
    create = _command(commands, "create", "make a study from a folder, a manifest or an archive")
    create.add_argument("name", metavar="NAME", help="of the study, as no other has it")
    create.add_argument(
        "--cases",
        required=True,
        metavar="PLACE",
        help="folder of radiographs, CSV manifest (path, truth_FINDING ...), or DICOMWEB:UID,UID or "
        "DICOMWEB:modality=DX,date=20260102 of the archive that PATCHCLIP_DICOMWEB names",
    )
    create.add_argument(
        "--truth",
        type=Path,
        metavar="FILE",
        help="CSV of a folder's truth: path, truth_FINDING (1, 0 or blank)",
    )
    create.add_argument(
        "--boxes", type=Path, metavar="FILE", help="CSV of truth boxes: path, finding, x, y, w, h"
    )
    create.add_argument("--protocol", type=Path, required=True, metavar="FILE", help="the protocol, in TOML")
    create.add_argument(
        "--readers", required=True, metavar="NAMES", help="names of readers, parted by commas"
    )
    create.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FOLDER",
        help="of the model that is asked; the server's own if not given",
    )
    _command(commands, "list", "all studies of the database")
    close = _command(commands, "close", "end a study: nothing of it is read or changed any more")
    close.add_argument("name", metavar="NAME", help="of the study")
    again = _command(commands, "open-again", "let a study be read again that was closed")
    again.add_argument("name", metavar="NAME", help="of the study")
    cases = _command(commands, "case-list", "the cases of a study: file, readiness, readings")
    cases.add_argument("name", metavar="NAME", help="of the study")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    words: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
    command.add_argument(
        "--database", metavar="FILE", help="the server's database; PATCHCLIP_DATABASE if not given"
    )
    command.add_argument(
        "--study-folder",
        type=Path,
        metavar="FOLDER",
        help="the server's own; PATCHCLIP_STUDY_FOLDER if not given",
    )
    command.set_defaults(run=_run)
    return command


def _run(options: argparse.Namespace) -> int:
    """What follows needs torch, which no other command of the server waits for."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from app.study.commanding import COMMANDS, with_database

    return with_database(options, COMMANDS[options.command])
