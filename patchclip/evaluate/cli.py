"""The evaluate command: a dataset folder in, metrics.json, plots and a report out."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from patchclip.engine import Engine
from patchclip.errors import DataError, SaliencyError
from patchclip.evaluate.dataset import read_dataset
from patchclip.evaluate.engine_predictor import EnginePredictor
from patchclip.evaluate.map_file import MapFile
from patchclip.evaluate.predictor import Predictor
from patchclip.evaluate.render import markdown, write_plots, write_report
from patchclip.evaluate.render.words import figure_text, headline, in_order
from patchclip.evaluate.replicates import StoredReport, differences, save_replicates
from patchclip.evaluate.report import Report
from patchclip.evaluate.run import evaluate
from patchclip.execution import Execution, add_execution_arguments, execution_of
from patchclip.saliency import SALIENCY, default_methods


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `python -m patchclip evaluate`."""
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="dataset folder: images.csv, boxes.csv, images/"
    )
    parser.add_argument("--split", required=True, metavar="NAME", help="rows of images.csv to evaluate on")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where metrics.json, plots and report.html go"
    )
    parser.add_argument(
        "--checkpoint",
        metavar="PATH",
        help="a checkpoint folder, or a bundled or open_clip model by name; patchclip-cxr-s by default",
    )
    parser.add_argument(
        "--map-file",
        type=Path,
        metavar="NPZ",
        help="score another model's maps; not together with --checkpoint",
    )
    parser.add_argument(
        "--twin",
        type=Path,
        metavar="PATH",
        help="a checkpoint trained without boxes, whose saliency joins the comparison",
    )
    parser.add_argument(
        "--saliency",
        action="append",
        metavar="NAME",
        help=f"a method to compare with; repeat for several, or none ({', '.join(default_methods())})",
    )
    parser.add_argument(
        "--faithfulness",
        type=_whole,
        default=0,
        metavar="N",
        help="deletion and insertion curves on N boxed images per finding (0)",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="another report on the same data: adds paired differences from it",
    )
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="go on when more than 1 %% of the images are missing or cannot be read",
    )
    add_execution_arguments(parser)
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (0)")
    parser.add_argument("--replicates", type=_positive, default=1000, help="of the bootstrap (1000)")


def run(options: argparse.Namespace) -> int:
    """Runs the command as the command line gave it; returns the exit status."""
    return main(options, options.arguments)


def main(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit status. arguments: what `options` were read from, for the report."""
    methods = _methods(options.saliency)
    if options.map_file and options.checkpoint:
        raise DataError("--map-file and --checkpoint name two models to score; give one of them.")
    execution = execution_of(options)
    if options.map_file and execution != Execution() and not options.twin:
        raise DataError("The maps of --map-file are computed already; leave --backend and its like out.")
    other = StoredReport.read(options.against, options.seed, options.replicates) if options.against else None
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "patch-clip"
    engine = None if options.map_file else _engine(options.checkpoint, execution)
    predictor: Predictor = EnginePredictor(engine, cache) if engine else MapFile(options.map_file)
    twin = EnginePredictor(_engine(options.twin, execution), cache) if options.twin else None
    data = read_dataset(
        options.folder,
        options.split,
        frozenset(predictor.labels),
        vocabulary=engine.vocabulary if engine else None,
        allow_missing=options.allow_missing,
    )
    for line in data.notes:
        print(f"note: {line}", file=sys.stderr)
    for line in data.left_out:
        print(f"left out: {line}", file=sys.stderr)

    evaluation = evaluate(
        predictor,
        data,
        methods=methods,
        twin=twin,
        seed=options.seed,
        replicates=options.replicates,
        faithful=options.faithfulness,
        allow_missing=options.allow_missing,
    )
    report = replace(evaluation.report, command=_command(arguments))
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    # Before the comparison, which fails on a report of other images: hours of work may lie in these figures.
    save_replicates(out, report)
    _write(out / "metrics.json", report.to_json())
    if other is not None:
        report = replace(report, against=differences(report, other))
        _write(out / "metrics.json", report.to_json())
    _write(out / "figures.json", compact(report))
    plots = write_plots(report, evaluation.cases, out)
    write_report(replace(evaluation, report=report), out / "report.html")
    (out / "figures.md").write_text(markdown(report), encoding="utf-8")

    print(table(report))
    for sentence in headline(report):
        print(sentence)
    names = ("metrics.json", "report.html", "figures.md", "figures.json")
    written = ", ".join(str(path) for path in (*(out / name for name in names), *plots))
    print(f"{written} written. Research use only, not for clinical use.")
    return 0


def _engine(name: str | Path | None, execution: Execution) -> Engine:
    return Engine.from_pretrained(name, execution=execution)


def _command(arguments: Sequence[str]) -> str:
    """Folders by their name alone: a report travels, and where it was made is nobody's business."""
    named = (Path(part).name if Path(part).is_absolute() else part for part in arguments)
    return f"python -m patchclip {shlex.join(named)}"


def _write(path: Path, record: dict[str, Any]) -> None:
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def compact(report: Report) -> dict[str, Any]:
    """What a model card needs of a report, as JSON to five decimals: all but the points of its plots."""
    record = report.to_json()
    for name in ("claim_curves", "against"):
        record.pop(name, None)
    for row in record["findings"].values():
        del row["reliability"]
    rounded: dict[str, Any] = json.loads(json.dumps(record), parse_float=lambda text: round(float(text), 5))
    return rounded


def _whole(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is not at least 0")
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not at least 1")
    return value


def _methods(names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        return default_methods()
    if names == ["none"]:
        return ()
    for name in names:
        if name not in SALIENCY:
            raise SaliencyError(
                f'There is no saliency method "{name}"; choose from {", ".join(SALIENCY)}, or none.'
            )
    return tuple(names)


def table(report: Report) -> str:
    """The main figures as text, for the terminal."""
    lines = [f"{'finding':<20}{'AUROC':>24}{'pointing':>24}{'n boxed':>9}"]
    for label in in_order(report.findings):
        auroc = report.findings[label].image["auroc"]
        pointing = report.findings[label].location.boxed["pointing"]
        cells = f"{figure_text(auroc, 3):>24}{figure_text(pointing, 3):>24}{pointing.n:>9}"
        lines.append(f"{label:<20}{cells}")
    means = (f"{name} {figure_text(figure, 3)}" for name, figure in report.summary.nih8.items())
    return "\n".join([*lines, f"mean of NIH's eight: {', '.join(means)}"])
