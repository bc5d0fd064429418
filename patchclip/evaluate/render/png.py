"""The main plots as PNG, for a README or a paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no screen is needed, and none may be there
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from patchclip.evaluate.case import Case
from patchclip.evaluate.method import PATCH_MAP, Method
from patchclip.evaluate.render.plots import (
    COLOURS,
    colour_of,
    drawn_methods,
    finding_colour,
    has_band,
    roc_points,
)
from patchclip.evaluate.render.words import figure_text, finding_name, labels_with_auroc, method_name
from patchclip.evaluate.report import OperatingCurve, Report


def write_plots(report: Report, cases: Sequence[Case], out: Path) -> list[Path]:
    """Writes froc.png (operating curves) and roc_calibration.png, as far as there is something to draw."""
    labels = labels_with_auroc(report)
    written: list[Path] = []
    if report.claim_curves:
        written.append(_save(_draw_operating_curves(report), out / "froc.png", report))
    if labels:
        canvas = _draw_roc_and_calibration(report, cases, labels)
        written.append(_save(canvas, out / "roc_calibration.png", report))
    return written


def _draw_operating_curves(report: Report) -> Canvas:
    curves = report.claim_curves
    cols = min(3, len(curves))
    rows = -(-len(curves) // cols)
    size = (4.2 * cols, 3.3 * rows + 0.8)
    canvas, axes = plt.subplots(rows, cols, figsize=size, squeeze=False, sharey=True)
    for axis, (label, methods) in zip(axes.flat, curves.items(), strict=False):
        _draw_methods(axis, methods, label)
    for axis in list(axes.flat)[len(curves) :]:
        axis.set_visible(False)
    handles, names = axes.flat[0].get_legend_handles_labels()
    canvas.legend(handles, names, loc="lower center", ncol=min(4, len(names)), frameon=False, fontsize=9)
    canvas.tight_layout(rect=(0, 0.09 if rows < 3 else 0.06, 1, 1))
    return canvas


def _draw_methods(axis: Axes, curves: dict[Method, OperatingCurve], label: str) -> None:
    for method in drawn_methods(curves):
        curve = curves[method]
        colour = colour_of(method)
        axis.plot(
            curve.fp_per_image,
            curve.sensitivity,
            color=colour,
            linewidth=2.4 if method == PATCH_MAP else 1.3,
            linestyle=":" if method.scaling == "raw" else "-",
            label=method_name(method),
        )
        if has_band(method):
            axis.fill_between(
                curve.fp_per_image, curve.low, curve.high, color=colour, alpha=0.12, linewidth=0
            )
    axis.set_xscale("log", base=2)
    axis.set(
        title=finding_name(label),
        xlim=(1 / 16, 16),
        ylim=(0, 1.02),
        xlabel="false-positive regions per image",
        ylabel="sensitivity",
    )
    axis.set_xticks([0.125, 0.5, 2, 8], ["1/8", "1/2", "2", "8"])
    axis.spines[["top", "right"]].set_visible(False)


def _draw_roc_and_calibration(report: Report, cases: Sequence[Case], labels: Sequence[str]) -> Canvas:
    canvas, (roc, calibration) = plt.subplots(1, 2, figsize=(12, 5))
    for number, label in enumerate(labels):
        style = {"color": finding_colour(number), "linestyle": "--" if number >= len(COLOURS) else "-"}
        points = roc_points(cases, label)
        name = f"{finding_name(label)} {figure_text(report.findings[label].image['auroc'])}"
        roc.plot(points.false_positive_rate, points.sensitivity, label=name, **style)
        bins = report.findings[label].reliability or []
        probability = [item.probability for item in bins]
        calibration.plot(probability, [item.frequency for item in bins], marker="o", ms=3, **style)
    for axis, x, y, title in (
        (roc, "1 - specificity", "Sensitivity", "ROC, image level"),
        (calibration, "Predicted probability", "Observed frequency", "Calibration, image level"),
    ):
        axis.plot([0, 1], [0, 1], color="#aaaaaa", linestyle=":", linewidth=1)
        axis.set(xlabel=x, ylabel=y, title=title, xlim=(0, 1), ylim=(0, 1.02))
        axis.spines[["top", "right"]].set_visible(False)
    roc.legend(fontsize=7.5, frameon=False, loc="lower right")
    canvas.tight_layout(rect=(0, 0.03, 1, 1))
    return canvas


def _save(canvas: Canvas, path: Path, report: Report) -> Path:
    data = report.data
    source = f"{report.model.name}, {data.folder} {data.split}, {data.images} images; {report.notice}"
    canvas.text(0.995, 0.004, source, ha="right", va="bottom", fontsize=7, color="#666666")
    canvas.savefig(path, dpi=110)
    plt.close(canvas)
    return path
