"""The command line: python -m patchclip predict | evaluate."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patchclip.engine import Engine
from patchclip.errors import PatchClipError, QueryError, SaliencyError
from patchclip.evaluate.cli import add_arguments
from patchclip.evaluate.cli import main as evaluate
from patchclip.image import load_radiograph
from patchclip.memory import keep_freed_memory
from patchclip.saliency import SALIENCY
from patchclip.types import Answer, PatchMap, Region

NOTICE = "Research use only, not for clinical use."


def make_parser() -> argparse.ArgumentParser:
    """All commands with their flags."""
    parser = argparse.ArgumentParser(
        prog="python -m patchclip", description=f"Ask a chest radiograph a question in free text. {NOTICE}"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    predict_parser = commands.add_parser(
        "predict", help="answer queries about images, one JSON object a line", epilog=NOTICE
    )
    predict_parser.add_argument("images", metavar="IMAGE", nargs="+", help="DICOM, PNG or JPEG")
    predict_parser.add_argument(
        "--query",
        action="append",
        required=True,
        metavar="TEXT",
        help="a question; give several by repeating the flag",
    )
    predict_parser.add_argument(
        "--saliency",
        action="append",
        default=[],
        choices=list(SALIENCY),
        metavar="NAME",
        help=f"also: {', '.join(SALIENCY)}",
    )
    predict_parser.add_argument(
        "--checkpoint",
        metavar="PATH",
        help="a checkpoint folder, or a model of open_clip by name; the bundled one by default",
    )
    evaluate_parser = commands.add_parser(
        "evaluate", help="measure a model on a dataset folder, with report", epilog=NOTICE
    )
    add_arguments(evaluate_parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0 done, 1 something failed, 2 wrong usage."""
    options = make_parser().parse_args(arguments)
    keep_freed_memory()
    try:
        return (
            predict(options.images, options.query, options.saliency, options.checkpoint)
            if options.command == "predict"
            else evaluate(options, sys.argv[1:] if arguments is None else arguments)
        )
    except PatchClipError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def predict(
    images: Sequence[str], queries: Sequence[str], saliency: Sequence[str], checkpoint: str | None
) -> int:
    """Prints one JSON object for each image; one that cannot be read gives an error object, and the others go on."""
    engine = Engine.from_pretrained(checkpoint)
    try:
        for query in queries:
            engine.understand(query)
    except QueryError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    failed = False
    for image in images:
        try:
            record = predict_one(engine, image, queries, saliency)
        except PatchClipError as error:
            record = {"image": image, "error": str(error)}
            failed = True
        print(json.dumps(record, ensure_ascii=False), flush=True)
    return 1 if failed else 0


def predict_one(
    engine: Engine, image: str, queries: Sequence[str], saliency: Sequence[str]
) -> dict[str, Any]:
    """The contract's JSON object for one image file; coordinates in original pixels."""
    started = time.perf_counter()
    radiograph = load_radiograph(Path(image))
    decoded = time.perf_counter()
    encoded = engine.encode(radiograph)
    asked = time.perf_counter()
    findings = engine.query(encoded, queries)
    answered = time.perf_counter()
    answers = [_answer(finding) for finding in findings]
    warnings = list(encoded.warnings)
    for name in saliency:
        try:
            maps = engine.saliencies(encoded, queries, [name])[name]
        except SaliencyError as error:
            warnings.append(str(error))
            continue
        for answer, shown in zip(answers, maps, strict=True):
            answer.setdefault("saliency", {})[name] = _map(shown)
    return {
        "image": image,
        "size": list(encoded.size),
        "model": {"name": engine.name, "sha256": engine.sha256},
        "warnings": warnings,
        "queries": answers,
        "timing_ms": {
            "decode": round((decoded - started) * 1000, 1),
            "encode": round((asked - decoded) * 1000, 1),
            "query": round((answered - asked) * 1000, 1),
        },
    }


def _answer(finding: Answer) -> dict[str, Any]:
    return {
        "query": finding.query,
        "finding": finding.finding,
        "negated": finding.negated,
        "side": finding.laterality,
        "in_vocabulary": finding.in_vocabulary,
        "probability": round(finding.probability, 4),
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
        "values": [[round(float(value), 4) for value in row] for row in shown.values],
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


if __name__ == "__main__":
    sys.exit(main())
