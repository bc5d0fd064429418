"""One part of a batch: its files decoded ahead, encoded and asked side by side, and written as tables in
their order."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from patchclip.archive.dicomweb import Archive
from patchclip.batch.ahead import ahead
from patchclip.batch.names import Namer
from patchclip.batch.output import Output, PartRecord
from patchclip.batch.parts import Part
from patchclip.batch.passes import passes_at_once, threads_shared
from patchclip.batch.stored import needs_tokens, record_of
from patchclip.batch.summaries import directions, summaries
from patchclip.batch.tables import (
    ANSWERS,
    EMBEDDINGS,
    ERRORS,
    ERRORS_SCHEMA,
    answer_row,
    answers_schema,
    embeddings_schema,
    error_row,
    summary_values,
)
from patchclip.batch.units import Fault, Opened, Unit, UnitImage, open_unit
from patchclip.batch.writing import Tables
from patchclip.engine import Engine
from patchclip.errors import DataError, PatchClipError
from patchclip.execution import Execution
from patchclip.image.limits import WORKERS
from patchclip.image.model_input import ModelInput, Prepared
from patchclip.memory import give_freed_memory_back

AHEAD = 4
"""Images that are decoded, or files listed, before the tower has asked for them."""


@dataclass(frozen=True, slots=True)
class Task:
    """What every part of a run is made with; it travels to other machines as it is.

    Attributes:
        out: the output folder, by a path that all machines know it by.
        checkpoint: folder or name of a model, or None for the bundled one.
        prior: prevalences, as `Engine.from_pretrained` takes them.
        queries: those that are answered.
        maps, embeddings: whether they are written.
        namer: of images and files.
        url, token: of a DICOMweb archive; they never reach a file.
        execution: how the model is computed.
    """

    out: str
    checkpoint: str | None
    prior: tuple[str, ...]
    queries: tuple[str, ...]
    maps: bool
    embeddings: bool
    namer: Namer
    url: str | None = None
    token: str | None = None
    execution: Execution = field(default_factory=Execution)


@dataclass(frozen=True, slots=True)
class Made:
    """A part that was made: its record, and the folder in which its tables wait to be put in place.

    Attributes:
        faults: for the reader, with the places that the tables do not hold.
    """

    record: PartRecord
    folder: str
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Decoded:
    """An image, and what the model sees of it."""

    image: UnitImage
    film: Prepared


@dataclass(frozen=True, slots=True)
class Rows:
    """What the tables will say of an image: `embeddings` is None where they are not kept."""

    unit: Unit
    answers: list[dict[str, Any]]
    embeddings: dict[str, Any] | None


class Worker:
    """A model that makes parts, one after the other."""

    def __init__(self, task: Task, engine: Engine | None = None) -> None:
        """engine: the task's own model, where it is loaded already.

        Raises:
            CheckpointError, DataError: the model or the prior cannot be read.
        """
        self.task = task
        self.engine = engine or Engine.from_pretrained(
            task.checkpoint, prevalence=task.prior, execution=task.execution
        )
        model = self.engine.model
        self._wanted = ModelInput(model.config.image_size, model.input_style)
        self._output = Output(Path(task.out))
        self._archive = Archive(task.url, task.token) if task.url else None
        self._directions = directions(self.engine) if task.embeddings else {}

    def make(self, part: Part, step: Callable[[int], object] = lambda count: None) -> Made:
        """Makes a part's tables; a file that fails costs a row.

        Args:
            part: to be made.
            step: called with the number of files that were finished since the last call.

        Raises:
            DataError: the output folder cannot be written.
        """
        started = time.perf_counter()
        folder = self._output.new_work_folder(part.name)
        faults: list[Fault] = []
        images = answers = current = 0
        places = {unit.place: index for index, unit in enumerate(part.units)}
        try:
            with Tables(folder, self._schemas()) as tables, closing(self._outcomes(part)) as outcomes:
                for outcome in outcomes:
                    step(places[outcome.unit.place] - current)
                    current = places[outcome.unit.place]
                    if isinstance(outcome, Fault):
                        faults.append(outcome)
                        name = self._name_of(outcome.unit.reference, outcome.place)
                        file = self.task.namer.name(outcome.unit.place)
                        tables.add(ERRORS, [error_row(name, file, outcome)])
                        continue
                    images, answers = images + 1, answers + len(outcome.answers)
                    tables.add(ANSWERS, outcome.answers)
                    if outcome.embeddings is not None:
                        tables.add(EMBEDDINGS, [outcome.embeddings])
            step(len(part.units) - current)
        except OSError as error:
            raise DataError(
                f"{self.task.out} cannot be written ({error.strerror}); make room, and run the same command "
                "again."
            ) from error
        give_freed_memory_back()
        left_out = sum(fault.kind == "left out" for fault in faults)
        record = PartRecord(
            part=part.name,
            units=tuple(self.task.namer.reference(unit.place) for unit in part.units),
            images=images,
            answers=answers,
            errors=len(faults) - left_out,
            left_out=left_out,
            seconds=round(time.perf_counter() - started, 3),
        )
        return Made(record, str(folder), tuple(faults))

    def _outcomes(self, part: Part) -> Generator[Rows | Fault, None, None]:
        """Of the part's images, in their order."""
        passes = passes_at_once(self.engine)
        with (
            threads_shared(passes),
            ThreadPoolExecutor(WORKERS.value) as decoders,
            ThreadPoolExecutor(passes) as towers,
        ):
            tasks = (partial(self._read, item) for item in self._decoded(part, decoders))
            yield from ahead(tasks, towers, passes + 1)

    def _decoded(self, part: Part, pool: ThreadPoolExecutor) -> Iterator[Decoded | Fault]:
        def tasks() -> Iterator[Callable[[], Decoded | Fault]]:
            for opened in ahead(
                (partial(_open, unit, self._wanted, self._archive) for unit in part.units), pool, AHEAD
            ):
                for fault in opened.faults:
                    yield partial(_same, fault)
                for image in opened.images:
                    yield partial(_load, image, self._wanted)

        return ahead(tasks(), pool, AHEAD)

    def _read(self, item: Decoded | Fault) -> Rows | Fault:
        """An image's rows."""
        if isinstance(item, Fault):
            return item
        image = item.image
        name = self._name_of(image.unit.reference, image.place)
        try:
            encoded = self.engine.encode(item.film)
            answers = self.engine.query(encoded, self.task.queries)
            stored: dict[str, Any] | None = None
            if self.task.embeddings:
                vectors = summaries(
                    self.engine.model,
                    encoded.embeddings,
                    self._directions,
                    self.engine.checkpoint.calibration.branches,
                    self.engine.offsets,
                )
                stored = record_of(self.engine, encoded) | summary_values(vectors)
        except PatchClipError as error:
            return Fault(image.unit, image.place, "error", str(error))
        except Exception as error:  # whatever it is, it must cost this image alone
            return _unforeseen(image, error)
        today = datetime.now(UTC).date()
        sha256, computation, maps = self.engine.sha256, self.engine.computation, self.task.maps
        rows = [
            answer_row(name, encoded, answer, sha256, computation, today, maps=maps) for answer in answers
        ]
        if stored is not None:
            stored |= self._about(name, image, encoded.radiograph_sha256, today)
        return Rows(image.unit, rows, stored)

    def _about(self, name: str, image: UnitImage, sha256: str, today: date) -> dict[str, Any]:
        return {
            "image": name,
            "file": self.task.namer.name(image.unit.place),
            "sha256": sha256,
            "read_on": today,
            "model": self.engine.sha256,
        }

    def _name_of(self, reference: str | None, place: str) -> str:
        """What an image is called: as its manifest says, or by its place."""
        if reference is None:
            return self.task.namer.name(place)
        _, mark, frame = place.rpartition("#")
        return f"{reference}#{frame}" if mark and frame.isdigit() else reference

    def _schemas(self) -> dict[str, pa.Schema]:
        schemas = {ANSWERS: answers_schema(maps=self.task.maps), ERRORS: ERRORS_SCHEMA}
        if self.task.embeddings:
            config, (rows, cols) = self.engine.model.config, self.engine.model.grid
            with_tokens = needs_tokens(self.engine)
            schemas[EMBEDDINGS] = embeddings_schema(
                self._width(),
                rows * cols,
                config.token_width if with_tokens else None,
                list(self._directions),
            )
        return schemas

    def _width(self) -> int:
        return next(iter(self._directions.values())).positive.shape[0]


def _open(unit: Unit, wanted: ModelInput, archive: Archive | None) -> Opened:
    try:
        return open_unit(unit, wanted, archive)
    except Exception as error:  # as of `_load`
        return Opened(unit, faults=(Fault(unit, unit.place, "unforeseen", _said(error)),))


def _load(image: UnitImage, wanted: ModelInput) -> Decoded | Fault:
    try:
        return Decoded(image, image.load(wanted))
    except PatchClipError as error:
        return Fault(image.unit, image.place, "error", str(error))
    except Exception as error:  # whatever it is, it must cost this image alone
        return _unforeseen(image, error)


def _same(fault: Fault) -> Fault:
    return fault


def _unforeseen(image: UnitImage, error: Exception) -> Fault:
    return Fault(image.unit, image.place, "unforeseen", _said(error))


def _said(error: Exception) -> str:
    """By kind and place alone: a message may quote the file."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return (
        "The image could not be read because of an error in Patch-CLIP "
        f"({type(error).__name__} at {Path(last.filename).name}:{last.lineno}); report it."
    )
