"""A report's numbers in words: the headline, and figures with their intervals."""

from __future__ import annotations

from typing import Any

from patchclip.evaluate.claim import LEVELS, PATCH_MAP, TWIN
from patchclip.evaluate.dataset import LUNG_OPACITY, NIH8

METHOD_NAMES = {
    "patch_map": "Patch map",
    "grad_cam": "Grad-CAM",
    "grad_cam_plus_plus": "Grad-CAM++",
    "hires_cam": "HiResCAM",
    "eigen_cam": "Eigen-CAM",
    "layer_cam": "LayerCAM",
    "attention_rollout": "Attention rollout",
    "attention_gradient": "Attention gradient",
    "raw_cosine": "Raw cosine map",
    "occlusion": "Occlusion",
}


def method_name(key: str) -> str:
    """ "grad_cam_gated" -> "Grad-CAM, gated"."""
    for suffix in ("raw", "gated"):
        if key.endswith(f"_{suffix}"):
            return f"{method_name(key.removesuffix(f'_{suffix}'))}, {suffix}"
    if key.startswith(TWIN):
        return f"{method_name(key.removeprefix(TWIN))} of the twin without boxes"
    return METHOD_NAMES.get(key, key)


def show(figure: dict[str, Any] | None, digits: int = 2) -> str:
    """0.87 (0.80 to 0.93), or a dash where there is no value; an edge that is not finite is ∞."""
    if not figure or figure["value"] is None:
        return "–"
    low, high = figure["ci"]
    if low is None and high is None:
        return f"{figure['value']:.{digits}f}"
    edges = ["-∞" if low is None else f"{low:.{digits}f}", "∞" if high is None else f"{high:.{digits}f}"]
    return f"{figure['value']:.{digits}f} ({' to '.join(edges)})"


def finding_name(label: str) -> str:
    """Pleural_Thickening -> Pleural thickening."""
    return label.replace("_", " ").capitalize() if label != LUNG_OPACITY else "Lung opacity"


def headline(record: dict[str, Any]) -> list[str]:
    """What the report found, one sentence each; empty without boxes."""
    claim: dict[str, Any] = record["claim"]
    sentences: list[str] = []
    subject = LUNG_OPACITY if LUNG_OPACITY in claim else next(iter(claim), None)
    if subject is not None:
        sentences.append(_first(claim[subject], subject, record["claim_counts"][subject]))
    rival = next(
        (
            name
            for name in ("twin_grad_cam_gated", "grad_cam_gated")
            if any(name in item for item in claim.values())
        ),
        None,
    )
    eight = [label for label in NIH8 if label in claim]
    if rival and eight:
        half = [label for label in eight if halved(claim[label], rival)]
        sentences.append(
            f"Over NIH's boxed findings, the patch map needs at most half of the false positives of {method_name(rival)} at sensitivity "
            f"{LEVELS[0]:g} for {len(half)} of {len(eight)}{': ' + ', '.join(finding_name(label).lower() for label in half) if half else ''}."
        )
    means = record["summary"]["nih8"]
    if means["pointing"]["value"] is not None:
        sentences.append(
            f"Mean over NIH's eight boxed findings: AUROC {show(means['auroc'])}, pointing {show(means['pointing'])}, "
            f"patch AUROC inside against outside boxes {show(means['patch_auroc_within'])}."
        )
    return sentences


def halved(claim: dict[str, Any], rival: str, level: float = LEVELS[0]) -> bool:
    """Whether the patch map reaches a sensitivity at no more than half of a rival's false-positive regions; a rival that never
    reaches it has lost."""
    mine, theirs = claim[PATCH_MAP][f"{level:g}"], claim.get(rival, {}).get(f"{level:g}")
    if theirs is None or mine["fp_regions_per_image"]["value"] is None:
        return False
    other = theirs["fp_regions_per_image"]["value"]
    return other is None or mine["fp_regions_per_image"]["value"] <= other / 2


def _first(claim: dict[str, Any], label: str, counts: dict[str, int]) -> str:
    level = f"{LEVELS[0]:g}"
    own = claim[PATCH_MAP][level]
    name = f"{finding_name(label)} ({counts['images']} images, {counts['boxes']} boxes, {counts['normals']} normal)"
    if own["fp_regions_per_image"]["value"] is None:
        return f"{name}: the patch map never reaches sensitivity {level}; its highest is {show(own['highest_sensitivity'])}."
    start = f"{name} at sensitivity {level}: the patch map shows {show(own['fp_regions_per_image'])} false-positive regions an image"
    rivals = [key for key in claim if key != PATCH_MAP]
    reached = [key for key in rivals if claim[key][level]["fp_regions_per_image"]["value"] is not None]
    if not rivals:
        return start + "."
    if not reached:
        return start + "; no saliency method reaches that sensitivity."
    best = min(reached, key=lambda key: claim[key][level]["fp_regions_per_image"]["value"])
    other = claim[best][level]
    sentence = (
        f"{start}; the best saliency method, {method_name(best)}, shows {show(other['fp_regions_per_image'])}"
    )
    ratio = other["ratio_to_patch_map"]
    # No ratio: the patch map shows none, and the numbers speak for themselves.
    return f"{sentence}, {show(ratio, 1)} times as many." if ratio["value"] is not None else f"{sentence}."
