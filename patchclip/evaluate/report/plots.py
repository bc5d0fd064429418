"""Interactive plots of a report, as plotly figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from patchclip.evaluate.claim import PATCH_MAP, TWIN
from patchclip.evaluate.report.words import finding_name, method_name, show
from patchclip.evaluate.score import Pair, truth_of

# Okabe & Ito's colours (2008), told apart by the colour-blind, and four more: one for each method.
COLOURS = (
    "#d55e00",
    "#0072b2",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#7a7a7a",
    "#000000",
    "#b8a000",
    "#8c564b",
    "#6a3d9a",
)
DASHES = {(False, False): "solid", (False, True): "dot", (True, False): "dash", (True, True): "dashdot"}
"""(of the twin, raw) -> line."""
FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif"


def colour_of(method: str) -> str:
    """The patch map is always the first colour; a method keeps its colour raw and gated, the twin's Grad-CAM, which is drawn beside the
    model's own, has another, and the twin's other methods share theirs with the model's."""
    order = [
        PATCH_MAP, "twin_grad_cam", "grad_cam", "grad_cam_plus_plus", "hires_cam", "eigen_cam", "layer_cam", "raw_cosine",
        "attention_rollout", "attention_gradient", "occlusion",
    ]  # fmt: skip
    stem = method.removesuffix("_raw").removesuffix("_gated")
    return COLOURS[order.index(stem if stem in order else stem.removeprefix(TWIN))]


def froc_plot(curves: dict[str, Any], label: str) -> go.Figure:
    """FROC of every method on one finding; the patch map and Grad-CAM with their 95 % bands."""
    plot = go.Figure()
    for method, curve in curves.items():
        colour, raw = colour_of(method), method.endswith("_raw")
        shown = method in (PATCH_MAP, "grad_cam_gated", "twin_grad_cam_gated")
        x = curve["fp_per_image"]
        if shown:
            plot.add_scatter(
                x=[*x, *x[::-1]], y=[*curve["high"], *curve["low"][::-1]], fill="toself", fillcolor=colour, opacity=0.13,
                line={"width": 0}, hoverinfo="skip", showlegend=False, legendgroup=method,
            )  # fmt: skip
        plot.add_scatter(
            x=x, y=curve["sensitivity"], mode="lines", name=method_name(method), legendgroup=method,
            line={"color": colour, "width": 3 if method == PATCH_MAP else 1.6, "dash": DASHES[method.startswith(TWIN), raw]},
            visible=True if shown or method in ("grad_cam_raw", "raw_cosine_gated") else "legendonly",
            hovertemplate="%{x:.2f} false positives an image: sensitivity %{y:.2f}<extra>" + method_name(method) + "</extra>",
        )  # fmt: skip
    _style(
        plot,
        "False-positive regions per image",
        "Sensitivity (boxes found)",
        f"FROC, {finding_name(label).lower()}",
    )
    plot.update_xaxes(
        type="log",
        range=[np.log10(1 / 16), np.log10(16)],
        tickvals=[0.0625, 0.125, 0.25, 0.5, 1, 2, 4, 8, 16],
    )
    plot.update_yaxes(range=[0, 1.02])
    return plot


def roc_plot(record: dict[str, Any], pairs: Sequence[Pair], labels: Sequence[str]) -> go.Figure:
    """ROC curves of the findings with both classes."""
    plot = go.Figure()
    for number, label in enumerate(labels):
        fpr, tpr = roc_points(pairs, label)
        plot.add_scatter(
            x=fpr, y=tpr, mode="lines", name=f"{finding_name(label)} {show(record['findings'][label]['auroc'])}",
            line={"color": COLOURS[number % len(COLOURS)], "width": 2, "dash": "solid" if number < len(COLOURS) else "dash"},
            hovertemplate="1 - specificity %{x:.2f}, sensitivity %{y:.2f}<extra>" + finding_name(label) + "</extra>",
        )  # fmt: skip
    plot.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": "#aaaaaa", "dash": "dot", "width": 1},
        showlegend=False,
        hoverinfo="skip",
    )
    _style(plot, "1 - specificity", "Sensitivity", "ROC, image level")
    plot.update_yaxes(range=[0, 1.02])
    return plot


def calibration_plot(record: dict[str, Any], labels: Sequence[str]) -> go.Figure:
    """Observed frequency against predicted probability in equal-mass bins."""
    plot = go.Figure()
    plot.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": "#aaaaaa", "dash": "dot", "width": 1},
        showlegend=False,
        hoverinfo="skip",
    )
    for number, label in enumerate(labels):
        bins = record["findings"][label]["reliability"]
        plot.add_scatter(
            x=[item["probability"] for item in bins], y=[item["frequency"] for item in bins], mode="lines+markers",
            name=f"{finding_name(label)}, ECE {show(record['findings'][label]['ece'])}", customdata=[item["n"] for item in bins],
            line={"color": COLOURS[number % len(COLOURS)], "width": 1.5},
            hovertemplate="predicted %{x:.2f}, observed %{y:.2f}, %{customdata} images<extra>" + finding_name(label) + "</extra>",
        )  # fmt: skip
    _style(plot, "Predicted probability", "Observed frequency", "Calibration, image level")
    plot.update_xaxes(range=[0, 1])
    plot.update_yaxes(range=[0, 1.02])
    return plot


def roc_points(pairs: Sequence[Pair], label: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """1 - specificity and sensitivity along the thresholds, from (0, 0) to (1, 1)."""
    known, truth = truth_of(label, [image for image, _ in pairs])
    fpr, tpr, _ = roc_curve(truth, [pairs[k][1].probability[label] for k in known])
    return fpr, tpr


def _style(plot: go.Figure, x: str, y: str, title: str) -> None:
    plot.update_layout(
        title={"text": title, "font": {"size": 16}}, template="plotly_white", font={"family": FONT, "size": 13},
        xaxis_title=x, yaxis_title=y, height=460, margin={"l": 60, "r": 20, "t": 50, "b": 55}, legend={"font": {"size": 12}},
    )  # fmt: skip
