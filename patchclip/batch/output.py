"""The output folder: what was asked of it, which parts are in it, and nothing of any other.

    OUT/run.json            the queries, the model, and what else decides the rows
    OUT/part-*.parquet      answers
    OUT/errors/part-*.parquet, OUT/embeddings/part-*.parquet
    OUT/ledger/part-*.json  which files are done: a part is there once it stands here
    OUT/work/               parts that are being made

Parts are put in place by one process. Its last step is one rename, of the ledger's file; what a process that
was killed left before it is taken away by the next.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from filelock import FileLock, Timeout

from patchclip.batch.tables import ANSWERS, EMBEDDINGS, ERRORS
from patchclip.data.tables import read_json
from patchclip.errors import DataError
from patchclip.files import atomic

FORMAT = 1
FIRST_BACKEND = "torch, fp32"
"""Of folders that do not name one: there was no other when they were begun."""
RUN, LEDGER, WORK, LOCK = "run.json", "ledger", "work", ".lock"
FOLDERS = {ANSWERS: "", ERRORS: "errors", EMBEDDINGS: "embeddings"}
"""Kind of table -> folder below OUT."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What decides the rows of an output folder; all that are in it are of one such.

    Attributes:
        model, model_sha256: name and hash.
        backend: what computes it, as `Engine.backend` says.
        queries: as typed, in order.
        prior: as given.
        maps, embeddings: whether they are stored.
        places: whether images are called by their place.
    """

    model: str
    model_sha256: str
    backend: str
    queries: tuple[str, ...]
    prior: tuple[str, ...]
    maps: bool
    embeddings: bool
    places: bool
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class PartRecord:
    """A part that is done.

    Attributes:
        part: its name.
        units: references of its files, studies or members.
        images, answers, errors, left_out: how many rows there are of each.
        seconds: what it took.
    """

    part: str
    units: tuple[str, ...]
    images: int
    answers: int
    errors: int
    left_out: int
    seconds: float


class Output:
    """An output folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps every other process from adding to the folder; makes it if need be.

        Raises:
            DataError: another process does, or it cannot be made.
        """
        try:
            for name in (*FOLDERS.values(), LEDGER, WORK):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / LOCK, timeout=0)
            lock.acquire()
        except Timeout:
            raise DataError(
                f"Another batch is adding to {self.folder}; wait for it, or name another folder."
            ) from None
        except OSError as error:
            raise DataError(
                f"{self.folder} cannot be written ({error.strerror}); name another folder."
            ) from error
        try:
            yield
        finally:
            lock.release()

    def begin(self, record: RunRecord) -> None:
        """Says what the folder is for, or makes sure that it is for the same.

        Raises:
            DataError: it holds something else.
        """
        path = self.folder / RUN
        if not path.exists():
            if any(self.folder.glob("*.parquet")):
                raise DataError(f"{self.folder} holds other tables; name a new folder.")
            with atomic(path) as file:
                file.write_text(json.dumps(asdict(record), indent=1, ensure_ascii=False) + "\n", "utf-8")
            return
        before = self.record()
        for item in fields(RunRecord):
            if getattr(before, item.name) != getattr(record, item.name):
                raise DataError(
                    f"{self.folder} was begun with another {item.name.replace('_', ' ')}; go on with the "
                    "same, or name another folder."
                )

    def record(self) -> RunRecord:
        """What the folder is for.

        Raises:
            DataError: it is no output folder, or of a newer version.
        """
        path = self.folder / RUN
        if not path.is_file():
            raise DataError(f"{self.folder} is no output of patchclip batch; name the folder that it wrote.")
        values = {"backend": FIRST_BACKEND} | read_json(path, dict)
        names = {item.name for item in fields(RunRecord)}
        if values.get("format") != FORMAT or set(values) != names:
            raise DataError(f"{path} is of another version of Patch-CLIP; run the batch anew with this one.")
        lists = {name: tuple(values[name]) for name in ("queries", "prior")}
        return RunRecord(**(values | lists))

    def part_names(self) -> list[str]:
        """Names of the parts that are done, in order."""
        names = (path.stem for path in (self.folder / LEDGER).glob("part-*.json"))
        return sorted(name for name in names if ".writing" not in name)

    def parts(self) -> list[PartRecord]:
        """The parts that are done, by name.

        Raises:
            DataError: the ledger is damaged.
        """
        parts = []
        for name in self.part_names():
            path = self.folder / LEDGER / f"{name}.json"
            values = read_json(path, dict)
            try:
                parts.append(PartRecord(**(values | {"units": tuple(values["units"])})))
            except (KeyError, TypeError):
                raise DataError(f"{path} is damaged; remove it, and its part is made anew.") from None
        return parts

    def path(self, part: str, kind: str) -> Path:
        """Where a part's table of a kind lies."""
        return self.folder / FOLDERS[kind] / f"{part}.parquet"

    def forget(self, parts: Sequence[PartRecord]) -> None:
        """Takes parts out of the ledger, to be made anew."""
        for part in parts:
            (self.folder / LEDGER / f"{part.part}.json").unlink()

    def sweep(self) -> None:
        """Takes away what was not finished, by whichever process."""
        done = {part.part for part in self.parts()}
        for name in FOLDERS.values():
            for path in (self.folder / name).glob("part-*.parquet"):
                if path.stem not in done:
                    path.unlink()
        for path in (self.folder / LEDGER).glob("*.writing*"):
            path.unlink()
        shutil.rmtree(self.folder / WORK, ignore_errors=True)
        (self.folder / WORK).mkdir(exist_ok=True)

    def commit(self, record: PartRecord, made: Path) -> None:
        """Puts a finished part in its place.

        Args:
            record: of the part.
            made: folder with a table of each kind, "answers.parquet", ...

        Raises:
            DataError: the folder cannot be written.
        """
        try:
            for table in sorted(made.glob("*.parquet")):
                table.replace(self.path(record.part, table.stem))
            place = self.folder / LEDGER / f"{record.part}.json"
            with atomic(place) as file, file.open("w", encoding="utf-8") as ledger:
                json.dump(asdict(record), ledger)
                ledger.flush()
                os.fsync(ledger.fileno())
            shutil.rmtree(made, ignore_errors=True)
        except OSError as error:
            raise DataError(
                f"{self.folder} cannot be written ({error.strerror}); make room, and run the same "
                "command again."
            ) from error

    def new_work_folder(self, part: str) -> Path:
        """A folder of its own for an attempt at a part: two attempts never write the same file."""
        folder = self.folder / WORK / f"{part}.{secrets.token_hex(6)}"
        folder.mkdir(parents=True)
        return folder
