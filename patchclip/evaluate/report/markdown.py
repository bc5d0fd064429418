"""A report's main figures as Markdown, for a README or a model card."""

from __future__ import annotations

from typing import Any

from patchclip.evaluate.claim import LEVELS, PATCH_MAP
from patchclip.evaluate.dataset import LUNG_OPACITY, NIH8
from patchclip.evaluate.report.words import finding_name, headline, method_name, show

RIVALS = ("grad_cam_gated", "grad_cam_raw", "twin_grad_cam_gated", "twin_grad_cam_raw")
LEVEL = f"{LEVELS[0]:g}"


def markdown(record: dict[str, Any]) -> str:
    """Everything: what it stands on, the headline, figures by finding, means, and the claim."""
    parts = [
        *summary_parts(record),
        figures_table(record),
        means_line(record),
        views_table(record),
    ]
    if record["claim"]:
        parts.append(claim_table(record))
    return "\n\n".join(part for part in parts if part) + "\n"


def summary_parts(record: dict[str, Any]) -> list[str]:
    """On what the figures stand, the command, and the headline."""
    data = record["data"]
    return [
        f"{record['model']['name']} (SHA-256 `{record['model']['sha256'][:16]}`) on `{data['folder']}`, split `{data['split']}`: {data['images']} images of "
        f"{data['patients']} patients; brackets hold 95 % intervals, {record['replicates']} bootstrap replicates by patient, seed {record['seed']}.",
        f"Command: `{record['command']}`",
        "\n".join(f"- {sentence}" for sentence in headline(record)),
    ]


def figures_table(record: dict[str, Any]) -> str:
    """One row a finding that has an AUROC."""
    lines = [
        "| Finding | AUROC | ECE | ECE by chance | Pointing | Patch AUROC in / out | Sensitivity at 0.5 FP | Normals lit | Images (boxed) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for label in _ordered(record["findings"]):
        row = record["findings"][label]
        if row["auroc"]["value"] is None:
            continue
        names = ("auroc", "ece", "ece_by_chance", "pointing", "patch_auroc_within")
        cells = [*(show(row[name]) for name in names), show(row["froc"]["0.5"])]
        lines.append(
            f"| {finding_name(label)} | {' | '.join(cells)} | {show(row['normals_lit'])} | {row['auroc']['n']} ({row['pointing']['n']}) |"
        )
    lines.append(
        "\nECE by chance: what a model whose probabilities are true would show on a sample of this size; an ECE within its interval says nothing against the model. "
        "The bootstrap adds chance to an ECE, so its own interval lies high and may not hold the value."
    )
    return "\n".join(lines)


def means_line(record: dict[str, Any]) -> str:
    """The means over NIH's eight boxed findings."""
    names = {
        "auroc": "AUROC", "pointing": "pointing", "patch_auroc_within": "patch AUROC inside against outside boxes",
        "acc_iobb_0.1": "accuracy at T(IoBB) = .1", "afp_iobb_0.1": "false positives an image at T(IoBB) = .1", "froc": "sensitivity at 0.5 false positives an image",
    }  # fmt: skip
    means = record["summary"]["nih8"]
    known = [
        f"{text} {show(means[name])}" for name, text in names.items() if means[name]["value"] is not None
    ]
    line = f"Mean over NIH's eight boxed findings: {', '.join(known)}." if known else ""
    dark = record["summary"]["rsna_normals_without_region"]
    return (
        line
        if dark["value"] is None
        else f"{line} Normal images (RSNA) without a region of any of the eight: {show(dark)}, n = {dark['n']}."
    )


def views_table(record: dict[str, Any]) -> str:
    """AUROC within each view, and how well the same probability tells the view where the finding is absent."""
    views = [record["subgroups"].get(f"view {view}", {}).get("findings", {}) for view in ("PA", "AP")]
    cue = record["shortcuts"].get("view AP rather than PA", {})
    lines = [
        "| Finding | AUROC within PA | AUROC within AP | AUROC for AP against PA, finding absent |",
        "| --- | --- | --- | --- |",
    ]
    for label in _ordered(record["findings"]):
        if label in cue and any(label in view for view in views):
            cells = [show(view[label]["auroc"]) if label in view else "–" for view in views]
            lines.append(f"| {finding_name(label)} | {' | '.join(cells)} | {show(cue[label])} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def claim_table(record: dict[str, Any]) -> str:
    """False-positive regions an image at the lowest matched sensitivity; a method that never reaches it with its highest."""
    shown = [
        name for name in (PATCH_MAP, *RIVALS) if any(name in claim for claim in record["claim"].values())
    ]
    lines = [
        f"False-positive regions an image at sensitivity {LEVEL}:",
        "",
        f"| Finding | {' | '.join(method_name(name) for name in shown)} | Normals lit by the patch map | Images (boxes, normal) |",
        "| --- | " + " | ".join("---" for _ in shown) + " | --- | --- |",
    ]
    for label in _ordered(record["claim"]):
        claim = record["claim"][label]
        lit = claim[PATCH_MAP][LEVEL]["normals_lit"]
        count = record["claim_counts"][label]
        stands = f"{count['images']} ({count['boxes']}, {count['normals']})"
        lines.append(
            f"| {finding_name(label)} | {' | '.join(_cell(claim.get(name)) for name in shown)} | {show(lit)} | {stands} |"
        )
    lines.append("\n∞: in more than 2.5 % of the replicates the sensitivity is not reached.")
    return "\n".join(lines)


def _cell(levels: dict[str, Any] | None) -> str:
    if levels is None:
        return "–"
    row = levels[LEVEL]
    if row["fp_regions_per_image"]["value"] is None:
        return f"never; highest {show(row['highest_sensitivity'])}"
    return show(row["fp_regions_per_image"])


def _ordered(labels: dict[str, Any]) -> list[str]:
    first = [label for label in (*NIH8, LUNG_OPACITY) if label in labels]
    return first + [label for label in labels if label not in first]
