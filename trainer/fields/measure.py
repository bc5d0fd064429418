"""How well the lung network and the chest's frame do, on patients that they have not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from patchclip.evaluate.bootstrap import PatientBootstrap
from patchclip.image.radiograph import HeaderFacts
from patchclip.image.thorax import LungNet, Thorax, lung_masks, thorax_of
from patchclip.places import Grid, place_patches
from patchclip.text.place import Place, PlacePart, Region
from patchclip.types import Laterality
from trainer.data.sample import Sample, Shape
from trainer.fields.fit import NOT_UPRIGHT, picture_input
from trainer.fields.masks import Masked
from trainer.gate.measure import share
from trainer.gate.negatives import DRAWN, PHOTOGRAPH, negatives

SEED = 5  # of pictures other than those that were learnt from
PER_FAMILY = 25
PATCHES = 24  # a side of the grid on which places are compared
ZONES: tuple[Region, ...] = ("upper zone", "middle zone", "lower zone")
SIDES: tuple[Laterality, ...] = ("right", "left")
FACTS = HeaderFacts()


@dataclass(frozen=True, slots=True)
class Seen:
    """A held-out image and the frame that the network finds on it.

    Attributes:
        sample: what is known of the image.
        size: (H, W) in pixels.
        thorax: None where no two lungs are found.
    """

    sample: Sample
    size: tuple[int, int]
    thorax: Thorax | None


def find(sample: Sample, network_input: Tensor, size: tuple[int, int], network: LungNet) -> Seen:
    """network_input: see `network_input`."""
    left, right = lung_masks(network_input[None], network)
    return Seen(sample, size, thorax_of(left, right, *size))


def without_lungs(items: Sequence[Seen]) -> dict[str, Any]:
    """Share of images on which no two lungs are found."""
    return share(sum(item.thorax is None for item in items), len(items))


def lungs_on_others(network: LungNet, chests: Sequence[Masked], each: int | None = None) -> dict[str, Any]:
    """Share of pictures without an upright frontal chest on which two lungs are found all the same, by
    family; turned chests are made of `chests`."""
    each = PER_FAMILY if each is None else each
    squares = [item.input[0].numpy() for item in chests]
    inputs = {
        family: [picture_input(picture) for picture in negatives(family, each, SEED, [])]
        for family in (*DRAWN, PHOTOGRAPH)
    }
    if squares:
        inputs |= {
            family: [_tensor(picture) for picture in negatives(family, each, SEED, squares)]
            for family in NOT_UPRIGHT
        }
    figures: dict[str, Any] = {}
    for family, pictures in inputs.items():
        seen = [lung_masks(picture[None], network) for picture in pictures]
        figures[family] = share(
            sum(thorax_of(left, right, 128, 128) is not None for left, right in seen), len(pictures)
        )
    return figures


def against_teacher(items: Sequence[Masked], network: LungNet) -> dict[str, Any]:
    """Dice of the masks with the teacher's, and intersection over union of the six zones of either's frame,
    beside those of a picture that is cut into halves and thirds; images where the teacher sees two lungs."""
    items = [item for item in items if item.lungs is not None]
    dices, frames, thirds = [], [], []
    for item in items:
        assert item.lungs is not None
        left, right = lung_masks(item.input[None], network)
        dices.append(dice(np.stack([left, right]), item.lungs))
        truth = thorax_of(item.lungs[0], item.lungs[1], *item.size)
        if truth is None:
            frames.append(np.nan)
            thirds.append(np.nan)
            continue
        frames.append(zone_overlap(thorax_of(left, right, *item.size), truth, item.size))
        height, width = item.size
        plain = Thorax(0.0, float(height), (width / 2, 0.0), 0.0, float(width))
        thirds.append(zone_overlap(plain, truth, item.size))
    bootstrap = PatientBootstrap([item.sample.patient or item.sample.path.name for item in items])
    rows = np.arange(len(items))
    return {
        name: bootstrap.mean(rows, np.array(values)).to_json()
        for name, values in (("dice", dices), ("zones_iou", frames), ("zones_iou_thirds", thirds))
    } | {"dice_lowest": float(min(dices)), "dice_below_0.9": share(sum(d < 0.9 for d in dices), len(dices))}


def dice(masks: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Dice coefficient (Dice, Ecology 1945) of both lungs, each its own class, in [0, 1].

    masks: bool [2, h, w]; truth: bool [2, H, W], H and W multiples of h and w.
    """
    rows, cols = truth.shape[1] // masks.shape[1], truth.shape[2] // masks.shape[2]
    finer = masks.repeat(rows, axis=1).repeat(cols, axis=2)
    return float(2 * (finer & truth).sum() / (finer.sum() + truth.sum()))


def zone_overlap(found: Thorax | None, truth: Thorax, size: tuple[int, int]) -> float:
    """Mean intersection over union of the six zones' patches in two frames; 0 without one."""
    if found is None:
        return 0.0
    grid = Grid((0.0, 0.0, float(size[1]), float(size[0])), np.ones((PATCHES, PATCHES), bool))
    overlaps = []
    for side in SIDES:
        for zone in ZONES:
            place = Place((PlacePart(side, zone),))
            one, other = (place_patches(place, frame, grid, FACTS) for frame in (found, truth))
            overlaps.append((one & other).sum() / max((one | other).sum(), 1))
    return float(np.mean(overlaps))


Holds = Callable[[float, float], bool]
"""Whether a point lies where it is expected."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """Where anatomy puts the centre of a finding's box.

    Attributes:
        words: for the table.
        source: of the boxes.
        labels: of the findings.
        holds: from (u, v) in the frame.
        halves: the same from shares (x, y) of the image: its halves and thirds in place of sides and zones.
    """

    words: str
    source: str
    labels: frozenset[str]
    holds: Holds
    halves: Holds | None


_DENSE = ("Atelectasis", "Consolidation", "Infiltration", "Lung Opacity", "Pneumonia", "ILD", "Fibrosis")
LUNG_FINDINGS = frozenset((*_DENSE, "Mass", "Nodule", "Effusion", "Pneumothorax"))


def _in_frame(u: float, v: float) -> bool:
    return abs(u) <= 1 and 0 <= v <= 1


HEART: tuple[tuple[str, Holds, Holds], ...] = (
    ("left of the midline", lambda u, v: u > 0, lambda x, y: x > 0.5),
    ("in the lower half", lambda u, v: v > 0.5, lambda x, y: y > 0.5),
)
EXPECTATIONS = (
    *(
        Expectation(f"lung findings, {source}: in the frame", source, LUNG_FINDINGS, _in_frame, None)
        for source in ("RSNA_2018", "NIH_BBox_List_2017", "ChestX-Det", "VinDr")
    ),
    *(
        Expectation(f"heart, {source}: {where}", source, frozenset({"Cardiomegaly"}), in_frame, in_image)
        for where, in_frame, in_image in HEART
        for source in ("NIH_BBox_List_2017", "ChestX-Det", "VinDr")
    ),
    Expectation(
        "enlarged aorta, VinDr: left of the midline",
        "VinDr",
        frozenset({"Aortic_Enlargement"}),
        lambda u, v: u > 0,
        lambda x, y: x > 0.5,
    ),
    Expectation(
        "enlarged aorta, VinDr: upper zone",
        "VinDr",
        frozenset({"Aortic_Enlargement"}),
        lambda u, v: v <= 1 / 3,
        lambda x, y: y <= 1 / 3,
    ),
    Expectation(
        "effusion (its meniscus), VinDr: lower zone",
        "VinDr",
        frozenset({"Effusion"}),
        lambda u, v: v >= 2 / 3,
        lambda x, y: y >= 2 / 3,
    ),
)


def box_figures(items: Sequence[Seen]) -> dict[str, Any]:
    """Share of boxes whose centre lies where anatomy puts it, with the frame and with halves of the image;
    images without lungs count as wrong for the frame."""
    figures: dict[str, Any] = {}
    for expected in EXPECTATIONS:
        boxes = [
            (item, x, y) for item in items for x, y in _centres(item.sample, expected.source, expected.labels)
        ]
        if not boxes:
            continue
        holds = np.array([_holds(expected, item, x, y) for item, x, y in boxes])
        patients = [item.sample.patient or item.sample.path.name for item, _, _ in boxes]
        bootstrap, rows = PatientBootstrap(patients), np.arange(len(boxes))
        figures[expected.words] = {"frame": bootstrap.mean(rows, holds.astype(float)).to_json()}
        if expected.halves:
            plain = np.array([expected.halves(x, y) for _, x, y in boxes])
            figures[expected.words]["halves"] = bootstrap.mean(rows, plain.astype(float)).to_json()
    return figures


def side_figures(masked: Iterable[Masked], network: LungNet) -> dict[str, Any]:
    """Share of boxes of lung findings whose centre lies in one of the teacher's lungs and is put on that
    side, with the frame and with halves of the image."""
    patients: list[str] = []
    frame: list[float] = []
    halves: list[float] = []
    for item in masked:
        if item.lungs is None:
            continue
        left, right = lung_masks(item.input[None], network)
        thorax = thorax_of(left, right, *item.size)
        for x, y in _centres(item.sample, None, LUNG_FINDINGS):
            row, col = (min(511, int(share_ * 512)) for share_ in (y, x))
            if item.lungs[0, row, col] == item.lungs[1, row, col]:
                continue  # in neither lung
            truth = bool(item.lungs[1, row, col])
            patients.append(item.sample.patient or item.sample.path.name)
            halves.append(float((x > 0.5) == truth))
            frame.append(0.0 if thorax is None else float((_at(thorax, item.size, x, y)[0] > 0) == truth))
    if not patients:
        return {}
    bootstrap, rows = PatientBootstrap(patients), np.arange(len(patients))
    return {
        name: bootstrap.mean(rows, np.array(values)).to_json()
        for name, values in (("frame", frame), ("halves", halves))
    }


def _centres(sample: Sample, source: str | None, labels: frozenset[str]) -> list[tuple[float, float]]:
    """Centres of boxes as shares of the image."""
    return [
        _centre(shape) for shape in sample.shapes if shape.label in labels and source in (None, shape.source)
    ]


def _centre(shape: Shape) -> tuple[float, float]:
    points = np.array(shape.points)
    x, y = (points.min(axis=0) + points.max(axis=0)) / 2
    return float(x), float(y)


def _holds(expected: Expectation, item: Seen, x: float, y: float) -> bool:
    return item.thorax is not None and expected.holds(*_at(item.thorax, item.size, x, y))


def _at(thorax: Thorax, size: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    u, v = thorax.coordinates(np.array([x * size[1]]), np.array([y * size[0]]))
    return float(u[0]), float(v[0])


def _tensor(picture: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture))[None]
