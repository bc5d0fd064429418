"""From what somebody asks for to a study: protocol read, cases found and decoded, all stored at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.study.cases import Cases
from app.study.errors import StudyError
from app.study.protocol import ProtocolFile, read_protocol
from app.study.studies import NewStudy, Studies
from patchclip.saliency.registry import TWIN
from patchclip.text import Vocabulary

MOST_CHOICES = 1000


@dataclass(frozen=True, slots=True)
class Model:
    """What a study must know of the model that it asks.

    Attributes:
        name, sha256: of the checkpoint.
        vocabulary: that it was trained on.
        methods: saliency methods that can be applied to it.
    """

    name: str
    sha256: str
    vocabulary: Vocabulary
    methods: tuple[str, ...]


def protocol_for(text: str, model: Model) -> ProtocolFile:
    """A protocol that this model can serve.

    Raises:
        ProtocolError: see `read_protocol`.
        StudyError: a method cannot be applied to the model.
    """
    read = read_protocol(text, model.vocabulary)
    for method in read.protocol.methods:
        if method != "patch" and method.removeprefix(TWIN) not in model.methods:
            raise StudyError(
                f"The method {method} cannot be applied to this model; choose one of patch, "
                f"{', '.join(model.methods)}."
            )
    return read


def make_study(
    studies: Studies, model: Model, name: str, protocol: str, cases: Cases, readers: Sequence[str]
) -> int:
    """Stores a study of cases that were read.

    Returns:
        Its number.

    Raises:
        ProtocolError, StudyError, StoreError: it cannot be made, and why.
    """
    read = protocol_for(protocol, model)
    names = {finding.label: finding.name for finding in model.vocabulary.findings}
    return studies.create(
        NewStudy(
            name=name,
            protocol=read,
            findings={label: names[label] for label in read.protocol.findings},
            cases=cases,
            readers=readers,
            model_name=model.name,
            model_sha256=model.sha256,
        )
    )


def folder_below(root: Path | None, name: str) -> Path:
    """A folder or table that is named from the root for cases.

    Raises:
        StudyError: there is no root, or nothing of that name below it.
    """
    if root is None:
        raise StudyError(
            "This server has no folder for cases; whoever runs it names one with --study-cases or "
            "PATCHCLIP_STUDY_CASES."
        )
    try:
        place = (root / name).resolve()
        below = place.is_relative_to(root.resolve()) and place.exists()
    except (OSError, ValueError):
        below = False
    if not below:
        raise StudyError("There is no such folder or table below the server's folder for cases.")
    return place


@dataclass(frozen=True, slots=True)
class Choices:
    """Folders and tables (CSV) below the root for cases, by their paths from it."""

    folders: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


def choices_below(root: Path | None) -> Choices:
    """What lies below the root for cases; hidden files and folders aside."""
    if root is None or not root.is_dir():
        return Choices()
    folders, tables = ["."], []
    for parent, below, names in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith("."))
        place = Path(parent).relative_to(root)
        folders += [(place / name).as_posix() for name in below]
        tables += [
            (place / name).as_posix()
            for name in sorted(names)
            if name.lower().endswith(".csv") and not name.startswith(".")
        ]
        if len(folders) + len(tables) >= MOST_CHOICES:
            break
    return Choices(tuple(sorted(folders)), tuple(sorted(tables)))
