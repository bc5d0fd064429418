"""Small archives for tests of the batch, and what a batch made of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq

from patchclip import Engine, load_radiograph
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.model.branches import Branch, image_logit
from patchclip.model.calibration import Calibration, FindingCalibration
from patchclip.model.checkpoint import checkpoint_sha256, load_checkpoint, save_checkpoint
from patchclip.model.prompts import save_prompts
from patchclip.model.sources import Sources
from patchclip.within import ends
from tests.tiny import KINDS, tiny_checkpoint


def checkpoint_of(folder: Path) -> Path:
    """A tiny model."""
    return tiny_checkpoint(folder)


def contrasting_checkpoint(folder: Path, source: Path) -> Path:
    """A tiny model calibrated so that films of a folder get probabilities all over [0, 1].

    Those of an untrained model are nearly the same for all, so that no order could be told from another.
    """
    checkpoint = load_checkpoint(tiny_checkpoint(folder))
    model = checkpoint.model
    model.logit_scale.fill_(math.log(100))
    engine = Engine(checkpoint, device="cpu")
    paths = [path for path in sorted(source.rglob("*")) if path.is_file()]
    encoded = [engine.encode(load_radiograph(path)).embeddings for path in paths]
    findings = {}
    for label in checkpoint.vocabulary.labels:
        ends_of = ends(engine.understand(checkpoint.vocabulary.finding(label).name)[:1])
        image = np.array([float(image_logit(model, item, *ends_of, tuple(Branch))[0, 0]) for item in encoded])
        patch = np.stack([model.pair_logits(item.patches, *ends_of).numpy() for item in encoded])
        image_scale, patch_scale = 1.5 / image.std(), 1.5 / patch.std()
        findings[label] = FindingCalibration(
            image_scale=float(image_scale),
            image_bias=float(-image_scale * image.mean()),
            patch_scale=float(patch_scale),
            patch_bias=float(-patch_scale * patch.mean()),
            smoothing=0.6,
        )
    calibration = Calibration(
        findings, next(iter(findings.values())), min_patches=0.5, sources=told_apart(findings)
    )
    save_checkpoint(folder, model, checkpoint.vocabulary, calibration, checkpoint.gates)
    # The text half is as it was, and so are the prompts, which take long to embed.
    save_prompts(folder, checkpoint.prompts, checkpoint_sha256(folder))
    return folder


def told_apart(findings: dict[str, FindingCalibration]) -> Sources:
    """Two sources, told by one finding's calibrated logit, that move every second finding by half a logit."""
    teller = findings["Cardiomegaly"]
    weights = ((0.0,), (teller.image_scale,))
    shifts: dict[str, tuple[float, ...]] = {
        label: (-0.5 / item.image_scale, 0.5 / item.image_scale)
        for label, item in list(findings.items())[::2]
    }
    return Sources(("here", "there"), ("Cardiomegaly",), weights, (0.0, teller.image_bias), shifts)


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
