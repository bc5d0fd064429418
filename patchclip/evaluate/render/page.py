"""The report as one HTML page that asks no other host for anything."""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from plotly.offline import get_plotlyjs

from patchclip.evaluate.claim import LEVELS
from patchclip.evaluate.dataset import LUNG_OPACITY
from patchclip.evaluate.findings import FLOOR
from patchclip.evaluate.method import PATCH_MAP, Method
from patchclip.evaluate.render.gallery import galleries
from patchclip.evaluate.render.plots import calibration_plot, operating_plot, roc_plot
from patchclip.evaluate.render.words import (
    figure_text,
    finding_name,
    headline,
    labels_with_auroc,
    method_name,
)
from patchclip.evaluate.report import PairedDifference, Report
from patchclip.evaluate.run import Evaluation

COMPARED = (
    "auroc",
    "pointing",
    "patch_auroc_within",
    "acc_iobb_0.1",
    "afp_iobb_0.1",
    "froc",
    "froc/0.5",
    "ece",
    "rsna_normals_without_region",
)
"""Figures of a finding, or of the summary, whose difference from another report a reader looks for first."""


def write_report(evaluation: Evaluation, path: Path) -> None:
    """Writes the page."""
    report = evaluation.report
    environment = Environment(
        loader=PackageLoader("patchclip.evaluate.render", "."),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
    )
    environment.globals.update(
        figure_text=figure_text, finding_name=finding_name, method_name=method_name, parse=Method.parse
    )
    drawn = labels_with_auroc(report)
    boxed = sorted(report.claim, key=lambda label: (label != LUNG_OPACITY, label))
    text = environment.get_template("report.html").render(
        report=report,
        headline=headline(report),
        plotly=get_plotlyjs(),
        curves=[
            (label, _div(operating_plot(report.claim_curves[label], label), f"curves{number}"))
            for number, label in enumerate(boxed)
        ],
        roc=_div(roc_plot(report, evaluation.cases, drawn), "roc") if drawn else "",
        calibration=_div(calibration_plot(report, drawn), "calibration") if drawn else "",
        levels=LEVELS,
        floor=FLOOR,
        patch_map=PATCH_MAP,
        galleries=[(label, galleries(evaluation.cases, label)) for label in boxed],
        against=_against(report),
    )
    path.write_text(text, encoding="utf-8")


def _against(report: Report) -> dict[str, PairedDifference]:
    """The differences that a reader looks for first: of each finding, and of the summary."""
    figures = report.against.figures if report.against else {}
    return {
        path: item
        for path, item in figures.items()
        if path.startswith(("findings/", "summary/")) and path.split("/", 2)[-1] in COMPARED
    }


def _div(plot: go.Figure, name: str) -> str:
    # plotly itself is in the page once; "responsive" lets a plot follow its column.
    config = {"responsive": True, "displaylogo": False}
    html: str = plot.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=config)
    return html
