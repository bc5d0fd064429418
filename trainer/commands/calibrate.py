"""python -m trainer calibrate: calibration, operating points and gates of a run, fitted on its held-out
patients; or of a converted model, which has held out everybody."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from patchclip.errors import DataError
from patchclip.model.branches import Branch
from patchclip.model.checkpoint import load_checkpoint, save_checkpoint, write_prompts
from trainer.calibrate.accuracy import cross_validated, lines, patients_of
from trainer.calibrate.calibration import OperatingPoint, fit_calibration, trained_branches
from trainer.calibrate.joint import lit_maps
from trainer.calibrate.reference import reference_states
from trainer.calibrate.site import image_logits, prevalence_of
from trainer.calibrate.sources import cross_fitted, shortcuts
from trainer.calibrate.sources import lines as shortcut_lines
from trainer.commands.sources import add_sources, check_broken, print_reading, read_sources
from trainer.config import DataConfig, FitConfig
from trainer.data.checks import without_copies
from trainer.data.loaded import Loaded, load_samples
from trainer.data.split import hold_out
from trainer.data.states import state_table
from trainer.fit.distributed import Processes, join
from trainer.fit.run_folder import run_record
from trainer.fit.validation import dev_logits, figures_from_logits
from trainer.gate.fit import GATE_SIZE, at_most, fit_gates
from trainer.objective.prompts import PromptBank

HELP = "fit calibration and operating points of a run, on its held-out patients, or of a converted model"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_sources(parser, "what the run was trained on, as it was named then; or images of your own")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--run", dest="folder", type=Path, metavar="DIR", help="the run folder")
    which.add_argument(
        "--checkpoint",
        type=Path,
        metavar="DIR",
        help="or a checkpoint that python -m patchclip convert wrote, calibrated in place on all images "
        "named",
    )
    parser.add_argument(
        "--split", default="train", help='rows of images.csv to calibrate a converted model on ("train")'
    )
    parser.add_argument(
        "--normals-lit",
        type=float,
        default=0.1,
        help="share of finding-free images on which a finding may be lit (0.1)",
    )
    parser.add_argument(
        "--smoothing",
        type=float,
        help="Gaussian over the map's logits, as a share of the usual width of a finding's outlines; chosen "
        "on those patients if not given",
    )
    parser.add_argument("--min-patches", type=float, default=0.5, help="smallest region, in patches (0.5)")


def run(options: argparse.Namespace) -> None:
    """Fits calibration anew on the patients that the run held out, or on all of them."""
    point = OperatingPoint(options.normals_lit, options.smoothing, options.min_patches)
    if options.checkpoint is not None:
        calibrate_converted(options, point)
        return
    config, split = run_record(options.folder)
    checkpoint = load_checkpoint(options.folder / "best")

    contents = read_sources(options, split, checkpoint.vocabulary, config.data)
    train, dev = hold_out(contents.samples, config.data.dev_fraction, config.seed, config.data.dev_offset)
    held_out, broken = load_samples(dev, config.model.image_size)
    images, broken_train = load_samples(at_most(train), GATE_SIZE)
    print_reading(contents.notes, [*contents.left_out, *broken, *broken_train])
    if not held_out:
        raise DataError(
            "No held-out image can be read; calibrate a run whose data.dev_fraction is above 0, on the data "
            "it was trained on."
        )

    calibrate_best(options.folder, config, held_out, without_copies(images, held_out)[0], point, join())


def calibrate_converted(options: argparse.Namespace, point: OperatingPoint) -> None:
    """Calibrates a published model in place, on images none of which it was trained on here.

    Raises:
        DataError: the checkpoint was trained here, so that the images may be those that it learnt from; or
            no image can be read, or too many cannot, or the images cannot be calibrated on.
    """
    checkpoint = load_checkpoint(options.checkpoint)
    model, vocabulary = checkpoint.model, checkpoint.vocabulary
    if model.published is None:
        raise DataError(
            f"{model.config.name} was trained by Patch-CLIP; calibrate it with --run, on the patients that "
            "its "
            "run held out, or to a site with python -m trainer calibrate-site."
        )
    contents = read_sources(options, options.split, vocabulary, DataConfig())
    items, broken = load_samples(contents.samples, model.config.image_size, style=model.input_style)
    images, _ = load_samples(at_most(contents.samples), GATE_SIZE)
    print_reading(contents.notes, [*contents.left_out, *broken])
    if not items:
        raise DataError("No image of the split can be read; check the image files.")
    check_broken(contents, broken, len(contents.samples), allow_missing=options.allow_missing)
    calibrate_folder(options.checkpoint, items, images, tuple(Branch), point, join())


def calibrate_best(
    out: Path,
    config: FitConfig,
    held_out: Sequence[Loaded],
    train: Sequence[Loaded],
    point: OperatingPoint,
    processes: Processes,
) -> None:
    """Calibrates a run's best checkpoint in place, fits its gates, and prints the held-out figures.

    Args:
        out: the run folder.
        config: its recipe.
        held_out: decoded images at the model's input size.
        train: decoded images of any size, for the gates and for how large findings are.
        point: choices of calibration that are not fitted.
        processes: this process among all.
    """
    point = replace(point, mirror=config.augment.mirror > 0)
    calibrate_folder(out / "best", held_out, train, trained_branches(config.loss), point, processes)


def calibrate_folder(
    folder: Path,
    held_out: Sequence[Loaded],
    train: Sequence[Loaded],
    branches: tuple[Branch, ...],
    point: OperatingPoint,
    processes: Processes,
) -> None:
    """Calibrates a checkpoint folder in place; see `calibrate_best`.

    branches: the image-level logits that may answer.
    """
    checkpoint = load_checkpoint(folder)
    model, vocabulary = checkpoint.model.to(processes.device), checkpoint.vocabulary
    labels = list(vocabulary.labels)
    bank = PromptBank(model, vocabulary, labels).to(processes.device)

    size = model.config.image_size
    logits = dev_logits(model, bank, held_out, size, processes.device, mirror=point.mirror)
    calibration = fit_calibration(logits, held_out, labels, branches, point, train)
    gates = {**checkpoint.gates, **fit_gates(model.sentence_encoder, vocabulary, train)}
    cohorts = [item.sample.patients for item in held_out]
    states = state_table(held_out, labels)
    table = reference_states(states, cohorts)
    image = image_logits(logits, calibration, labels)
    maps = lit_maps(logits.patches, image, labels, calibration)
    patients = patients_of(held_out)
    measured = cross_validated(image, maps, table, patients, labels, calibration)
    alone = cross_validated(image, maps, table, patients, labels, calibration, agreement=0)
    counts = prevalence_of(table, labels)
    save_checkpoint(folder, model.cpu(), vocabulary, calibration, gates, counts, measured.accuracy)
    write_prompts(folder)

    figures = figures_from_logits(logits, held_out, labels)
    if calibration.sources:
        names = calibration.sources.names
        plain = image_logits(logits, replace(calibration, sources=None), labels).astype(np.float32)
        told = cross_fitted(plain, states, cohorts, patients, labels)
        if told is None:
            print("sources are corrected, but too few of their images were held out to measure how well")
        else:
            print("sources told by images free of a finding, a fifth of patients corrected by the others:")
            print(*shortcut_lines(shortcuts(plain, told, states, cohorts, labels, names)), sep="\n")
    print("held out: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    print("operating points, each fold of patients judged by the point that the others choose:")
    print(*lines(measured.accuracy, calibration), sep="\n")
    print(f"image and map disagree {measured.disagreement.words()}")
    print(f"with operating points by Youden's J alone: {alone.disagreement.words()}")
