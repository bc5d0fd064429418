"""python -m trainer folds: cross-validation by patient, one run per fold, and figures over all of them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from patchclip.errors import DataError
from trainer.commands.ensemble import write_ensemble
from trainer.commands.fit import add_training_flags, recipe_of, train, vocabulary_of
from trainer.commands.sources import read_held_out
from trainer.fit.distributed import join
from trainer.fit.run_folder import STATE, run_record
from trainer.folds.balanced import balanced
from trainer.folds.figures import differences, fold_figures
from trainer.folds.held_out import FILE, HeldOut, predict_held_out
from trainer.folds.table import table

HELP = "train one model per fold of the patients, and report figures over all folds"
FIGURES, BALANCED = "folds.json", "folds_balanced.json"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags, and every field of a recipe."""
    add_training_flags(parser)
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the folds: fold0, fold1, ..., folds.json",
    )
    parser.add_argument(
        "--folds", type=int, default=5, metavar="N", help="how many parts of the patients (5)"
    )
    parser.add_argument(
        "--only",
        type=int,
        metavar="K",
        help="train fold K alone, from 0 on; all that are not done unless told",
    )
    parser.add_argument(
        "--ensemble",
        type=Path,
        action="append",
        metavar="DIR",
        help="train nothing: fold K's model is the ensemble of the models that other folders have for it; "
        "once for each member",
    )
    parser.add_argument(
        "--report", action="store_true", help="train nothing, and report the folds that are done"
    )
    parser.add_argument(
        "--balance-sources",
        action="store_true",
        help="report scores that are corrected for the source of an image by what the other folds say, as "
        "calibration corrects a model's; with --against, less those of that folder as they are",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="report differences from the folds in another folder instead, of those that are done in both",
    )


def run(options: argparse.Namespace) -> None:
    """Trains the folds that are not done, each from where it was interrupted, and reports those that are."""
    if options.folds < 2:
        raise DataError(f"--folds is {options.folds}; set it to 2 or more.")
    if options.only is not None and not 0 <= options.only < options.folds:
        raise DataError(f"--only is {options.only}; the folds are 0 to {options.folds - 1}.")
    chosen = range(options.folds) if options.only is None else [options.only]
    for fold in chosen if not options.report else ():
        if not (options.out / f"fold{fold}" / FILE).is_file():
            (_join_fold if options.ensemble else _train_fold)(options, fold)
    if not join().first:
        return
    done = _done(options.out, options.folds)
    if options.balance_sources:
        done = balanced(done)
    if options.against:
        others = _done(options.against, options.folds)
        both = sorted(done.keys() & others.keys())
        print(f"{options.out.name} less {options.against.name}, on the same images:")
        print(table(differences([done[fold] for fold in both], [others[fold] for fold in both])), end="")
        return
    figures = fold_figures(list(done.values()))
    (options.out / (BALANCED if options.balance_sources else FIGURES)).write_text(
        json.dumps(figures.to_json(), indent=1) + "\n", encoding="utf-8"
    )
    print(table(figures), end="")


def _done(folder: Path, folds: int) -> dict[int, HeldOut]:
    """The folds that are predicted, by number."""
    parts = {fold: folder / f"fold{fold}" for fold in range(folds)}
    return {fold: HeldOut.load(part) for fold, part in parts.items() if (part / FILE).is_file()}


def _train_fold(options: argparse.Namespace, fold: int) -> None:
    """One fold's run and its predictions, in a folder of its own."""
    share = 1 / options.folds
    changes = [f"data.dev_fraction={share!r}", f"data.dev_offset={fold * share!r}"]
    config = recipe_of(options, changes)
    folder, processes = options.out / f"fold{fold}", join()
    if processes.first:
        print(f"fold {fold} of {options.folds}", flush=True)
    data = train(options, config, folder, resume=(folder / STATE).is_file(), calibrated=False)
    if processes.first:
        predict_held_out(folder, config, data.held_out, processes.device).save(folder)
    processes.wait()


def _join_fold(options: argparse.Namespace, fold: int) -> None:
    """One fold's ensemble and its predictions, in a folder of its own."""
    folder = options.out / f"fold{fold}"
    write_ensemble([member / f"fold{fold}" for member in options.ensemble], options.out.name, folder)
    config, split = run_record(folder)
    items = read_held_out(options, config, split, vocabulary_of(options), config.model.image_size)
    predict_held_out(folder, config, items, join().device).save(folder)
