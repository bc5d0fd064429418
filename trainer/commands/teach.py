"""python -m trainer teach: a model from another one and what readers said of its answers."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from patchclip.errors import DataError
from patchclip.model.checkpoint import load_checkpoint
from patchclip.model.config import ModelConfig
from patchclip.resources import BUNDLED
from patchclip.text.vocabulary import Vocabulary
from trainer.commands.sources import SOURCE, print_reading, read_sources
from trainer.config import FitConfig
from trainer.data.adapters.feedback import read_feedback
from trainer.data.checks import check_mirror
from trainer.data.contents import Contents
from trainer.data.sources import FEEDBACK, find_source
from trainer.fit.distributed import join
from trainer.recipe import changed, find_recipe, merged, read_recipe
from trainer.teach.material import gather
from trainer.teach.run import Plan, teach
from trainer.teach.verdict import MARGIN, RefusedError

HELP = "teach a model from readings, compare it with the one before, and refuse it where it is worse"
SUFFIX = "-taught"
REPLICATES = 1000


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="SOURCE",
        help="feedback:DATABASE for the readings of studies, or feedback:DATABASE:FOLDER with the images "
        f"that were judged; and, to learn from it again, original data: {SOURCE}",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the model folder to write")
    parser.add_argument(
        "--from",
        dest="parent",
        type=Path,
        default=BUNDLED,
        metavar="DIR",
        help="the checkpoint to start from; the bundled one unless told",
    )
    parser.add_argument("--study", metavar="NAME", help="take the readings of this reader study alone")
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
    parser.add_argument("--recipe", default="teach", metavar="FILE", help="JSON recipe (teach)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.FIELD=JSON",
        help="change one field of the recipe, e.g. optim.epochs=[5]; fit -h lists them",
    )
    parser.add_argument(
        "--split",
        default="train",
        help='which rows of original data, of sources that name no split ("train")',
    )
    parser.add_argument(
        "--without-names",
        action="store_true",
        help="say how much was left out, but not which files",
    )
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="go on when more than 1 %% of the images are missing or cannot be read",
    )


def run(options: argparse.Namespace) -> None:
    """Teaches, and says what came of it."""
    if options.override is not None and not options.override.strip():
        raise DataError("--override needs the reason why a worse model is taken; write it after the flag.")
    if options.share == 0:
        raise DataError("--share is 0, so no reading would be shown; set it above 0.")
    _say(0, "reading")
    parent = load_checkpoint(options.parent)
    if parent.model.published is not None:
        raise DataError(
            f"{parent.model.config.name} is a published model, of other parts than are trained here; teach "
            "one that was."
        )
    config = _recipe(options, parent.model.config)
    check_mirror(config.augment, parent.vocabulary)
    sources = {spec: find_source(spec) for spec in options.data}
    feedback = [source for source in sources.values() if source.name == FEEDBACK]
    if not feedback:
        raise DataError("No --data names readings; add feedback:DATABASE.")
    labels = frozenset(parent.vocabulary.labels)
    read = [
        read_feedback(source.database, source.images, "train", labels=labels, study=options.study)
        for source in feedback
        if source.database is not None
    ]
    readings = [sample for contents in read for sample in contents.samples]
    originals = [spec for spec, source in sources.items() if source.name != FEEDBACK]
    original = _original(options, originals, config, parent.vocabulary)
    _left_out(options, [sentence for part in (*read, original) for sentence in part.left_out])
    material = gather(readings, original.samples, config, options.held_out)
    _say(
        10,
        f"{len(material.readings)} images with readings to learn from, {len(material.held_readings)} held "
        f"out; {len(material.original)} original images beside, {len(material.held_original)} held out",
    )
    _left_out(options, material.left_out)
    name = parent.model.config.name
    plan = Plan(
        name=options.name or (name if name.endswith(SUFFIX) else name + SUFFIX),
        share=options.share,
        keep=options.keep,
        margin=options.margin,
        replicates=REPLICATES,
        override=options.override,
        sources=[sources[spec].title for spec in originals],
        study=options.study,
    )
    teaching = teach(parent, material, config, plan, options.out, join().device, _say)
    print(teaching.table())
    if not teaching.verdict.accepted:
        raise RefusedError(
            f"The new model is refused ({'; '.join(teaching.verdict.reasons)}); the figures are in "
            f"{options.out}, and --override REASON takes it nevertheless."
        )
    print(f"{options.out}: {teaching.model.name} {teaching.model.sha256}")


def _recipe(options: argparse.Namespace, model: ModelConfig) -> FitConfig:
    """The recipe, for the parent's own architecture at its own size."""
    values = changed(read_recipe(find_recipe(options.recipe)), options.set)
    epochs = values.get("optim", {}).get("epochs", [1])
    own = {
        "model": model.to_dict(),
        "pretrained": "none",
        "optim": {"sizes": [model.image_size] * (len(epochs) if isinstance(epochs, list) else 1)},
    }
    return FitConfig.from_dict(merged(values, own))


def _original(
    options: argparse.Namespace, specs: list[str], config: FitConfig, vocabulary: Vocabulary
) -> Contents:
    if not specs:
        return Contents((), ())
    return read_sources(
        argparse.Namespace(data=specs, allow_missing=options.allow_missing),
        options.split,
        vocabulary,
        config.data,
    )


def _left_out(options: argparse.Namespace, sentences: Sequence[str]) -> None:
    """What was not read; names of files may tell more than a log should keep."""
    if options.without_names:
        print(f"left out: {len(sentences)}", flush=True)
    else:
        print_reading((), sentences)


def _say(percent: int, words: str) -> None:
    """One line that a program can read: [ 42 %] words."""
    print(f"[{percent:3d} %] {words}", flush=True)


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
