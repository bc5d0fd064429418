"""python -m trainer calibrate-site: a checkpoint whose probabilities are those of a site, by some of its own
labelled images."""

from __future__ import annotations

import argparse
from pathlib import Path

from patchclip.errors import DataError
from patchclip.model.checkpoint import load_checkpoint, save_checkpoint, write_prompts
from trainer.calibrate.accuracy import at_thresholds
from trainer.calibrate.site import FEWEST, image_logits, prevalence_of, site_calibration, site_errors
from trainer.commands.evaluate_site import markdown
from trainer.commands.site_images import add_site_flags, read_site

HELP = "calibrate a checkpoint's probabilities on a site's own labelled images, of which 100 are enough"
DRAWS = 50


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_site_flags(parser)
    parser.add_argument("--split", default="train", help='rows of images.csv to calibrate on ("train")')
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of the calibrated checkpoint"
    )


def run(options: argparse.Namespace) -> None:
    """Writes the calibrated checkpoint, and prints what calibrating on half of the images does for the other
    half."""
    if options.out.resolve() == options.checkpoint.resolve():
        raise DataError(
            "The calibrated checkpoint would replace the one that it comes from; name another --out."
        )
    checkpoint = load_checkpoint(options.checkpoint)
    site = read_site(options, checkpoint)
    image = image_logits(site.logits, checkpoint.calibration, site.labels)
    calibration = site_calibration(image, site.table, site.labels, checkpoint.calibration)
    save_checkpoint(
        options.out,
        checkpoint.model.cpu(),
        checkpoint.vocabulary,
        calibration,
        checkpoint.gates,
        prevalence_of(site.table, site.labels),
        at_thresholds(image, site.table, site.labels, calibration),
    )
    write_prompts(options.out)
    half = len(image) // 2
    if half >= FEWEST:
        print(f"expected calibration error, calibrated on {half} of the {len(image)} images, {DRAWS} draws:")
        print(
            markdown(
                site_errors(
                    image,
                    site.table,
                    site.labels,
                    checkpoint.calibration,
                    checkpoint.prevalence,
                    half,
                    DRAWS,
                )
            ),
            end="",
        )
    print(f"written: {options.out}")
