"""Miniatures for tests of wiring: an untrained checkpoint that loads in a second, and a dataset folder of
synthetic radiographs."""

from __future__ import annotations

import atexit
import csv
import json
import shutil
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import cv2
import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray

from patchclip.image.synthetic import synthetic_radiograph
from patchclip.model.calibration import Calibration, FindingCalibration
from patchclip.model.checkpoint import save_checkpoint, write_prompts
from patchclip.model.config import ModelConfig
from patchclip.model.patchclip import PatchCLIP
from patchclip.model.prompts import PROMPTS
from patchclip.text import Vocabulary
from patchclip.text.scope import QueryGate

ROOT = Path(__file__).resolve().parents[1]
VOCABULARY = Vocabulary.from_json(ROOT / "assets" / "vocabulary.json")
"""For new models."""
BUNDLED_VOCABULARY = Vocabulary.from_dict(
    json.loads((ROOT / "assets" / "patchclip-cxr-s" / "model.json").read_text(encoding="utf-8"))["vocabulary"]
)
"""The bundled model's own, which lacks findings that datasets know."""
CONFIG = ModelConfig(
    name="tiny",
    tower="timm:mobilenetv2_050",
    image_size=64,
    levels=(2, 3, 4),
    grid_level=3,
    token_width=16,
    embed_dim=32,
    context_blocks=1,
    sparse_layers=1,
    sparse_heads=2,
    sparse_patches=8,
)
RECIPE: dict[str, Any] = {
    "model": {**asdict(CONFIG), "levels": list(CONFIG.levels), "embed_dim": 64},
    "data": {"dev_fraction": 0.5, "samples_per_epoch": 24, "workers": 0},
    "optim": {"batch_size": 8, "epochs": [1, 1], "sizes": [64, 64], "warmup_steps": 2},
    "pretrained": "none",
    "save_every": 2,
}
"""Trains `CONFIG` in seconds."""
_KEPT: list[Path] = []
COLUMNS = ("image", "patient_id", "split", "view", "sex", "age", "labels", "rsna_class", "chestx_det")
KINDS = {
    "none": "No Finding",
    "effusion": "Effusion",
    "cardiomegaly": "Cardiomegaly",
    "opacity": "Infiltration",
}


def tiny_checkpoint(folder: Path, seed: int = 0, *, prompts: bool = True) -> Path:
    """Writes a random model with a plain calibration; answers are arbitrary but always the same.

    prompts: whether they lie embedded beside it, as beside every model that was trained; without them each
        process that asks it encodes two thousand sentences first.
    """
    for path in _made(seed).iterdir():
        if prompts or path.name != PROMPTS:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / path.name)
    return folder


@cache
def _made(seed: int) -> Path:
    """The folder of a checkpoint that every process of a run copies from; the first one makes it."""
    place = _kept() / f"checkpoint-{seed}"
    with FileLock(f"{place}.lock"):
        if place.exists():
            return place
        partial = place.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        torch.manual_seed(seed)
        model = PatchCLIP(CONFIG).eval()
        same = FindingCalibration(
            image_scale=1.0,
            image_bias=0.0,
            patch_scale=1.0,
            patch_image=0.0,
            patch_bias=0.0,
            image_threshold=0.5,
            smoothing=0.6,
        )
        calibration = Calibration(dict.fromkeys(VOCABULARY.labels, same), same, min_patches=0.5)
        gates = {"query": QueryGate.fit(VOCABULARY, model.sentence_encoder).to_dict()}
        save_checkpoint(partial, model, VOCABULARY, calibration, gates)
        write_prompts(partial)
        partial.rename(place)
    return place


def keep_in(folder: Path) -> None:
    """Where miniatures are kept that several processes of a run use."""
    _KEPT.append(folder)


def _kept() -> Path:
    if not _KEPT:
        folder = Path(mkdtemp(prefix="miniatures-"))
        atexit.register(shutil.rmtree, folder)
        keep_in(folder)
    _KEPT[-1].mkdir(exist_ok=True)
    return _KEPT[-1]


def short_vocabulary(folder: Path) -> Path:
    """Writes the vocabulary with a fiftieth of its prompts, every finding by its name alone: a process of its
    own has to encode them all, which takes longer than all that a miniature learns from them."""
    vocabulary = replace(
        VOCABULARY,
        findings=tuple(replace(item, synonyms=(), aliases=()) for item in VOCABULARY.findings),
        positive_templates=VOCABULARY.positive_templates[:1],
        negative_templates=VOCABULARY.negative_templates[:1],
    )
    path = folder / "vocabulary.json"
    path.write_text(json.dumps(vocabulary.to_dict()), encoding="utf-8")
    return path


def tiny_dataset(folder: Path, each: int = 4, splits: tuple[str, ...] = ("train", "val")) -> Path:
    """Writes images.csv, boxes.csv and images/ of synthetic radiographs: `each` of every kind in every split,
    two images a patient."""
    (folder / "images").mkdir(parents=True)
    rows: list[tuple[object, ...]] = []
    boxes: list[tuple[object, ...]] = []
    number = 0
    for split in splits:
        for kind, label in KINDS.items():
            for _ in range(each):
                drawn = synthetic_radiograph(kind, size=96, seed=number)
                name = f"{number:04d}.png"
                cv2.imwrite(str(folder / "images" / name), np.round(drawn.pixels * 255).astype(np.uint8))
                rsna = {"none": "Normal", "opacity": "Lung Opacity"}.get(kind, "No Lung Opacity / Not Normal")
                rows.append(
                    (
                        name,
                        f"p{split}{number // 2}",
                        split,
                        "PA" if number % 2 else "AP",
                        "F" if number % 3 else "M",
                        30 + number,
                        label,
                        rsna,
                        "",
                    )
                )
                if drawn.lesion.any():
                    box = _around(drawn.lesion)
                    boxes.append(
                        (name, "NIH_BBox_List_2017", {"Infiltration": "Infiltrate"}.get(label, label), *box)
                    )
                    if kind == "opacity":
                        boxes.append((name, "RSNA_2018", "Lung Opacity", *box))
                number += 1
    _write(folder / "images.csv", COLUMNS, rows)
    _write(folder / "boxes.csv", ("image", "source", "finding", "x", "y", "w", "h"), boxes)
    return folder


def tiny_reports(folder: Path, each: int = 2) -> Path:
    """Writes synthetic radiographs with reports as Open-i's tables name them: `each` of every kind, one image
    a patient."""
    headings = {
        "none": "normal",
        "effusion": "Pleural Effusion/right",
        "cardiomegaly": "Cardiomegaly",
        "opacity": "Infiltrate/lung/base/left",
    }
    said = {
        "none": "Lungs are clear. The heart is of normal size.",
        "effusion": "There is a right pleural effusion.",
        "cardiomegaly": "The heart is enlarged.",
        "opacity": "There is an opacity at the left base. No effusion.",
    }
    reports: list[tuple[object, ...]] = []
    projections: list[tuple[object, ...]] = []
    (folder / "images").mkdir(parents=True)
    for number, kind in enumerate(kind for kind in KINDS for _ in range(each)):
        uid = 9000 + number
        name = f"{uid}_IM-0001-1001.dcm.png"
        cv2.imwrite(
            str(folder / "images" / name),
            np.round(synthetic_radiograph(kind, size=96, seed=number).pixels * 255).astype(np.uint8),
        )
        reports.append((uid, headings[kind], said[kind], f"Study {uid} is complete."))
        projections.append((uid, name, "Frontal"))
    _write(folder / "indiana_reports.csv", ("uid", "MeSH", "findings", "impression"), reports)
    _write(folder / "indiana_projections.csv", ("uid", "filename", "projection"), projections)
    return folder


def _around(lesion: NDArray[np.bool_]) -> tuple[float, ...]:
    """x, y, w, h of the lesion as fractions of the image."""
    rows, cols = np.nonzero(lesion)
    height, width = lesion.shape
    return cols.min() / width, rows.min() / height, (np.ptp(cols) + 1) / width, (np.ptp(rows) + 1) / height


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
