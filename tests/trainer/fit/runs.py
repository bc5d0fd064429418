"""Miniature runs of the trainer: a folder with all that one needs, and the command that trains in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.tiny import RECIPE, short_vocabulary, tiny_dataset
from trainer.__main__ import main


class Cut(Exception):
    """Stands for a power cut."""


def short_recipe(samples: int = 16, **data: object) -> dict[str, Any]:
    """Two epochs of so many samples in fp32, without images held out, saved at every step.

    data: further fields of the recipe's section of that name.
    """
    return {
        **RECIPE,
        "data": {**RECIPE["data"], "dev_fraction": 0.0, "samples_per_epoch": samples, **data},
        "optim": {**RECIPE["optim"], "epochs": [2], "sizes": [64], "precision": "fp32"},
        "save_every": 1,
    }


def miniature(folder: Path, recipe: dict[str, Any], each: int = 4) -> Path:
    """Writes data/ with `each` image of every kind, recipe.json and vocabulary.json; returns the folder."""
    tiny_dataset(folder / "data", each=each, splits=("train",))
    (folder / "recipe.json").write_text(json.dumps(recipe))
    short_vocabulary(folder)
    return folder


def fit_arguments(place: Path, out: Path, *more: str, data: str = "data") -> list[str]:
    """The words of a command that trains on a folder of `place`, by what `miniature` wrote there."""
    return [
        "fit",
        "--data",
        str(place / data),
        "--recipe",
        str(place / "recipe.json"),
        "--vocabulary",
        str(place / "vocabulary.json"),
        "--out",
        str(out),
        *more,
    ]


def fit(place: Path, out: Path, *more: str, data: str = "data") -> int:
    """Trains here; returns the exit status."""
    return main(fit_arguments(place, out, *more, data=data))


def changes(*fields: str) -> list[str]:
    """Fields of the recipe that a run has otherwise, as flags."""
    return [word for field in fields for word in ("--set", field)]
