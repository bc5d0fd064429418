"""A report's main figures as Markdown, for a README or a model card."""

from __future__ import annotations

from collections.abc import Sequence

from patchclip.evaluate.claim import LEVELS
from patchclip.evaluate.findings import FLOOR
from patchclip.evaluate.method import PATCH_MAP
from patchclip.evaluate.render.words import (
    figure_text,
    finding_name,
    headline,
    in_order,
    labels_with_auroc,
    main_methods,
    method_name,
)
from patchclip.evaluate.report import Cost, Report
from patchclip.evaluate.shortcuts import VIEW_CUE

LEVEL = LEVELS[0]
FROC_RATE = "0.5"
MEANS = {
    "auroc": "AUROC",
    "pointing": "pointing",
    "patch_auroc_within": "patch AUROC inside against outside boxes",
    "acc_iobb_0.1": "accuracy at T(IoBB) = .1",
    "afp_iobb_0.1": "false positives per image at T(IoBB) = .1",
    "froc": f"sensitivity at {FROC_RATE} false positives per image (FROC of components)",
}


def markdown(report: Report) -> str:
    """Everything: what it stands on, the headline, figures by finding, means, and the claim."""
    parts = [
        *summary_parts(report),
        figures_table(report),
        means_line(report),
        views_table(report),
        claim_table(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def summary_parts(report: Report) -> list[str]:
    """On what the figures stand, the command, and the headline."""
    model = report.model
    data = report.data
    computed = f", computed by {model.backend}" if model.backend else ""
    return [
        f"{model.name} (SHA-256 `{model.sha256[:16]}`{computed}) on `{data.folder}`, split `{data.split}`: "
        f"{data.images} images of {data.patients} patients; brackets hold 95 % intervals, "
        f"{report.replicates} bootstrap replicates by patient, seed {report.seed}.",
        f"Command: `{report.command}`",
        "\n".join(f"- {sentence}" for sentence in headline(report)),
    ]


def figures_table(report: Report) -> str:
    """One row per finding that has an AUROC."""
    rows: list[list[str]] = []
    for label in labels_with_auroc(report):
        image = report.findings[label].image
        location = report.findings[label].location
        figures = (
            image["auroc"],
            image["ece"],
            image["ece_by_chance"],
            location.boxed["pointing"],
            location.boxed["patch_auroc_within"],
            location.froc["froc"][FROC_RATE],
            location.regions["normals_lit"],
        )
        stands = f"{image['auroc'].n} ({location.boxed['pointing'].n})"
        rows.append([finding_name(label), *(figure_text(figure) for figure in figures), stands])
    header = (
        "Finding",
        "AUROC",
        "ECE",
        "ECE by chance",
        "Pointing",
        "Patch AUROC in / out",
        f"Sensitivity at {FROC_RATE} FP",
        "Normals lit",
        "Images (boxed)",
    )
    return "\n".join(
        [
            *table(header, rows),
            "\nECE by chance: what a model whose probabilities are true would show on a sample of this size; "
            "an ECE within its interval says nothing against the model. The bootstrap adds chance to an ECE, "
            "so its own interval lies high and may not hold the value.",
            f"\nSensitivity at {FROC_RATE} FP: boxes found at {FROC_RATE} false positives per image by the "
            f"FROC of components, whose candidates are the parts of a map above {FLOOR:g}, each with its "
            "highest value. Operating curves are another measure: they draw regions anew at each threshold.",
        ]
    )


def means_line(report: Report) -> str:
    """The means over NIH's eight boxed findings."""
    means = report.summary.nih8
    parts = [
        f"{text} {figure_text(means[name])}" for name, text in MEANS.items() if means[name].value is not None
    ]
    line = f"Mean over NIH's eight boxed findings: {', '.join(parts)}." if parts else ""
    dark = report.summary.rsna_normals_without_region
    if dark.value is None:
        return line
    share = f"{figure_text(dark)}, n = {dark.n}"
    return f"{line} Normal images (RSNA) without a region of any of the eight: {share}."


def views_table(report: Report) -> str:
    """AUROC within each view, and how well the probability tells the view where the finding is absent."""
    groups = [report.subgroups.get(f"view {view}") for view in ("PA", "AP")]
    views = [group.findings if group else {} for group in groups]
    cue = report.shortcuts.get(VIEW_CUE, {})
    rows: list[list[str]] = []
    for label in in_order(report.findings):
        if label in cue and any(label in view for view in views):
            cells = [figure_text(view[label]["auroc"]) if label in view else "–" for view in views]
            rows.append([finding_name(label), *cells, figure_text(cue[label])])
    header = ("Finding", "AUROC within PA", "AUROC within AP", "AUROC for AP against PA, finding absent")
    return "\n".join(table(header, rows)) if rows else ""


def claim_table(report: Report) -> str:
    """False-positive regions per image at the lowest sensitivity, or that a method never reaches it."""
    if not report.claim:
        return ""
    methods = main_methods(method for costs in report.claim.values() for method in costs)
    rows: list[list[str]] = []
    for label in in_order(report.claim):
        costs = report.claim[label]
        counts = report.claim_counts[label]
        cells = [_cell(costs[method][LEVEL]) if method in costs else "–" for method in methods]
        lit = figure_text(costs[PATCH_MAP][LEVEL].normals_lit)
        rows.append([finding_name(label), *cells, lit, f"{counts.images} ({counts.boxes}, {counts.normals})"])
    names = [method_name(method) for method in methods]
    header = ("Finding", *names, "Normals lit by the patch map", "Images (boxes, normal)")
    return "\n".join(
        [
            f"False-positive regions per image at sensitivity {LEVEL:g}:",
            "",
            *table(header, rows),
            "\n∞: in more than 2.5 % of the replicates the sensitivity is not reached.",
        ]
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]


def _cell(cost: Cost) -> str:
    if cost.fp_regions_per_image.value is None:
        return f"never; highest {figure_text(cost.highest_sensitivity)}"
    return figure_text(cost.fp_regions_per_image)
