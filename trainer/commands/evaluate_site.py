"""python -m trainer evaluate-site: how well a checkpoint is calibrated at a site, as it is, at the site's
prevalence, and calibrated on some of its images."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from patchclip.errors import DataError
from patchclip.files import atomic
from patchclip.model.checkpoint import load_checkpoint
from trainer.calibrate.site import FEWEST_EACH, SiteErrors, image_logits, site_errors
from trainer.commands.site_images import add_site_flags, read_site

HELP = "measure how well a checkpoint is calibrated at a site, and what some of the site's own images mend"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_site_flags(parser)
    parser.add_argument("--split", default="val", help='labelled images that training never saw ("val")')
    parser.add_argument(
        "--images", type=int, default=100, help="images to calibrate on, drawn anew each time"
    )
    parser.add_argument("--draws", type=int, default=50, help="how many times (50)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (0)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all figures there as JSON")


def run(options: argparse.Namespace) -> None:
    """Prints a table, and writes it as JSON if told."""
    checkpoint = load_checkpoint(options.checkpoint)
    site = read_site(options, checkpoint)
    errors = site_errors(
        image_logits(site.logits, checkpoint.calibration, site.labels),
        site.table,
        site.labels,
        checkpoint.calibration,
        checkpoint.prevalence,
        options.images,
        options.draws,
        options.seed,
    )
    if not errors:
        raise DataError(
            f"No finding has {FEWEST_EACH} images with it and {FEWEST_EACH} without among those measured on; "
            "give more images, or draw fewer to calibrate on with --images."
        )
    print(markdown(errors), end="")
    if options.out:
        record = {
            "model": {"name": checkpoint.model.config.name, "sha256": checkpoint.sha256},
            "images": {"drawn": options.images, "draws": options.draws, "seed": options.seed},
            "findings": {label: _record(item) for label, item in errors.items()},
        }
        options.out.parent.mkdir(parents=True, exist_ok=True)
        with atomic(options.out) as file:
            file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def markdown(errors: dict[str, SiteErrors]) -> str:
    """Expected calibration errors: mean over draws and the middle 95 % of them; the mean of findings last."""
    lines = [
        "| finding | images | present | as it is | at the site's prevalence | calibrated on its images |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for label, item in errors.items():
        cells = (_cell(values) for values in (item.as_it_is, item.at_prior, item.calibrated))
        lines.append(f"| {label} | {item.images} | {item.present:.0f} | {' | '.join(cells)} |")
    if errors:
        means = (
            f"{np.mean([getattr(item, name).mean() for item in errors.values()]):.3f}"
            for name in ("as_it_is", "at_prior", "calibrated")
        )
        lines.append(f"| mean of {len(errors)} | | | {' | '.join(means)} |")
    return "\n".join(lines) + "\n"


def _cell(values: NDArray[np.float64]) -> str:
    low, high = np.quantile(values, (0.025, 0.975))
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


def _record(item: SiteErrors) -> dict[str, object]:
    figures = {
        name: {
            "value": float(values.mean()),
            "ci": [float(bound) for bound in np.quantile(values, (0.025, 0.975))],
            "n": item.images,
        }
        for name, values in (
            ("as_it_is", item.as_it_is),
            ("at_prior", item.at_prior),
            ("calibrated", item.calibrated),
        )
    }
    return {"present": item.present, **figures}
