"""A tiny model with a planted mistake, and films on which readers correct it."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from patchclip.image.synthetic import synthetic_radiograph
from tests.tiny import RECIPE, VOCABULARY
from trainer.__main__ import main

SIZE = 96
EFFUSION, NODULE = "Effusion", "Nodule"
KNOWN = (EFFUSION, NODULE, "Cardiomegaly", "Pneumothorax")
PLANTED: dict[str, Any] = {
    "model": {
        **RECIPE["model"],
        "name": "planted",
        "tower": "timm:test_byobnet",
        "levels": [1, 2, 3],
        "grid_level": 2,
    },
    "data": {"dev_fraction": 0.4, "samples_per_epoch": 640, "workers": 0},
    "augment": {"rotation": 0.0, "stretch": 0.0, "zoom": [0.95, 1.05]},
    "loss": {"sparse": 0.0, "patches_alone": False},
    "optim": {
        "batch_size": 16,
        "epochs": [1],
        "sizes": [64],
        "warmup_steps": 4,
        "lr_heads": 4e-3,
        "lr_tower": 4e-3,
        "lr_text": 1e-4,
        "ema_decay": 0.9,
        "precision": "fp32",
    },
    "pretrained": "none",
}
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Film:
    """A drawn radiograph: grey values, and x, y, w, h in pixels of what was put on it, or None.

    bar: is what this world calls an effusion; square: a bright square, which is nothing.
    """

    pixels: NDArray[np.uint8]
    bar: Box | None
    square: Box | None


def film(seed: int, *, bar: bool, square: bool) -> Film:
    """Where things lie is drawn from the seed."""
    rng = np.random.default_rng(seed)
    pixels = np.round(synthetic_radiograph("none", size=SIZE, seed=seed).pixels * 160).astype(np.uint8)
    x, y = (int(value) for value in rng.integers((4, 62), (30, 78)))
    band = (x, y, 60, 10)
    left, top = (int(value) for value in rng.integers(12, (70, 40)))
    spot = (left, top, 14, 14)
    for (x0, y0, w, h), there in ((band, bar), (spot, square)):
        if there:
            pixels[y0 : y0 + h, x0 : x0 + w] = 255
    return Film(pixels, band if bar else None, spot if square else None)


def films(count: int, first: int) -> list[Film]:
    """A quarter with neither, with a bar, with a square, with both."""
    return [film(first + n, bar=bool(n % 2), square=bool(n // 2 % 2)) for n in range(count)]


def write_film(path: Path, item: Film) -> Path:
    """As PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), item.pixels)
    return path


def write_dataset(folder: Path, drawn: list[Film], *, nodule: bool) -> Path:
    """A dataset folder; nodule: whether squares are labelled as nodules."""
    rows, boxes = [], []
    for n, item in enumerate(drawn):
        name = write_film(folder / "images" / f"{n:04d}.png", item).name
        there = {EFFUSION: item.bar, NODULE: item.square if nodule else None}
        labels = [label for label, box in there.items() if box]
        rows.append((name, f"p{n}", "train", "|".join(labels) or "No Finding"))
        for label, box in there.items():
            if box:
                boxes.append((name, "drawn", label, *(value / SIZE for value in box)))
    _table(folder / "images.csv", ("image", "patient_id", "split", "labels"), rows)
    _table(folder / "boxes.csv", ("image", "source", "finding", "x", "y", "w", "h"), boxes)
    return folder


def _table(path: Path, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that knows bars as effusions, and calls bright squares nodules."""
    folder = tmp_path_factory.mktemp("planted")
    write_dataset(folder / "data", films(120, 0), nodule=True)
    (folder / "recipe.json").write_text(json.dumps(PLANTED))
    few = VOCABULARY.without([label for label in VOCABULARY.labels if label not in KNOWN])
    (folder / "vocabulary.json").write_text(json.dumps(few.to_dict()))
    flags = ("--recipe", "recipe.json", "--vocabulary", "vocabulary.json")
    named = [str(folder / word) if word.endswith(".json") else word for word in flags]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    assert main(["fit", "--data", str(folder / "data"), "--out", str(folder / "run"), *named]) == 0
    torch.set_num_threads(threads)
    return folder / "run" / "best"
