"""The evaluate command: a dataset folder in, metrics.json, plots and a report out."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from pathlib import Path

from patchclip.engine import Engine
from patchclip.evaluate.dataset import NIH8, read_dataset
from patchclip.evaluate.predictions import EngineSource, MapFile, Source
from patchclip.evaluate.run import evaluate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `python -m patchclip evaluate`."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="dataset folder: images.csv, boxes.csv, images/")
    parser.add_argument("--split", required=True, metavar="NAME", help="rows of images.csv to evaluate on")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where metrics.json, plots and report.html go")
    parser.add_argument("--checkpoint", type=Path, metavar="PATH", help="a checkpoint folder; the bundled one by default")
    parser.add_argument("--map-file", type=Path, metavar="NPZ", help="score another model's maps instead of a checkpoint")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap (0)")
    parser.add_argument("--replicates", type=int, default=1000, help="of the bootstrap (1000)")


def main(options: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "patch-clip"
    source: Source = MapFile(options.map_file) if options.map_file else EngineSource(Engine.from_pretrained(options.checkpoint), cache)
    data = read_dataset(options.folder, options.split, frozenset(source.labels))
    for line in data.left_out:
        print(f"left out: {line}", file=sys.stderr)
    record, _ = evaluate(source, data, seed=options.seed, replicates=options.replicates)
    record["command"] = "python -m patchclip " + shlex.join(
        part if not Path(part).is_absolute() else Path(part).name for part in sys.argv[1:]
    )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "metrics.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(table(record))
    print(f"{options.out / 'metrics.json'} written. Research use only, not for clinical use.")
    return 0


def table(record: dict[str, object]) -> str:
    """The main figures as text, for the terminal."""
    findings: dict[str, dict[str, dict[str, object]]] = record["findings"]  # type: ignore[assignment]
    lines = [f"{'finding':<20}{'AUROC':>22}{'pointing':>22}{'n boxed':>9}"]
    for label in [*NIH8, *(name for name in findings if name not in NIH8)]:
        if label in findings:
            own = findings[label]
            lines.append(f"{label:<20}{show(own['auroc']):>22}{show(own['pointing']):>22}{own['pointing']['n']!s:>9}")
    means: dict[str, dict[str, object]] = record["summary"]["nih8"]  # type: ignore[index]
    return "\n".join([*lines, "mean of NIH's eight: " + ", ".join(f"{name} {show(value)}" for name, value in means.items())])


def show(value: dict[str, object]) -> str:
    """0.87 (0.80-0.93), or a dash."""
    ci: list[float] = value["ci"]  # type: ignore[assignment]
    return "-" if value["value"] is None else f"{value['value']:.3f} ({ci[0]:.3f}-{ci[1]:.3f})"
