"""python -m trainer sizing: how long a recipe trains on how many GPUs, with the arithmetic."""

from __future__ import annotations

import argparse

from patchclip.errors import DataError
from trainer.commands.sources import add_recipe
from trainer.config import FitConfig
from trainer.recipe import find_recipe
from trainer.sizing import MIMIC, Gpu, measure, table

HELP = "measure a recipe's model here, and compute images/s, memory and hours on 1, 8 and 64 GPUs"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_recipe(parser)
    parser.add_argument(
        "--tflops",
        type=float,
        default=989.0,
        help="peak of a GPU in bf16, dense (989, NVIDIA's figure for H100)",
    )
    parser.add_argument(
        "--utilisation",
        type=float,
        default=0.3,
        help="share of that peak that training is assumed to use (0.3)",
    )
    parser.add_argument("--batch", type=int, default=32, help="images of a step on one GPU (32)")
    parser.add_argument("--epochs", type=int, default=10, help="passes over the images (10)")
    parser.add_argument("--steps", type=int, default=3, help="timed on this processor (3)")


def run(options: argparse.Namespace) -> None:
    """Measures, computes and prints."""
    if not (0 < options.utilisation <= 1 and options.tflops > 0):
        raise DataError("--utilisation must be above 0 and at most 1, --tflops above 0; correct them.")
    if min(options.batch, options.epochs, options.steps) < 1:
        raise DataError("--batch, --epochs and --steps must be 1 or more; correct them.")
    config = FitConfig.from_file(find_recipe(options.recipe))
    found = measure(config, batch=2, steps=options.steps)
    print(table(found, Gpu(options.tflops * 1e12, options.utilisation), options.batch, options.epochs, MIMIC))
