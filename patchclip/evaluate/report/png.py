"""The main plots as PNG, for a README or a paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no screen is needed, and none may be there
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from patchclip.evaluate.claim import PATCH_MAP
from patchclip.evaluate.report.plots import COLOURS, colour_of, roc_points
from patchclip.evaluate.report.words import finding_name, method_name, show
from patchclip.evaluate.score import Pair

NOTICE = "research use only, not for clinical use"
SHOWN = (
    PATCH_MAP,
    "grad_cam_gated",
    "grad_cam_raw",
    "twin_grad_cam_gated",
    "twin_grad_cam_raw",
    "raw_cosine_gated",
    "twin_eigen_cam_gated",
)


def write_plots(
    record: dict[str, Any], pairs: Sequence[Pair], labels: Sequence[str], out: Path
) -> list[Path]:
    """Writes froc.png (all boxed findings), roc.png and calibration.png; returns what was written."""
    written: list[Path] = []
    curves: dict[str, Any] = record["claim_curves"]
    if curves:
        cols = min(3, len(curves))
        rows = -(-len(curves) // cols)
        canvas, axes = plt.subplots(
            rows, cols, figsize=(4.2 * cols, 3.3 * rows + 0.8), squeeze=False, sharey=True
        )
        for axis, (label, item) in zip(axes.flat, curves.items(), strict=False):
            _froc(axis, item, label)
        for axis in list(axes.flat)[len(curves) :]:
            axis.set_visible(False)
        handles, names = axes.flat[0].get_legend_handles_labels()
        canvas.legend(handles, names, loc="lower center", ncol=min(4, len(names)), frameon=False, fontsize=9)
        canvas.tight_layout(rect=(0, 0.09 if rows < 3 else 0.06, 1, 1))
        written.append(_save(canvas, out / "froc.png", record))
    if labels:
        canvas, axes = plt.subplots(1, 2, figsize=(12, 5))
        for number, label in enumerate(labels):
            style = {
                "color": COLOURS[number % len(COLOURS)],
                "linestyle": "-" if number < len(COLOURS) else "--",
            }
            fpr, tpr = roc_points(pairs, label)
            axes[0].plot(
                fpr, tpr, label=f"{finding_name(label)} {show(record['findings'][label]['auroc'])}", **style
            )
            bins = record["findings"][label]["reliability"]
            axes[1].plot(
                [item["probability"] for item in bins],
                [item["frequency"] for item in bins],
                marker="o",
                ms=3,
                **style,
            )
        for axis, x, y, title in (
            (axes[0], "1 - specificity", "Sensitivity", "ROC, image level"),
            (axes[1], "Predicted probability", "Observed frequency", "Calibration, image level"),
        ):
            axis.plot([0, 1], [0, 1], color="#aaaaaa", linestyle=":", linewidth=1)
            axis.set(xlabel=x, ylabel=y, title=title, xlim=(0, 1), ylim=(0, 1.02))
            axis.spines[["top", "right"]].set_visible(False)
        axes[0].legend(fontsize=7.5, frameon=False, loc="lower right")
        canvas.tight_layout(rect=(0, 0.03, 1, 1))
        written.append(_save(canvas, out / "roc_calibration.png", record))
    return written


def _froc(axis: Axes, curves: dict[str, Any], label: str) -> None:
    for method in SHOWN:
        if method not in curves:
            continue
        curve, colour = curves[method], colour_of(method)
        first = method == PATCH_MAP
        axis.plot(
            curve["fp_per_image"], curve["sensitivity"], color=colour, linewidth=2.4 if first else 1.3,
            linestyle=":" if method.endswith("_raw") else "-", label=method_name(method),
        )  # fmt: skip
        if first or method in ("grad_cam_gated", "twin_grad_cam_gated"):
            axis.fill_between(
                curve["fp_per_image"], curve["low"], curve["high"], color=colour, alpha=0.12, linewidth=0
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


def _save(canvas: Any, path: Path, record: dict[str, Any]) -> Path:
    data = record["data"]
    canvas.text(
        0.995,
        0.004,
        f"{record['model']['name']}, {data['folder']} {data['split']}, {data['images']} images; {NOTICE}",
        ha="right",
        va="bottom",
        fontsize=7,
        color="#666666",
    )
    canvas.savefig(path, dpi=110)
    plt.close(canvas)
    return path
