"""The paper's claim as a test: false positives of the patch map and of saliency at the same sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchclip.evaluate.bootstrap import Figure, figure, holm, two_sided_p
from patchclip.evaluate.maps import Box
from patchclip.evaluate.peaks import find_peaks
from patchclip.saliency.task import to_unit
from patchclip.types import PatchMap

LEVELS = (0.6, 0.7, 0.8, 0.9)
RATES = tuple(float(rate) for rate in np.geomspace(1 / 16, 16, 33))
"""False positives per image at which FROC curves are drawn."""
THRESHOLDS = 256
WORST = {"fp_regions_per_image": np.inf, "fp_patches_per_image": np.inf, "normals_lit": 1.0}
"""What a sensitivity costs (see `at_sensitivity`), and what it costs where it cannot be reached at all."""
COSTS = tuple(WORST)
PATCH_MAP = "patch_map"
TWIN = "twin_"  # begins the name of a method of the model trained without boxes
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Swept:
    """One method on one finding at T thresholds, image by image.

    Attributes:
        thresholds: float [T], strictest first.
        hits: [T, N], boxes that hold the peak of a region.
        alarms: [T, N], regions whose peak lies in no box.
        patches: [T, N], patches at or above the threshold whose centre lies in no box.
        lit: [T, N], 1 where anything is at or above the threshold.
        boxes: [N], boxes on each image.
        normal: bool [N], images that are free of the finding.
    """

    thresholds: Floats
    hits: Floats
    alarms: Floats
    patches: Floats
    lit: Floats
    boxes: Floats
    normal: NDArray[np.bool_]


def sweep(maps: Sequence[PatchMap], boxes: Sequence[Sequence[Box]], normal: Sequence[bool]) -> Swept:
    """Regions of every map at thresholds that cover all of its peaks.

    A region is a connected part of {map >= t}; it hits a box if its peak lies inside. Both sides of a comparison get their regions
    from this one function, re-drawn at every threshold, so that a map that is bright everywhere is not held against a method as long
    as a stricter threshold separates its peaks.
    """
    found = [find_peaks(item) for item in maps]
    owner = np.concatenate([np.full(len(item.birth), k) for k, item in enumerate(found)]).astype(np.int64)
    x, y, birth, death = (
        np.concatenate([getattr(item, name) for item in found]) for name in ("x", "y", "birth", "death")
    )
    inside = np.zeros(len(birth), bool)
    for number, truth in enumerate(boxes):
        for box in truth:
            inside |= (owner == number) & _within(x, y, box)
    # At a peak's own value its region appears; just above a death two regions part. Sensitivity moves only at the peaks inside boxes,
    # which are all kept; quantiles of the others keep T in hand.
    parted = np.nextafter(death, np.inf)
    needed = np.concatenate([birth[inside], parted[inside & np.isfinite(death)]])
    others = np.unique(np.concatenate([birth[~inside], parted[~inside & np.isfinite(death)]]))
    if len(others) > THRESHOLDS:
        others = np.quantile(others, np.linspace(0, 1, THRESHOLDS), method="nearest")
    levels = np.unique(np.concatenate([needed, others]))
    thresholds = np.append(
        np.inf, levels[levels > 0][::-1]
    )  # at infinity nothing is lit: where every method can stand
    alive = (death < thresholds[:, None]) & (thresholds[:, None] <= birth)
    hits = np.zeros((len(thresholds), len(maps)))
    for number, truth in enumerate(boxes):
        for box in truth:
            hits[:, number] += alive[:, (owner == number) & _within(x, y, box)].any(axis=1)
    false = ~inside
    alarms = np.zeros((len(thresholds), len(maps)))
    np.add.at(alarms.T, owner[false], alive[:, false].T.astype(np.float64))
    patches, lit = _patches(maps, boxes, thresholds)
    counts = np.array([len(truth) for truth in boxes], np.float64)
    return Swept(thresholds, hits, alarms, patches, lit, counts, np.asarray(normal, bool))


def _within(x: Floats, y: Floats, box: Box) -> NDArray[np.bool_]:
    left, top, wide, high = box
    return (left <= x) & (x <= left + wide) & (top <= y) & (y <= top + high)


def unit(item: PatchMap) -> PatchMap:
    """A map scaled to its own range, [0, 1], as saliency is commonly shown; a constant one becomes 0."""
    return PatchMap(to_unit(item.values), item.extent)


def gated(maps: Sequence[PatchMap], probability: Sequence[float]) -> list[PatchMap]:
    """Saliency times the image's probability: without it, the least likely image would be as bright as the likeliest."""
    return [
        PatchMap((item.values * value).astype(np.float32), item.extent)
        for item, value in zip(maps, probability, strict=True)
    ]


def at_sensitivity(swept: Swept, weights: Floats, level: float) -> dict[str, Floats]:
    """What a sensitivity costs, in each replicate at the threshold with the fewest false-positive regions that reaches it.

    weights [B, N] over images -> fp_regions_per_image, fp_patches_per_image and normals_lit, infinite where no threshold reaches the level and
    NaN in a replicate without any box; the sensitivity and threshold at which they were taken, NaN in both; and highest_sensitivity; each [B].
    """
    total = weights.sum(axis=1)[:, None]
    sensitivity = _ratio(weights @ swept.hits.T, (weights @ swept.boxes)[:, None])
    regions = _ratio(weights @ swept.alarms.T, total)
    reached = sensitivity >= level - 1e-9
    best = np.where(reached, regions, np.inf).argmin(axis=1)
    any_reached = reached.any(axis=1)
    rows = np.arange(len(weights))
    normal = weights[:, swept.normal]
    shares = _ratio(normal @ swept.lit[:, swept.normal].T, normal.sum(axis=1)[:, None])
    patches = _ratio(weights @ swept.patches.T, total)
    thresholds = np.broadcast_to(swept.thresholds, regions.shape)
    unreached = np.where(weights @ swept.boxes > 0, np.inf, np.nan)
    out = {
        name: np.where(any_reached, values[rows, best], unreached)
        for name, values in zip(COSTS, (regions, patches, shares), strict=True)
    }
    out |= {
        name: np.where(any_reached, values[rows, best], np.nan)
        for name, values in (("sensitivity", sensitivity), ("threshold", thresholds))
    }
    return out | {"highest_sensitivity": sensitivity.max(axis=1)}


def froc_band(swept: Swept, weights: Floats) -> dict[str, list[float]]:
    """FROC curve with its 95 % band: highest sensitivity at no more than each of `RATES` false positives per image."""
    sensitivity = _ratio(weights @ swept.hits.T, (weights @ swept.boxes)[:, None])
    regions = _ratio(weights @ swept.alarms.T, weights.sum(axis=1)[:, None])
    curves = np.stack(
        [np.where(regions <= rate + 1e-9, sensitivity, 0.0).max(axis=1) for rate in RATES], axis=1
    )
    low, high = np.nanpercentile(curves[1:], [2.5, 97.5], axis=0)
    return {
        "fp_per_image": list(RATES),
        "sensitivity": curves[0].tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
    }


def compare(methods: dict[str, Swept], weights: Floats) -> tuple[dict[str, Any], dict[str, Any]]:
    """All methods on one finding, at all levels, each against the patch map in the same replicates.

    methods: PATCH_MAP and the others, on the same images.

    Returns:
        claim of the finding (method -> level -> figures, `reached`, the share of replicates in which the method gets to the level, and `p`,
        not yet corrected: of equal costs, where not to reach the level costs infinitely much), and FROC curves by method.
    """
    n = weights.shape[1]
    own = {level: at_sensitivity(methods[PATCH_MAP], weights, level) for level in LEVELS}
    claim: dict[str, Any] = {}
    for name, swept in methods.items():
        claim[name] = {}
        for level in LEVELS:
            values = own[level] if name == PATCH_MAP else at_sensitivity(swept, weights, level)
            record: dict[str, Any] = {
                key: cost_figure(values[key], n, WORST[key]) if key in WORST else figure(values[key], n)
                for key in values
            }
            drawn = values[COSTS[0]][1:][~np.isnan(values[COSTS[0]][1:])]
            record["reached"] = float(np.isfinite(drawn).mean()) if drawn.size else None
            if name != PATCH_MAP:
                for what, prefix in zip(COSTS, ("", "fp_patches_", "normals_lit_"), strict=True):
                    ratio, difference = against(values[what], own[level][what])
                    if what == COSTS[0]:
                        record["p"] = two_sided_p(difference[1:])
                    if not np.isfinite(
                        own[level][what][0]
                    ):  # nothing to compare with: the patch map itself does not reach the level
                        ratio[0] = difference[0] = np.nan
                    record[f"{prefix}ratio_to_patch_map"] = edged_figure(ratio, n)
                    record[f"{prefix}difference_to_patch_map"] = edged_figure(difference, n)
            claim[name][f"{level:g}"] = record
    return claim, {name: froc_band(swept, weights) for name, swept in methods.items()}


def correct(claims: dict[str, Any]) -> None:
    """Adds `p_holm` to every comparison: Holm's correction over all findings that have boxes, for one method at one level."""
    names = sorted({name for claim in claims.values() for name in claim if name != PATCH_MAP})
    for name in names:
        for level in LEVELS:
            tested = [claim[name][f"{level:g}"] for claim in claims.values() if name in claim]
            for record, value in zip(tested, holm([record["p"] for record in tested]), strict=True):
                record["p_holm"] = value


def against(theirs: Floats, mine: Floats) -> tuple[Floats, Floats]:
    """Ratio and difference of two costs, replicate by replicate.

    A method that does not reach the sensitivity costs infinitely much; where neither does, or both cost nothing, they are even.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, difference = theirs / mine, theirs - mine
    even = theirs == mine
    return np.where(even, 1.0, ratio), np.where(even, 0.0, difference)


def cost_figure(values: Floats, n: int, worst: float) -> Figure:
    """A cost with its interval over all replicates, those included that do not reach the sensitivity: they cost `worst`, which, if infinite,
    may make the upper edge null. No value: the level is not reached."""
    return edged_figure(np.concatenate([values[:1], np.where(np.isinf(values[1:]), worst, values[1:])]), n)


def edged_figure(values: Floats, n: int) -> Figure:
    """Value with its percentile interval over all replicates, infinite ones included; an edge is null where it is not finite."""
    known = values[1:][~np.isnan(values[1:])]
    if not np.isfinite(values[0]) or not known.size:
        return Figure(None, [None, None], n, values)
    low, high = (float(edge) for edge in np.percentile(known, [2.5, 97.5], method="closest_observation"))
    return Figure(
        float(values[0]), [low if np.isfinite(low) else None, high if np.isfinite(high) else None], n, values
    )


def _patches(
    maps: Sequence[PatchMap], boxes: Sequence[Sequence[Box]], thresholds: Floats
) -> tuple[Floats, Floats]:
    outside = np.zeros((len(thresholds), len(maps)))
    lit = np.zeros((len(thresholds), len(maps)))
    for number, (item, truth) in enumerate(zip(maps, boxes, strict=True)):
        rows, cols = item.values.shape
        x0, y0, x1, y1 = item.extent
        x = x0 + (np.arange(cols) + 0.5) / cols * (x1 - x0)
        y = (y0 + (np.arange(rows) + 0.5) / rows * (y1 - y0))[:, None]
        free = np.ones((rows, cols), bool)
        for left, top, wide, high in truth:
            free &= ~((left <= x) & (x <= left + wide) & (top <= y) & (y <= top + high))
        values = np.sort(item.values[free].astype(np.float64))
        outside[:, number] = len(values) - np.searchsorted(values, thresholds, side="left")
        lit[:, number] = float(item.values.max()) >= thresholds
    return outside, lit


def _ratio(above: Floats, below: Floats) -> Floats:
    out: Floats = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out
