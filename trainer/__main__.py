"""The command line: python -m trainer fit | calibrate | gates | export | evaluate-data | evaluate-gates.

One process:        python -m trainer fit --data FOLDER --out runs/mine
Many processes:     torchrun --nproc-per-node 2 -m trainer fit --data FOLDER --out runs/mine
Continue exactly:   python -m trainer fit --data FOLDER --out runs/mine --resume
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from patchclip.errors import PatchClipError
from patchclip.memory import keep_freed_memory
from trainer.commands import calibrate, card, evaluate_data, evaluate_gates, export, fit_command, gates

RECIPE = Path(__file__).parent / "recipes" / "default.json"
SOURCE = (
    "a dataset folder, or NAME:FOLDER for one that its files do not tell; FOLDER@SPLIT or NAME:FOLDER@SPLIT for a split of its own instead of "
    "--split; repeat for several"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0 done, 1 failed with a message, 2 wrong usage."""
    options = make_parser().parse_args(arguments)
    keep_freed_memory()
    try:
        options.run(options)
    except PatchClipError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def make_parser() -> argparse.ArgumentParser:
    """All commands with their flags."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer",
        description="Train Patch-CLIP models. Research use only, not for clinical use.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    reading = argparse.ArgumentParser(add_help=False)
    reading.add_argument(
        "--allow-missing",
        action="store_true",
        help="go on when more than 1 %% of the images are missing or cannot be read",
    )

    fit = commands.add_parser(
        "fit", parents=[reading], help="train on dataset folders, calibrate, and write checkpoints"
    )
    fit.add_argument("--data", action="append", required=True, metavar="SOURCE", help=SOURCE)
    fit.add_argument("--out", type=Path, required=True, metavar="DIR", help="the run folder")
    fit.add_argument(
        "--recipe",
        type=Path,
        default=RECIPE,
        metavar="FILE",
        help="JSON recipe; trainer/recipes/default.json unless told",
    )
    fit.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.FIELD=JSON",
        help="change one field of the recipe, e.g. optim.batch_size=8",
    )
    fit.add_argument(
        "--split",
        default="train",
        help='which rows of images.csv to learn from, of sources that name no split of their own ("train")',
    )
    fit.add_argument(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="findings and wording; assets/vocabulary.json unless told",
    )
    fit.add_argument(
        "--resume", action="store_true", help="continue the run in --out from its last saved step"
    )
    fit.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="keep decoded images there, for this run and the next, not in memory: for many images",
    )
    fit.set_defaults(run=fit_command)

    fitted = commands.add_parser(
        "calibrate",
        parents=[reading],
        help="fit calibration and operating points of a run again, on its held-out patients",
    )
    fitted.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="SOURCE",
        help="what the run was trained on, as it was named then",
    )
    fitted.add_argument(
        "--run", dest="folder", type=Path, required=True, metavar="DIR", help="the run folder"
    )
    fitted.add_argument(
        "--normals-lit",
        type=float,
        default=0.1,
        help="share of finding-free images on which a finding may be lit (0.1)",
    )
    fitted.add_argument(
        "--smoothing",
        type=float,
        help="Gaussian over the map's logits, as a share of the usual width of a finding's outlines; chosen on those patients if not given",
    )
    fitted.add_argument("--min-patches", type=float, default=0.5, help="smallest region, in patches (0.5)")
    fitted.set_defaults(run=calibrate)

    gated = commands.add_parser(
        "gates",
        parents=[reading],
        help="fit the query gate and the image gate of a checkpoint again; its weights stay",
    )
    gated.add_argument("--data", action="append", required=True, metavar="SOURCE", help=SOURCE)
    gated.add_argument(
        "--checkpoint",
        type=Path,
        required=True,
        metavar="DIR",
        help="the checkpoint folder, changed in place",
    )
    gated.add_argument("--split", default="train", help='the images to learn from ("train")')
    gated.add_argument(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="new aliases, if prompts agree; assets/vocabulary.json unless told",
    )
    gated.set_defaults(run=gates)

    exported = commands.add_parser("export", help="copy a run's best checkpoint to where an engine loads it")
    exported.add_argument(
        "--run", dest="folder", type=Path, required=True, metavar="DIR", help="the run folder"
    )
    exported.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the checkpoint folder to write"
    )
    exported.set_defaults(run=export)

    checked = commands.add_parser(
        "evaluate-data",
        parents=[reading],
        help="check dataset folders and count what they hold, without training",
    )
    checked.add_argument("--data", action="append", required=True, metavar="SOURCE", help=SOURCE)
    checked.add_argument("--split", default="train", help='which rows of images.csv ("train")')
    checked.set_defaults(run=evaluate_data)

    judged = commands.add_parser(
        "evaluate-gates",
        parents=[reading],
        help="measure both gates of a checkpoint on images and queries that it was not fitted on",
    )
    judged.add_argument("--checkpoint", type=Path, required=True, metavar="DIR", help="the checkpoint folder")
    judged.add_argument("--data", action="append", required=True, metavar="SOURCE", help=SOURCE)
    judged.add_argument(
        "--split", default="val", help='frontal chest radiographs that training never saw ("val")'
    )
    judged.add_argument(
        "--queries",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="CSV with query, in_scope (yes or no), finding; repeat for several",
    )
    judged.add_argument("--out", type=Path, metavar="FILE", help="write all figures there as JSON")
    judged.set_defaults(run=evaluate_gates)

    carded = commands.add_parser(
        "card", help="put the figures of an evaluate run into a checkpoint's model card, and into a README"
    )
    carded.add_argument(
        "--checkpoint",
        type=Path,
        required=True,
        metavar="DIR",
        help="the checkpoint folder, with MODEL_CARD.md",
    )
    carded.add_argument(
        "--report",
        type=Path,
        required=True,
        metavar="DIR",
        help="what python -m patchclip evaluate wrote with --out",
    )
    carded.add_argument("--readme", type=Path, metavar="FILE", help="fill this text's block, too")
    carded.set_defaults(run=card)
    return parser


if __name__ == "__main__":
    sys.exit(main())
