"""python -m trainer teach: a model from another one and what readers said of its answers."""

from __future__ import annotations

import argparse
from pathlib import Path

from patchclip.errors import DataError
from patchclip.model.checkpoint import load_checkpoint
from patchclip.resources import BUNDLED
from trainer.commands.readings import (
    REPLICATES,
    add_readings,
    read_told,
    recipe_for,
    say,
    say_left_out,
)
from trainer.data.checks import check_mirror
from trainer.fit.distributed import join
from trainer.refusal import RefusedError
from trainer.teach.history import Division, divisions_of
from trainer.teach.material import gather
from trainer.teach.run import Plan, teach
from trainer.teach.verdict import MARGIN

HELP = "teach a model from readings, compare it with the one before, and refuse it where it is worse"
SUFFIX = "-taught"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_readings(parser, "to learn from it again")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the model folder to write")
    parser.add_argument(
        "--from",
        dest="parent",
        type=Path,
        default=BUNDLED,
        metavar="DIR",
        help="the checkpoint to start from; the bundled one unless told",
    )
    parser.add_argument("--name", help=f"of the new model; the parent's with {SUFFIX} unless told")
    parser.add_argument(
        "--held-out",
        type=_share,
        default=0.25,
        metavar="SHARE",
        help="share of the cases with readings that both models are compared on (0.25)",
    )
    parser.add_argument(
        "--share",
        type=_share,
        default=0.5,
        help="share of each batch that shows readings, beside images that the model is not to forget (0.5)",
    )
    parser.add_argument(
        "--keep",
        type=_weight,
        default=1.0,
        metavar="WEIGHT",
        help="of the nearness to the parent's answers where nobody spoke (1)",
    )
    parser.add_argument(
        "--margin",
        type=_weight,
        default=MARGIN,
        help=f"how much worse a headline figure may be before the model is refused ({MARGIN})",
    )
    parser.add_argument(
        "--override", metavar="REASON", help="write the model even if it is worse, and record why"
    )


def run(options: argparse.Namespace) -> None:
    """Teaches, and says what came of it."""
    if options.override is not None and not options.override.strip():
        raise DataError("--override needs the reason why a worse model is taken; write it after the flag.")
    if options.share == 0:
        raise DataError("--share is 0, so no reading would be shown; set it above 0.")
    say(0, "reading")
    parent = load_checkpoint(options.parent)
    if parent.model.published is not None:
        raise DataError(
            f"{parent.model.config.name} is a published model, of other parts than are trained here; teach "
            "one that was."
        )
    if parent.model.members:
        raise DataError(
            f"{parent.model.config.name} is an ensemble, whose members are trained each by itself; teach a "
            "model that stands alone."
        )
    config = recipe_for(options, parent.model.config)
    divisions = (*divisions_of(options.parent, parent.sha256), Division.of(config, options.held_out))
    check_mirror(config.augment, parent.vocabulary)
    told = read_told(options, config, parent.vocabulary)
    if not told.has_feedback:
        raise DataError("No --data names readings; add feedback:DATABASE.")
    say_left_out(options, told.left_out)
    material = gather(told.readings, told.original, config, options.held_out)
    say(
        10,
        f"{len(material.readings)} images with readings to learn from, {len(material.held_readings)} held "
        f"out; {len(material.original)} original images beside, {len(material.held_original)} held out",
    )
    say_left_out(options, material.left_out)
    name = parent.model.config.name
    plan = Plan(
        name=options.name or (name if name.endswith(SUFFIX) else name + SUFFIX),
        share=options.share,
        keep=options.keep,
        margin=options.margin,
        replicates=REPLICATES,
        override=options.override,
        sources=told.sources,
        study=options.study,
        divisions=divisions,
    )
    teaching = teach(parent, material, config, plan, options.out, join().device, say)
    print(teaching.table())
    if not teaching.verdict.accepted:
        raise RefusedError(
            f"The new model is refused ({'; '.join(teaching.verdict.reasons)}); the figures are in "
            f"{options.out}, and --override REASON takes it nevertheless."
        )
    print(f"{options.out}: {teaching.model.name} {teaching.model.sha256}")


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not between 0 and 1")
    return value


def _weight(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{value} is not at least 0")
    return value
