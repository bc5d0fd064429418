"""The evaluate command: a dataset folder in, metrics.json, plots and a report out."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patchclip.engine import Engine
from patchclip.errors import DataError, SaliencyError
from patchclip.evaluate.dataset import NIH8, read_dataset
from patchclip.evaluate.ledger import check, collect, differences, save
from patchclip.evaluate.map_file import MapFile
from patchclip.evaluate.predictions import EngineSource, Source
from patchclip.evaluate.report import markdown, write_plots, write_report
from patchclip.evaluate.report.page import drawn_labels
from patchclip.evaluate.report.words import headline
from patchclip.evaluate.run import evaluate
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
        help="a checkpoint folder, or a model of open_clip by name; the bundled one by default",
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
        help="deletion and insertion curves on N boxed images of each finding (0)",
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
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (0)")
    parser.add_argument("--replicates", type=_positive, default=1000, help="of the bootstrap (1000)")


def main(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit status. arguments: what `options` were read from, for the report's record."""
    methods = _methods(options.saliency)
    if options.map_file and options.checkpoint:
        raise DataError("--map-file and --checkpoint name two models to score; give one of them.")
    if options.against:
        check(options.against, options.seed, options.replicates)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "patch-clip"
    engine = None if options.map_file else Engine.from_pretrained(options.checkpoint)
    source: Source = EngineSource(engine, cache) if engine else MapFile(options.map_file)
    twin = EngineSource(Engine.from_pretrained(options.twin), cache) if options.twin else None
    data = read_dataset(
        options.folder,
        options.split,
        frozenset(source.labels),
        vocabulary=engine.vocabulary if engine else None,
        allow_missing=options.allow_missing,
    )
    for line in data.notes:
        print(f"note: {line}", file=sys.stderr)
    for line in data.left_out:
        print(f"left out: {line}", file=sys.stderr)
    result = evaluate(
        source,
        data,
        methods=methods,
        twin=twin,
        seed=options.seed,
        replicates=options.replicates,
        faithful=options.faithfulness,
        allow_missing=options.allow_missing,
    )
    record = result.record
    # Folders by their name alone: a report travels, and where it was made is nobody's business.
    record["command"] = "python -m patchclip " + shlex.join(
        Path(part).name if Path(part).is_absolute() else part for part in arguments
    )
    figures = collect(record)
    options.out.mkdir(parents=True, exist_ok=True)
    # Before the comparison, which fails on a report of other images: hours of work may lie in these figures.
    save(options.out, figures)
    _write(options.out / "metrics.json", record)
    if options.against:
        record["against"] = differences(record, figures, options.against)
        _write(options.out / "metrics.json", record)
    _write(options.out / "figures.json", compact(record))
    drawn = drawn_labels(record)
    plots = write_plots(record, result.pairs, drawn, options.out)
    write_report(result, drawn, options.out / "report.html")
    (options.out / "figures.md").write_text(markdown(record), encoding="utf-8")
    print(table(record))
    for sentence in headline(record):
        print(sentence)
    written = ", ".join(
        str(path)
        for path in (
            *(options.out / name for name in ("metrics.json", "report.html", "figures.md", "figures.json")),
            *plots,
        )
    )
    print(f"{written} written. Research use only, not for clinical use.")
    return 0


def _write(path: Path, record: dict[str, Any]) -> None:
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def compact(record: dict[str, Any]) -> dict[str, Any]:
    """What a model card needs of a record, to five decimals: all but the points of its plots."""
    kept = {name: value for name, value in record.items() if name not in ("claim_curves", "against")}
    kept["findings"] = {
        label: {name: value for name, value in row.items() if name != "reliability"}
        for label, row in record["findings"].items()
    }
    rounded: dict[str, Any] = json.loads(json.dumps(kept), parse_float=lambda text: round(float(text), 5))
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


def _methods(given: Sequence[str] | None) -> tuple[str, ...]:
    if given is None:
        return default_methods()
    if given == ["none"]:
        return ()
    unknown = [name for name in given if name not in SALIENCY]
    if unknown:
        raise SaliencyError(
            f'There is no saliency method "{unknown[0]}"; choose from {", ".join(SALIENCY)}, or none.'
        )
    return tuple(given)


def table(record: dict[str, object]) -> str:
    """The main figures as text, for the terminal."""
    findings: dict[str, dict[str, dict[str, object]]] = record["findings"]  # type: ignore[assignment]
    lines = [f"{'finding':<20}{'AUROC':>22}{'pointing':>22}{'n boxed':>9}"]
    for label in [*NIH8, *(name for name in findings if name not in NIH8)]:
        if label in findings:
            own = findings[label]
            lines.append(
                f"{label:<20}{show(own['auroc']):>22}{show(own['pointing']):>22}{own['pointing']['n']!s:>9}"
            )
    means: dict[str, dict[str, object]] = record["summary"]["nih8"]  # type: ignore[index]
    return "\n".join(
        [
            *lines,
            "mean of NIH's eight: " + ", ".join(f"{name} {show(value)}" for name, value in means.items()),
        ]
    )


def show(value: dict[str, object]) -> str:
    """0.87 (0.80-0.93), or a dash."""
    ci: list[float] = value["ci"]  # type: ignore[assignment]
    return "-" if value["value"] is None else f"{value['value']:.3f} ({ci[0]:.3f}-{ci[1]:.3f})"
