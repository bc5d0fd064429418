"""The command batch: queries over an archive, as Parquet."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from patchclip.archive.dicomweb import TOKEN
from patchclip.batch.inputs import Input, read_input
from patchclip.batch.names import Namer, read_key
from patchclip.batch.output import Output, PartRecord, RunRecord
from patchclip.batch.parts import Part, parts_of
from patchclip.batch.runners import run_here, run_on_ray
from patchclip.batch.work import Made, Task
from patchclip.engine import Engine
from patchclip.engine_arguments import engine_of
from patchclip.errors import DataError, QueryError
from patchclip.execution import execution_of
from patchclip.image.isolation import shared_pool

LONGEST_FILE = 2**20


def main(options: argparse.Namespace) -> int:
    """Adds to OUT what is not in it yet; 1 if a file or a query failed, 130 if it was interrupted."""
    if options.part_size < 1:
        raise DataError("A part has one file at least; give --part-size a number above 0.")
    texts = read_queries(Path(options.queries))
    given = read_input(options.input)
    shared_pool().warm()  # it loads its libraries while the model is loaded
    engine = engine_of(options)
    queries = _answerable(engine, texts)
    output = Output(Path(options.out).resolve())
    with output.locked():
        record = RunRecord(
            model=engine.name,
            model_sha256=engine.sha256,
            backend=engine.backend,
            queries=queries,
            prior=tuple(options.prior),
            maps=options.maps,
            embeddings=not options.no_embeddings,
            places=options.names == "place",
        )
        output.begin(record)
        key = read_key(output.folder, Path(options.key_file) if options.key_file else None)
        task = Task(
            out=str(output.folder),
            checkpoint=options.checkpoint,
            prior=record.prior,
            queries=queries,
            maps=record.maps,
            embeddings=record.embeddings,
            namer=Namer(key, record.places),
            url=given.url,
            token=os.environ.get(TOKEN),
            execution=execution_of(options),
        )
        failed = _run(options, output, task, engine, given)
    return 1 if failed or len(queries) < len(texts) else 0


def read_queries(path: Path) -> tuple[str, ...]:
    """The queries of a text file, one a line; blank lines and repetitions are none.

    Raises:
        DataError: it cannot be read, is no text, or holds none.
    """
    try:
        if path.stat().st_size > LONGEST_FILE:
            raise DataError(f"{path} is too large to hold queries; give one query a line.")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as text (UTF-8); give one query a line.") from error
    queries = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not queries:
        raise DataError(f"{path} holds no query; give one a line.")
    return queries


def _answerable(engine: Engine, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Those that are not refused; the others are told, and spoil none."""
    answerable = []
    for text in texts:
        try:
            engine.understand(text)
        except QueryError as error:
            print(f"query refused: {error}", file=sys.stderr)
        else:
            answerable.append(text)
    if not answerable:
        raise DataError("Every query was refused; ask for findings in words.")
    return tuple(answerable)


def _run(options: argparse.Namespace, output: Output, task: Task, engine: Engine, given: Input) -> bool:
    """Makes what is left; whether a file failed."""
    if options.retry:
        output.forget([part for part in output.parts() if part.errors])
    output.sweep()
    done = {unit for part in output.parts() for unit in part.units}
    parts = parts_of(given.units, task.namer, done, options.part_size)
    before = len(given.units) - sum(len(part.units) for part in parts)
    finished: list[PartRecord] = []
    started = time.perf_counter()
    try:
        with tqdm(total=len(given.units), initial=before, unit="file", desc="batch", smoothing=0.05) as bar:
            for made in _made(options.ray, task, engine, parts, bar.update):
                output.commit(made.record, Path(made.folder))
                finished.append(made.record)
                for fault in made.faults:
                    tqdm.write(f"{fault.place}: {fault.kind}. {fault.reason}", file=sys.stderr)
                if options.ray:
                    bar.update(len(made.record.units))
                seconds = time.perf_counter() - started
                bar.set_postfix_str(f"{sum(part.images for part in finished) / seconds:.2f} images/s")
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was", file=sys.stderr)
        raise SystemExit(130) from None
    output.sweep()  # what machines that died have left
    seconds = time.perf_counter() - started
    images = sum(part.images for part in finished)
    errors = sum(part.errors for part in finished)
    summary = {
        "files": len(given.units),
        "done_before": before,
        "images": images,
        "answers": sum(part.answers for part in finished),
        "errors": errors,
        "left_out": sum(part.left_out for part in finished),
        "seconds": round(seconds, 1),
        "images_per_second": round(images / seconds, 3) if finished else None,
    }
    print(json.dumps(summary))
    return errors > 0


def _made(
    address: str | None, task: Task, engine: Engine, parts: list[Part], step: Callable[[int], object]
) -> Iterator[Made]:
    if not parts:
        return
    results = run_on_ray(task, parts, address) if address else run_here(task, engine, parts, step)
    with closing(results):  # an interrupted run ends its workers before the folder is another's
        yield from results
