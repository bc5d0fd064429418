"""The command predict: answers about images, one JSON object a line."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from patchclip.archive.films import Films, add_film_arguments, add_window_argument
from patchclip.archive.images import images_of
from patchclip.encoded import Encoded
from patchclip.engine import Engine
from patchclip.engine_arguments import add_engine_arguments, engine_of
from patchclip.errors import DataError, PatchClipError, QueryError, SaliencyError
from patchclip.image import Radiograph
from patchclip.image.isolation import shared_pool
from patchclip.saliency import SALIENCY
from patchclip.types import Answer, PatchMap, Region


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `python -m patchclip predict`."""
    add_film_arguments(parser)
    parser.add_argument(
        "--query",
        action="append",
        required=True,
        metavar="TEXT",
        help="a question; give several by repeating the flag",
    )
    add_window_argument(parser)
    parser.add_argument(
        "--saliency",
        action="append",
        default=[],
        choices=list(SALIENCY),
        metavar="NAME",
        help=f"also: {', '.join(SALIENCY)}",
    )
    parser.add_argument(
        "--explore",
        action="store_true",
        help="also the raw patch-text similarity of queries out of scope: untested, and no probability",
    )
    add_engine_arguments(parser)


def main(options: argparse.Namespace) -> int:
    """Prints one JSON object per image; one that cannot be read gives an error object; the others go on."""
    try:
        films = Films(options.images, options.dicomweb, options.study)
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    shared_pool().warm()  # it loads its libraries while the model is loaded
    engine = engine_of(options)
    failed = any(_refusal(engine, query) for query in options.query)
    for image in images_of(films):
        try:
            load = partial(image.load, options.window)
            record = record_of(
                engine, image.name, load, options.query, options.saliency, explore=options.explore
            )
        except PatchClipError as error:
            record = {"image": image.name, "error": str(error)}
            failed = True
        print(json.dumps(record, ensure_ascii=False), flush=True)
    return 1 if failed else 0


def record_of(
    engine: Engine,
    name: str,
    load: Callable[[], Radiograph],
    queries: Sequence[str],
    saliency: Sequence[str] = (),
    *,
    explore: bool = False,
) -> dict[str, Any]:
    """The contract's JSON object for one image; coordinates in original pixels.

    A text that is refused gets an entry with `error` in its place among the answers, and spoils no other.

    Args:
        engine: the model.
        name: of the image.
        load: reads it.
        queries: texts as typed.
        saliency: names of methods.
        explore: whether queries out of scope get their raw similarity.

    Raises:
        RadiographError: the image cannot be read.
    """
    refusals = {query: sentence for query in queries if (sentence := _refusal(engine, query))}
    answerable = [query for query in queries if query not in refusals]
    started = time.perf_counter()
    radiograph = load()
    decoded = time.perf_counter()
    encoded = engine.encode(radiograph)
    asked = time.perf_counter()
    findings = engine.query(encoded, answerable)
    answered = time.perf_counter()
    answers = [_answer(finding) for finding in findings]
    warnings = list(encoded.warnings)
    for method in saliency:
        try:
            maps = engine.saliencies(encoded, answerable, [method])[method]
        except SaliencyError as error:
            warnings.append(str(error))
            continue
        for answer, shown in zip(answers, maps, strict=True):
            answer.setdefault("saliency", {})[method] = _map(shown)
    for answer, finding in zip(answers, findings, strict=True):
        if explore and not finding.in_vocabulary:
            answer["explore"] = _exploration(engine, encoded, finding)
    for query in dict.fromkeys(answerable):  # with the first answer to each text
        next(answer for answer in answers if answer["query"] == query)["echo"] = _echo(engine, query)
    return {
        "image": name,
        "size": list(encoded.size),
        "model": {
            "name": engine.name,
            "sha256": engine.sha256,
            "backend": engine.backend,
            "execution": engine.computation.to_dict(),
        },
        "warnings": warnings,
        "queries": _in_order(queries, answers, refusals),
        "timing_ms": {
            "decode": round((decoded - started) * 1000, 1),
            "encode": round((asked - decoded) * 1000, 1),
            "query": round((answered - asked) * 1000, 1),
        },
    }


def _refusal(engine: Engine, query: str) -> str | None:
    """Why a text is not answered, or None."""
    try:
        engine.understand(query)
    except QueryError as error:
        return str(error)
    return None


def _in_order(
    queries: Sequence[str], answers: Sequence[dict[str, Any]], refusals: dict[str, str]
) -> list[dict[str, Any]]:
    """Answers and refusals in the order of their texts."""
    entries: list[dict[str, Any]] = []
    for query in dict.fromkeys(queries):
        refused = [{"query": query, "error": refusals[query]}] if query in refusals else []
        entries += refused or [answer for answer in answers if answer["query"] == query]
    return entries


def _echo(engine: Engine, query: str) -> list[dict[str, Any]]:
    """What became of every word of a text."""
    return [{"text": query[word.start : word.stop], **asdict(word)} for word in engine.read(query).echo]


def _exploration(engine: Engine, encoded: Encoded, answer: Answer) -> dict[str, Any]:
    try:
        exploration = engine.explore(encoded, answer.span)
    except QueryError as error:
        return {"error": str(error)}
    return {
        "similarity": _map(exploration.similarity),
        "note": "Untested: the raw similarity of each patch to the text. No probability, and no finding.",
    }


def _answer(finding: Answer) -> dict[str, Any]:
    return {
        "query": finding.query,
        "span": finding.span,
        "finding": finding.finding,
        "negated": finding.negated,
        "assertion": finding.assertion,
        "side": finding.laterality,
        "place": finding.place.words if finding.place else None,
        "in_vocabulary": finding.in_vocabulary,
        "probability": None if finding.probability is None else round(finding.probability, 4),
        "operating_point": finding.operating_point.to_dict() if finding.operating_point else None,
        "threshold": finding.threshold,
        "map": _map(finding.map),
        "regions": [_region(region) for region in finding.regions],
        "warnings": list(finding.warnings),
    }


def _map(shown: PatchMap) -> dict[str, Any]:
    rows, cols = shown.values.shape
    return {
        "rows": rows,
        "cols": cols,
        "extent": [round(edge, 3) for edge in shown.extent],
        # Four decimals of a float32 are exact in 64 bits, so this rounds as `round` does each value.
        "values": shown.values.astype(np.float64).round(4).tolist(),
    }


def _region(region: Region) -> dict[str, Any]:
    return {
        "x": round(region.x, 1),
        "y": round(region.y, 1),
        "w": round(region.w, 1),
        "h": round(region.h, 1),
        "score": round(region.score, 4),
        "peak": [round(region.peak[0], 1), round(region.peak[1], 1)],
    }
