"""A report's numbers in words: figures with their intervals, names for readers, and the headline."""

from __future__ import annotations

from collections.abc import Iterable

from patchclip.evaluate.bootstrap import Figure
from patchclip.evaluate.claim import LEVELS, Costs
from patchclip.evaluate.dataset import LUNG_OPACITY, NIH8
from patchclip.evaluate.method import PATCH_MAP, Method
from patchclip.evaluate.report import ClaimCounts, Report
from patchclip.saliency import SALIENCY

GRAD_CAM = "grad_cam"
"""The method that tables and curves put beside the patch map: the best known."""


def figure_text(figure: Figure | None, digits: int = 2) -> str:
    """0.87 (0.80 to 0.93), or a dash where there is no value; an edge that is not finite is ∞."""
    if figure is None or figure.value is None:
        return "–"
    low, high = figure.ci
    value = f"{figure.value:.{digits}f}"
    if low is None and high is None:
        return value
    lower = "-∞" if low is None else f"{low:.{digits}f}"
    upper = "∞" if high is None else f"{high:.{digits}f}"
    return f"{value} ({lower} to {upper})"


def method_name(method: Method) -> str:
    """grad_cam_gated -> "Grad-CAM, gated"; a method that is not in the registry has its key for a name."""
    if method == PATCH_MAP:
        return "Patch map"
    title = SALIENCY[method.name].title if method.name in SALIENCY else method.name
    twin = " of the twin without boxes" if method.twin else ""
    return f"{title}{twin}{f', {method.scaling}' if method.scaling else ''}"


def finding_name(label: str) -> str:
    """Pleural_Thickening -> Pleural thickening."""
    return label.replace("_", " ").capitalize()


def in_order(labels: Iterable[str]) -> list[str]:
    """NIH's eight boxed findings and lung opacity first, then the others as they come."""
    given = list(labels)
    first = [label for label in (*NIH8, LUNG_OPACITY) if label in given]
    return first + [label for label in given if label not in first]


def labels_with_auroc(report: Report) -> list[str]:
    """Findings with both classes among the images, in order."""
    return in_order(label for label, item in report.findings.items() if item.image["auroc"].value is not None)


def main_methods(methods: Iterable[Method]) -> list[Method]:
    """The patch map and Grad-CAM of model and twin; where no Grad-CAM was compared, every method."""
    given = list(methods)
    grad_cams = [Method(GRAD_CAM, twin, scaling) for twin in (False, True) for scaling in ("gated", "raw")]
    chosen = [method for method in grad_cams if method in given]
    return [PATCH_MAP, *(chosen or [method for method in dict.fromkeys(given) if method != PATCH_MAP])]


def headline(report: Report) -> list[str]:
    """What the report found, one sentence each; empty without boxes."""
    claim = report.claim
    sentences: list[str] = []
    subject = LUNG_OPACITY if LUNG_OPACITY in claim else next(iter(claim), None)
    if subject is not None:
        sentences.append(_first_sentence(claim[subject], subject, report.claim_counts[subject]))
    rivals = (Method(GRAD_CAM, twin=True, scaling="gated"), Method(GRAD_CAM, scaling="gated"))
    rival = next((method for method in rivals if any(method in costs for costs in claim.values())), None)
    eight = [label for label in NIH8 if label in claim]
    if rival and eight:
        halved = [label for label in eight if is_halved(claim[label], rival)]
        names = ", ".join(finding_name(label).lower() for label in halved)
        sentences.append(
            "Over NIH's boxed findings, the patch map needs at most half of the false positives of "
            f"{method_name(rival)} at sensitivity {LEVELS[0]:g} for {len(halved)} of {len(eight)}"
            f"{f': {names}' if names else ''}."
        )
    means = report.summary.nih8
    if means["pointing"].value is not None:
        sentences.append(
            f"Mean over NIH's eight boxed findings: AUROC {figure_text(means['auroc'])}, "
            f"pointing {figure_text(means['pointing'])}, "
            f"patch AUROC inside against outside boxes {figure_text(means['patch_auroc_within'])}."
        )
    return sentences


def is_halved(costs: Costs, rival: Method, level: float = LEVELS[0]) -> bool:
    """Whether the patch map reaches a sensitivity at no more than half of a rival's false-positive regions.

    A rival that never reaches it has lost; one that was not compared has not.
    """
    patch_map = costs[PATCH_MAP][level].fp_regions_per_image.value
    if patch_map is None or rival not in costs:
        return False
    other = costs[rival][level].fp_regions_per_image.value
    return other is None or patch_map <= other / 2


def _first_sentence(costs: Costs, label: str, counts: ClaimCounts) -> str:
    level = LEVELS[0]
    at_level = {method: levels[level] for method, levels in costs.items()}
    patch_map = at_level.pop(PATCH_MAP)
    name = f"{finding_name(label)} ({counts.images} images, {counts.boxes} boxes, {counts.normals} normal)"
    if patch_map.fp_regions_per_image.value is None:
        highest = figure_text(patch_map.highest_sensitivity)
        return f"{name}: the patch map never reaches sensitivity {level:g}; its highest is {highest}."
    start = (
        f"{name} at sensitivity {level:g}: the patch map shows "
        f"{figure_text(patch_map.fp_regions_per_image)} false-positive regions per image"
    )
    reached = {
        method: cost.fp_regions_per_image.value
        for method, cost in at_level.items()
        if cost.fp_regions_per_image.value is not None
    }
    if not at_level:
        return f"{start}."
    if not reached:
        return f"{start}; no saliency method reaches that sensitivity."
    best = min(reached, key=lambda method: reached[method])
    other = at_level[best]
    shows = figure_text(other.fp_regions_per_image)
    sentence = f"{start}; the best saliency method, {method_name(best)}, shows {shows}"
    # No ratio: the patch map shows none, and the numbers speak for themselves.
    if other.against is None or other.against.ratio_to_patch_map.value is None:
        return f"{sentence}."
    return f"{sentence}, {figure_text(other.against.ratio_to_patch_map, 1)} times as many."
