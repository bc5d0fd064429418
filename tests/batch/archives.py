"""Small archives for tests of the batch, and what a batch made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq

from patchclip.image.synthetic import synthetic_radiograph
from tests.tiny import KINDS, tiny_checkpoint


def checkpoint_of(folder: Path) -> Path:
    """A tiny model."""
    return tiny_checkpoint(folder)


def films(folder: Path, count: int, size: int = 96) -> list[str]:
    """Writes drawn chests as PNG, in two folders; their places."""
    places = []
    kinds = list(KINDS)
    for number in range(count):
        place = f"{'ab'[number % 2]}/{number:03d}.png"
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        drawn = synthetic_radiograph(kinds[number % len(kinds)], size=size, seed=number)
        cv2.imwrite(str(folder / place), np.round(drawn.pixels * 255).astype(np.uint8))
        places.append(place)
    return places


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The rows of the tables that lie in a folder, not below it."""
    return [
        row
        for path in sorted(folder.glob("*.parquet"))
        for row in pq.read_table(path, use_threads=False).to_pylist()
    ]
