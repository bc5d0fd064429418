"""python -m trainer calibrate-as: a run that held nobody out, calibrated as one that did."""

from __future__ import annotations

import argparse
from pathlib import Path

from patchclip.errors import DataError
from patchclip.model.checkpoint import load_checkpoint, save_checkpoint, write_prompts
from trainer.fit.run_folder import run_record

HELP = "calibrate a run that held nobody out as a checkpoint by the same recipe, whose run held patients out"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    parser.add_argument(
        "--run", dest="folder", type=Path, required=True, metavar="DIR", help="the run that held nobody out"
    )
    parser.add_argument(
        "--like",
        type=Path,
        required=True,
        metavar="DIR",
        help="a calibrated checkpoint, whose operating points and prevalence it takes over as well, and its "
        "gates where the run was not calibrated before",
    )


def run(options: argparse.Namespace) -> None:
    """Writes the run's best checkpoint anew, with the other's calibration.

    A model that learns from everybody leaves nobody to calibrate it on. One that learnt by the same recipe
    from most of them has logits of the same scale, so what was fitted on the patients that it never saw holds
    for both, as far as an evaluation on others shows. Gates are of pictures and texts, not of a model's
    logits: those of a run that was calibrated before stay.

    Raises:
        DataError: the run held patients out itself; or the other is of another architecture, knows other
            findings, or is not calibrated.
    """
    config, _ = run_record(options.folder)
    if config.data.dev_fraction:
        raise DataError(
            f"{options.folder} held patients out itself; calibrate it on them, with trainer calibrate."
        )
    own, other = load_checkpoint(options.folder / "best"), load_checkpoint(options.like)
    if other.calibration.is_identity:
        raise DataError(f"{options.like} is not calibrated; calibrate it first, or name another --like.")
    if (own.model.config, own.vocabulary) != (other.model.config, other.vocabulary):
        raise DataError(
            f"{options.like} is a model of another architecture or of other findings than {options.folder}; "
            "name one by the same recipe."
        )
    folder, gates = options.folder / "best", other.gates if own.calibration.is_identity else own.gates
    save_checkpoint(
        folder, own.model, own.vocabulary, other.calibration, gates, other.prevalence, other.accuracy
    )
    print(f"{folder}, calibrated as {other.model.config.name}: {write_prompts(folder)}")
