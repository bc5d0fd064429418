"""The paper's claim as a test: false positives of the patch map and of saliency at the same sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from patchclip.evaluate.bootstrap import Figure, PatientBootstrap, holm, two_sided_p
from patchclip.evaluate.case import Case, Prediction
from patchclip.evaluate.image_metrics import Floats
from patchclip.evaluate.method import PATCH_MAP, Method
from patchclip.evaluate.report import AgainstPatchMap, ClaimCounts, Cost, OperatingCurve
from patchclip.evaluate.sweep import Swept, sweep
from patchclip.evaluate.truth import Reader, reader_of
from patchclip.saliency.task import to_unit
from patchclip.types import PatchMap

LEVELS = (0.6, 0.7, 0.8, 0.9)
"""Sensitivities at which methods are compared."""
CURVE_RATES = tuple(float(rate) for rate in np.geomspace(1 / 16, 16, 33))
"""False positives per image at which operating curves are drawn."""
Costs = dict[Method, dict[float, Cost]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All methods on one finding: costs of each sensitivity, operating curves, and what they stand on."""

    costs: Costs
    curves: dict[Method, OperatingCurve]
    counts: ClaimCounts


def claim(
    labels: Sequence[str],
    cases: Sequence[Case],
    twin_cases: Sequence[Case],
    methods: Sequence[str],
    bootstrap: PatientBootstrap,
) -> dict[str, Comparison]:
    """Compares all methods at the same sensitivity, on every finding that has boxes.

    Args:
        labels: findings.
        cases: images and predictions of the model.
        twin_cases: of the model without boxes, on the same images; empty without one.
        methods: saliency methods of the model, whose maps the predictions hold; of the twin's all are taken.
        bootstrap: over `cases`.
    """
    twins = {case.image.name: case.prediction for case in twin_cases}
    comparisons: dict[str, Comparison] = {}
    for label in labels:
        reader = reader_of(label)
        index = [k for k, case in enumerate(cases) if reader.boxed(case.image) or reader.normal(case.image)]
        chosen = [cases[k] for k in index]
        if not any(reader.boxed(case.image) for case in chosen):
            continue
        swept = _sweep_all(reader, chosen, twins, methods)
        weights = bootstrap.weights(np.array(index, np.int64))
        costs, curves = compare(swept, weights)
        drawn = swept[PATCH_MAP]
        counts = ClaimCounts(len(chosen), int(drawn.boxes.sum()), int(drawn.normal.sum()))
        comparisons[label] = Comparison(costs, curves, counts)
    corrected = correct({label: item.costs for label, item in comparisons.items()})
    return {label: replace(item, costs=corrected[label]) for label, item in comparisons.items()}


def _sweep_all(
    reader: Reader, cases: Sequence[Case], twins: dict[str, Prediction], methods: Sequence[str]
) -> dict[Method, Swept]:
    label = reader.label
    boxes = [case.boxes(reader) for case in cases]
    normal = [not truth for truth in boxes]
    of_model = [case.prediction for case in cases]
    rivals = [(Method(name), of_model) for name in methods]
    if twins:
        of_twin = [twins[case.image.name] for case in cases]
        names = dict.fromkeys(name for item in of_twin for name, drawn in item.saliency if drawn == label)
        rivals += [(Method(name, twin=True), of_twin) for name in names]

    swept = {PATCH_MAP: sweep([item.maps[label] for item in of_model], boxes, normal)}
    for method, predictions in rivals:
        raw = [unit(item.saliency[method.name, label]) for item in predictions]
        swept[replace(method, scaling="raw")] = sweep(raw, boxes, normal)
        dimmed = gated(raw, [item.probability[label] for item in predictions])
        swept[replace(method, scaling="gated")] = sweep(dimmed, boxes, normal)
    return swept


def unit(item: PatchMap) -> PatchMap:
    """A map scaled to its own range, [0, 1], as saliency is commonly shown; a constant one becomes 0."""
    return PatchMap(to_unit(item.values), item.extent)


def gated(maps: Sequence[PatchMap], probability: Sequence[float]) -> list[PatchMap]:
    """Saliency times the image's probability, so that an unlikely image is not as bright as a likely one."""
    return [
        PatchMap((item.values * value).astype(np.float32), item.extent)
        for item, value in zip(maps, probability, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class CostReplicates:
    """What one sensitivity costs in each replicate, float [B] each; see `Cost`."""

    fp_regions_per_image: Floats
    fp_patches_per_image: Floats
    normals_lit: Floats
    sensitivity: Floats
    threshold: Floats
    highest_sensitivity: Floats


def at_sensitivity(swept: Swept, weights: Floats, level: float) -> CostReplicates:
    """What a sensitivity costs in each replicate, at the threshold with the fewest false-positive regions.

    weights: [B, N] over images. Costs are infinite where no threshold reaches the level, and NaN in a
    replicate without any box; sensitivity and threshold are NaN in both.
    """
    sensitivity = _ratio(weights @ swept.hits.T, (weights @ swept.boxes)[:, None])
    images = weights.sum(axis=1)[:, None]
    regions = _ratio(weights @ swept.alarms.T, images)
    patches = _ratio(weights @ swept.patches.T, images)
    normal = weights[:, swept.normal]
    lit = _ratio(normal @ swept.lit[:, swept.normal].T, normal.sum(axis=1)[:, None])

    reached = sensitivity >= level - 1e-9
    best = np.where(reached, regions, np.inf).argmin(axis=1)
    rows = np.arange(len(weights))
    unreached = np.where(weights @ swept.boxes > 0, np.inf, np.nan)

    def there(values: Floats, otherwise: Floats | float) -> Floats:
        return np.where(reached.any(axis=1), values[rows, best], otherwise)

    return CostReplicates(
        fp_regions_per_image=there(regions, unreached),
        fp_patches_per_image=there(patches, unreached),
        normals_lit=there(lit, unreached),
        sensitivity=there(sensitivity, np.nan),
        threshold=there(np.broadcast_to(swept.thresholds, regions.shape), np.nan),
        highest_sensitivity=sensitivity.max(axis=1),
    )


def operating_curve(swept: Swept, weights: Floats) -> OperatingCurve:
    """Highest sensitivity at no more than each of `CURVE_RATES` false positives per image, with 95 % band.

    An FROC whose regions are drawn anew at each threshold, while `patchclip.evaluate.froc` ranks the
    components above one fixed floor. weights: [B, N] over images.
    """
    sensitivity = _ratio(weights @ swept.hits.T, (weights @ swept.boxes)[:, None])
    regions = _ratio(weights @ swept.alarms.T, weights.sum(axis=1)[:, None])
    best = [np.where(regions <= rate + 1e-9, sensitivity, 0.0).max(axis=1) for rate in CURVE_RATES]
    curves = np.stack(best, axis=1)
    low, high = np.nanpercentile(curves[1:], [2.5, 97.5], axis=0)
    return OperatingCurve(list(CURVE_RATES), curves[0].tolist(), low.tolist(), high.tolist())


def compare(methods: dict[Method, Swept], weights: Floats) -> tuple[Costs, dict[Method, OperatingCurve]]:
    """All methods on one finding, at all levels, each against the patch map in the same replicates.

    Args:
        methods: the patch map and the others, on the same images.
        weights: [B, N] over those images.

    Returns:
        costs, whose p values are not yet corrected, and operating curves.
    """
    images = weights.shape[1]
    patch_map = {level: at_sensitivity(methods[PATCH_MAP], weights, level) for level in LEVELS}
    costs: Costs = {}
    for method, swept in methods.items():
        costs[method] = {}
        for level in LEVELS:
            if method == PATCH_MAP:
                costs[method][level] = _cost(patch_map[level], images)
                continue
            values = at_sensitivity(swept, weights, level)
            against = _against(values, patch_map[level], images)
            costs[method][level] = replace(_cost(values, images), against=against)
    return costs, {method: operating_curve(swept, weights) for method, swept in methods.items()}


def _cost(values: CostReplicates, images: int) -> Cost:
    regions = values.fp_regions_per_image
    drawn = regions[1:][~np.isnan(regions[1:])]
    return Cost(
        fp_regions_per_image=cost_figure(regions, images, np.inf),
        fp_patches_per_image=cost_figure(values.fp_patches_per_image, images, np.inf),
        normals_lit=cost_figure(values.normals_lit, images, 1.0),
        sensitivity=Figure.of(values.sensitivity, images),
        threshold=Figure.of(values.threshold, images),
        highest_sensitivity=Figure.of(values.highest_sensitivity, images),
        reached=float(np.isfinite(drawn).mean()) if drawn.size else None,
    )


def _against(values: CostReplicates, patch_map: CostReplicates, images: int) -> AgainstPatchMap:
    def figures(rival: Floats, reference: Floats) -> tuple[Figure, Figure]:
        ratio = ratios(rival, reference)
        difference = differences(rival, reference)
        if not np.isfinite(
            reference[0]
        ):  # the patch map itself does not reach the level: nothing to compare with
            ratio[0] = difference[0] = np.nan
        return edged_figure(ratio, images), edged_figure(difference, images)

    regions = figures(values.fp_regions_per_image, patch_map.fp_regions_per_image)
    patches = figures(values.fp_patches_per_image, patch_map.fp_patches_per_image)
    normals = figures(values.normals_lit, patch_map.normals_lit)
    p = two_sided_p(differences(values.fp_regions_per_image, patch_map.fp_regions_per_image)[1:])
    return AgainstPatchMap(p, *regions, *patches, *normals)


def correct(claims: dict[str, Costs]) -> dict[str, Costs]:
    """The same with `p_holm`: Holm's correction over all findings, for each method at each level."""
    corrected = {
        label: {method: dict(levels) for method, levels in costs.items()} for label, costs in claims.items()
    }
    for method in {method for costs in claims.values() for method in costs}:
        for level in LEVELS:
            tested = {label: costs[method][level] for label, costs in claims.items() if method in costs}
            comparisons = {label: cost.against for label, cost in tested.items() if cost.against is not None}
            values = holm([against.p for against in comparisons.values()])
            for (label, against), value in zip(comparisons.items(), values, strict=True):
                cost = replace(tested[label], against=replace(against, p_holm=value))
                corrected[label][method][level] = cost
    return corrected


def ratios(rival: Floats, reference: Floats) -> Floats:
    """One cost over another, replicate by replicate; 1 where both are 0, or neither reaches the level."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(rival == reference, 1.0, rival / reference)


def differences(rival: Floats, reference: Floats) -> Floats:
    """One cost less another, replicate by replicate; 0 where neither reaches the level."""
    with np.errstate(invalid="ignore"):
        return np.where(rival == reference, 0.0, rival - reference)


def cost_figure(values: Floats, n: int, worst: float) -> Figure:
    """A cost with its interval over all replicates; those that do not reach the sensitivity cost `worst`.

    If that is infinite, the upper edge may be None. No value: the level is not reached.
    """
    return edged_figure(np.concatenate([values[:1], np.where(np.isinf(values[1:]), worst, values[1:])]), n)


def edged_figure(values: Floats, n: int) -> Figure:
    """Value with its percentile interval over all replicates, infinite too; an infinite edge is None."""
    defined = values[1:][~np.isnan(values[1:])]
    if not np.isfinite(values[0]) or not defined.size:
        return Figure(None, (None, None), n, values)
    low, high = (float(edge) for edge in np.percentile(defined, [2.5, 97.5], method="closest_observation"))
    ci = (low if np.isfinite(low) else None, high if np.isfinite(high) else None)
    return Figure(float(values[0]), ci, n, values)


def _ratio(above: Floats, below: Floats) -> Floats:
    out: Floats = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out
