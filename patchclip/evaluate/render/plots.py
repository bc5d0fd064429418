"""Interactive plots of a report, as plotly figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from sklearn.metrics import roc_curve

from patchclip.evaluate.case import Case
from patchclip.evaluate.findings import probabilities
from patchclip.evaluate.image_metrics import Floats
from patchclip.evaluate.method import PATCH_MAP, Method
from patchclip.evaluate.render.words import GRAD_CAM, figure_text, finding_name, main_methods, method_name
from patchclip.evaluate.report import OperatingCurve, Report
from patchclip.evaluate.truth import truth_of
from patchclip.saliency import SALIENCY

PATCH_MAP_COLOUR = "#d55e00"
TWIN_COLOUR = "#0072b2"
"""Of the twin's Grad-CAM, drawn beside the model's own; its other methods share theirs with the model's."""
UNKNOWN_COLOUR = "#999999"
COLOURS = (PATCH_MAP_COLOUR, TWIN_COLOUR, *(method.colour for method in SALIENCY.values()))
"""For curves that belong to no method, such as those of findings."""
FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif"
DASHES = {(False, False): "solid", (False, True): "dot", (True, False): "dash", (True, True): "dashdot"}
"""(of the twin, raw) -> line."""
ALSO_DRAWN = (Method("raw_cosine", scaling="gated"), Method("eigen_cam", twin=True, scaling="gated"))
"""What training adds to the cosine alone, and the strongest rival in the bundled evaluation."""


def colour_of(method: Method) -> str:
    """That of the registry, raw and gated, of model and twin; grey for a method that is not in it."""
    if method == PATCH_MAP:
        return PATCH_MAP_COLOUR
    if method.twin and method.name == GRAD_CAM:
        return TWIN_COLOUR
    return SALIENCY[method.name].colour if method.name in SALIENCY else UNKNOWN_COLOUR


def drawn_methods(methods: Iterable[Method]) -> list[Method]:
    """Curves that are drawn at first sight: the main methods, and those of `ALSO_DRAWN`."""
    given = list(methods)
    main = main_methods(given)
    return main + [method for method in ALSO_DRAWN if method in given and method not in main]


def has_band(method: Method) -> bool:
    """Whether a curve is drawn with its 95 % band: more than three of them could not be told apart."""
    return method == PATCH_MAP or (method.name == GRAD_CAM and method.scaling == "gated")


def operating_plot(curves: dict[Method, OperatingCurve], label: str) -> go.Figure:
    """Operating curves of every method on one finding; patch map and gated Grad-CAM with 95 % bands."""
    plot = go.Figure()
    drawn = drawn_methods(curves)
    for method, curve in curves.items():
        colour = colour_of(method)
        name = method_name(method)
        if has_band(method):
            plot.add_scatter(
                x=[*curve.fp_per_image, *curve.fp_per_image[::-1]],
                y=[*curve.high, *curve.low[::-1]],
                fill="toself",
                fillcolor=colour,
                opacity=0.13,
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
                legendgroup=name,
            )
        plot.add_scatter(
            x=curve.fp_per_image,
            y=curve.sensitivity,
            mode="lines",
            name=name,
            legendgroup=name,
            line={
                "color": colour,
                "width": 3 if method == PATCH_MAP else 1.6,
                "dash": DASHES[method.twin, method.scaling == "raw"],
            },
            visible=True if method in drawn else "legendonly",
            hovertemplate="%{x:.2f} false positives per image: sensitivity %{y:.2f}"
            + f"<extra>{name}</extra>",
        )
    _style(
        plot,
        x="False-positive regions per image",
        y="Sensitivity (boxes found)",
        title=f"Operating curves, {finding_name(label).lower()}",
    )
    ticks = [2.0**power for power in range(-4, 5)]
    plot.update_xaxes(type="log", range=[math.log10(ticks[0]), math.log10(ticks[-1])], tickvals=ticks)
    plot.update_yaxes(range=[0, 1.02])
    return plot


def roc_plot(report: Report, cases: Sequence[Case], labels: Sequence[str]) -> go.Figure:
    """ROC curves of the findings with both classes."""
    plot = go.Figure()
    for number, label in enumerate(labels):
        curve = roc_points(cases, label)
        name = finding_name(label)
        plot.add_scatter(
            x=curve.false_positive_rate,
            y=curve.sensitivity,
            mode="lines",
            name=f"{name} {figure_text(report.findings[label].image['auroc'])}",
            line={
                "width": 2,
                "color": finding_colour(number),
                "dash": "dash" if number >= len(COLOURS) else "solid",
            },
            hovertemplate=f"1 - specificity %{{x:.2f}}, sensitivity %{{y:.2f}}<extra>{name}</extra>",
        )
    _add_diagonal(plot)
    _style(plot, x="1 - specificity", y="Sensitivity", title="ROC, image level")
    plot.update_yaxes(range=[0, 1.02])
    return plot


def calibration_plot(report: Report, labels: Sequence[str]) -> go.Figure:
    """Observed frequency against predicted probability in equal-mass bins."""
    plot = go.Figure()
    _add_diagonal(plot)
    for number, label in enumerate(labels):
        bins = report.findings[label].reliability or []
        name = finding_name(label)
        plot.add_scatter(
            x=[item.probability for item in bins],
            y=[item.frequency for item in bins],
            customdata=[item.n for item in bins],
            mode="lines+markers",
            name=f"{name}, ECE {figure_text(report.findings[label].image['ece'])}",
            line={"width": 1.5, "color": finding_colour(number)},
            hovertemplate="predicted %{x:.2f}, observed %{y:.2f}, %{customdata} images"
            + f"<extra>{name}</extra>",
        )
    _style(plot, x="Predicted probability", y="Observed frequency", title="Calibration, image level")
    plot.update_xaxes(range=[0, 1])
    plot.update_yaxes(range=[0, 1.02])
    return plot


@dataclass(frozen=True, slots=True)
class RocCurve:
    """1 - specificity and sensitivity along the thresholds, float [T] each, from (0, 0) to (1, 1)."""

    false_positive_rate: Floats
    sensitivity: Floats


def roc_points(cases: Sequence[Case], label: str) -> RocCurve:
    """The empirical ROC curve of a finding."""
    truth = truth_of(label, [case.image for case in cases])
    false_positive_rate, sensitivity, _ = roc_curve(truth.present, probabilities(label, cases, truth.index))
    return RocCurve(false_positive_rate, sensitivity)


def finding_colour(number: int) -> str:
    """Of the curve of the number-th finding; after the last colour they begin anew."""
    return COLOURS[number % len(COLOURS)]


def _add_diagonal(plot: go.Figure) -> None:
    line = {"color": "#aaaaaa", "dash": "dot", "width": 1}
    plot.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, showlegend=False, hoverinfo="skip")


def _style(plot: go.Figure, *, x: str, y: str, title: str) -> None:
    plot.update_layout(
        title={"text": title, "font": {"size": 16}},
        template="plotly_white",
        font={"family": FONT, "size": 13},
        xaxis_title=x,
        yaxis_title=y,
        height=460,
        margin={"l": 60, "r": 20, "t": 50, "b": 55},
        legend={"font": {"size": 12}},
    )
