"""What the page of models shows and does: lists, comparisons of any two, the switch, and teaching."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.insights.source import Source
from app.models.comparisons import Comparisons, Rows, headline, rows_of
from app.models.errors import ModelError
from app.models.jobs import Job, Jobs
from app.models.records import ModelRecord
from app.models.shelf import Shelf

MODELS = ("in use", "model", "SHA-256", "made from", "readings", "verdict", "against its parent")
FIGURES = ("images", "figure", "before", "after", "difference (95 % CI)", "n")
SHORT = 12
ALL = 0
"""Stands for the readings of all studies, and those without one."""
NO_FILE = (
    "Readings are learnt and compared from a database file, and this server keeps them in PostgreSQL; a "
    "server on a file can do it."
)
NO_FOLDER = "This server has no folder of models; start it with --models and one that it may write to."
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
TOO_FEW_SENTENCE = (
    "Too few held-out images tell anything of both: have more cases read, or start the server with original "
    "data (--teach-data)."
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How a job stands, in words; whether one runs; the end of its log."""

    words: str
    runs: bool
    log: str


class ModelsDesk:
    """The server side of the page of models.

    Args:
        shelf: the models.
        source: where studies come from.
        database: the file of the deployment's database; None where a PostgreSQL server has it.
        data: original data to learn from again, as the trainer's --data takes it.
    """

    def __init__(self, shelf: Shelf, source: Source, database: Path | None, data: Sequence[str] = ()) -> None:
        self._shelf, self._source, self._database, self._data = shelf, source, database, tuple(data)
        self._jobs = Jobs(shelf.folder) if shelf.folder is not None else None
        self._comparisons = Comparisons(shelf.folder) if shelf.folder is not None else None

    def models(self) -> Rows:
        """Rows of `MODELS`, the first model first."""
        listed = self._shelf.listed()
        names = {item.sha256: item.name for item in listed}
        return [
            [
                "yes" if item.sha256 == self._shelf.in_use.engine.sha256 else "",
                item.name,
                item.sha256[:SHORT],
                _parent(item, names),
                str(item.teaching.readings.learnt_from) if item.teaching else "",
                item.teaching.verdict if item.teaching else item.note,
                headline(item.teaching.comparisons) if item.teaching else "",
            ]
            for item in listed
        ]

    def choices(self) -> list[tuple[str, str]]:
        """(what is shown, SHA-256) of every model."""
        return [(f"{item.name} ({item.sha256[:SHORT]})", item.sha256) for item in self._shelf.listed()]

    def in_use(self) -> str:
        """SHA-256 of the model that answers."""
        return self._shelf.in_use.engine.sha256

    def comparison(self, sha256: str) -> tuple[str, Rows]:
        """A model against the one it was made from: a sentence, and rows of `FIGURES`.

        Raises:
            ModelError: the model is not there.
        """
        record = self._shelf.record(sha256)
        teaching = record.teaching
        if teaching is None:
            return f"**{record.name}** was not made from another model here. {record.note}".strip(), []
        reasons = "; ".join(teaching.reasons) or "no headline figure is worse than its parent's"
        override = f" Overridden: {teaching.override}" if teaching.override else ""
        study = f" of {teaching.readings.study}" if teaching.readings.study else ""
        note = (
            f"**{record.name}**, made {teaching.made_at} from {teaching.parent.name} "
            f"({teaching.parent.sha256[:SHORT]}) and readings{study} of "
            f"{teaching.readings.learnt_from} images; {teaching.readings.held_out} more were held "
            f"out. {teaching.verdict.capitalize()}: {reasons}.{override} Calibration: "
            f"{teaching.calibration}. Research use only, not for clinical use."
        )
        return note, rows_of(teaching.comparisons)

    def pair(self, new: str, old: str | None) -> tuple[str, Rows]:
        """The last comparison of any two models: a sentence, and rows of `FIGURES`.

        Args:
            new: SHA-256 of a model.
            old: of the one that it is compared with; None for the one that it was made from.

        Raises:
            ModelError: a model is not there.
        """
        if old is None:
            return self.comparison(new)
        after, before = self._shelf.record(new), self._shelf.record(old)
        told = self._comparisons.newest(old, new) if self._comparisons is not None else None
        names = f"**{after.name}** ({new[:SHORT]}) against **{before.name}** ({old[:SHORT]})"
        if told is None:
            return f"{names} was not compared yet; *Compare* does so.", []
        study = told.study or "all studies"
        images = ", ".join(f"{item.images} {where}" for where, item in told.comparisons.items())
        lost = f" {told.left_out} images or readings could not be used." if told.left_out else ""
        few = "" if headline(told.comparisons) else f" {TOO_FEW_SENTENCE}"
        note = (
            f"{names}, compared {told.made_at} on what neither learnt from: {images}; readings of {study}."
            f"{lost}{few} *after* is {after.name}, *before* is {before.name}. Research use only, not for "
            "clinical use."
        )
        return note, rows_of(told.comparisons)

    def compare(self, new: str, old: str | None, study: int | None) -> Job:
        """Begins to compare two models on the readings of a study, and on held-out original data.

        Args:
            new, old: SHA-256 of the models.
            study: number of the study; `ALL` for all.

        Raises:
            ModelError: it cannot be begun, and why.
        """
        jobs, database = self._require(), self._require_file()
        if not old or old == new:
            raise ModelError("Choose another model to compare with, under Compare with.")
        after, before = self._shelf.record(new), self._shelf.record(old)
        of, named = self._readings(study)
        assert self._comparisons is not None  # there are jobs
        out = self._comparisons.place()
        arguments = ["trainer", "compare", "--old", str(before.folder.resolve())]
        arguments += ["--new", str(after.folder.resolve()), "--out", str(out.resolve())]
        arguments += [*self._sources(database), *named]
        about = f"{after.name} ({new[:SHORT]}) against {before.name} ({old[:SHORT]}), on {of}"
        return jobs.start(arguments, out, about)

    def use(self, sha256: str) -> str:
        """The model answers from now on; says so.

        Raises:
            ModelError, CheckpointError: see `Shelf.use`.
        """
        record = self._shelf.use(sha256)
        return (
            f"**{record.name}** ({record.sha256[:SHORT]}) answers from now on. Films that are open keep the "
            "model that they were opened with, and so do studies that were made with another one."
        )

    def studies(self) -> list[tuple[str, int]]:
        """(what is shown, number) of what can be taught from."""
        listed = [(f"{item.name} ({item.readings} readings)", item.id) for item in self._source.studies()]
        return [*reversed(listed), ("all studies", ALL)]

    def teach(self, parent: str, study: int | None, name: str, override: str) -> Job:
        """Begins to teach.

        Args:
            parent: SHA-256 of the model that it starts from.
            study: number of the study whose readings are learnt; `ALL` for all.
            name: of the new model; "" for the parent's with "-taught".
            override: why a worse model is taken nevertheless; "" for refusing it.

        Raises:
            ModelError: it cannot be begun, and why.
        """
        jobs, database = self._require(), self._require_file()
        record = self._shelf.record(parent)
        name = " ".join(name.split())
        if name and not PLAIN.fullmatch(name):
            raise ModelError("A model's name has letters, digits, dots, dashes and underscores, 60 at most.")
        of, named = self._readings(study)
        assert self._shelf.folder is not None  # there are jobs
        out = self._shelf.folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        arguments = ["trainer", "teach", "--from", str(record.folder.resolve()), "--out", str(out.resolve())]
        arguments += [*self._sources(database), *named]
        arguments += ["--name", name] if name else []
        arguments += ["--override", override.strip()] if override.strip() else []
        about = f"{record.name} ({record.sha256[:SHORT]}) from {of}"
        return jobs.start(arguments, out, about)

    def cancel(self) -> None:
        """Ends what is being taught or compared.

        Raises:
            ModelError: nothing is.
        """
        self._require().cancel()

    def progress(self) -> Progress:
        """How the last job stands."""
        job = self._jobs.last() if self._jobs is not None else None
        if job is None or self._jobs is None:
            return Progress("Nothing was taught or compared yet.", False, "")
        return Progress(job.sentence(), job.state == "running", self._jobs.log())

    def _readings(self, study: int | None) -> tuple[str, list[str]]:
        """What a study is called, and the flags that take its readings."""
        chosen = {item.id: item.name for item in self._source.studies()}
        if study is None or (study != ALL and study not in chosen):
            raise ModelError("Choose the study whose readings are to be taken.")
        return (
            chosen.get(study, "all studies"),
            ["--study", chosen[study]] if study != ALL else [],
        )

    def _sources(self, database: Path) -> list[str]:
        """The flags that name all data."""
        named = [word for source in self._data for word in ("--data", source)]
        return ["--data", f"feedback:{database.resolve()}", "--without-names", *named]

    def _require_file(self) -> Path:
        if self._database is None:
            raise ModelError(NO_FILE)
        return self._database

    def _require(self) -> Jobs:
        if self._jobs is None:
            raise ModelError(NO_FOLDER)
        return self._jobs


def _parent(record: ModelRecord, names: dict[str, str]) -> str:
    if record.teaching is None:
        return ""
    parent = record.teaching.parent
    gone = "" if parent.sha256 in names else ", not here"
    return f"{parent.name} ({parent.sha256[:SHORT]}{gone})"
