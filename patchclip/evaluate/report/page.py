"""The report as one HTML page that asks no other host for anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from plotly.offline import get_plotlyjs

from patchclip.evaluate.claim import LEVELS, PATCH_MAP
from patchclip.evaluate.dataset import LUNG_OPACITY, NIH8
from patchclip.evaluate.report.gallery import galleries
from patchclip.evaluate.report.plots import calibration_plot, froc_plot, roc_plot
from patchclip.evaluate.report.words import finding_name, headline, method_name, show
from patchclip.evaluate.run import Evaluation


def write_report(evaluation: Evaluation, labels: Sequence[str], path: Path) -> None:
    """Writes the page; `labels` are the findings whose ROC and calibration are drawn, see `drawn_labels`."""
    record = evaluation.record
    environment = Environment(
        loader=PackageLoader("patchclip.evaluate.report", "."),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
    )
    environment.globals.update(show=show, finding_name=finding_name, method_name=method_name)
    boxed = sorted(record["claim"], key=lambda label: (label != LUNG_OPACITY, label))
    text = environment.get_template("report.html").render(
        record=record,
        headline=headline(record),
        plotly=get_plotlyjs(),
        froc=[
            (label, _div(froc_plot(record["claim_curves"][label], label), f"froc{number}"))
            for number, label in enumerate(boxed)
        ],
        roc=_div(roc_plot(record, evaluation.pairs, labels), "roc") if labels else "",
        calibration=_div(calibration_plot(record, labels), "calibration") if labels else "",
        boxed=boxed,
        levels=[f"{level:g}" for level in LEVELS],
        patch_map=PATCH_MAP,
        second_reader=list(record["second_reader"]),
        galleries=[(label, galleries(evaluation.pairs, label)) for label in boxed],
        against=_against(record),
    )
    path.write_text(text, encoding="utf-8")


def drawn_labels(record: dict[str, Any]) -> list[str]:
    """Findings with an AUROC: NIH's eight boxed ones and lung opacity first."""
    first = [*NIH8, LUNG_OPACITY]
    known = [label for label, figures in record["findings"].items() if figures["auroc"]["value"] is not None]
    return [label for label in first if label in known] + [label for label in known if label not in first]


def _against(record: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The differences that a reader looks for first: AUROC, pointing and FROC of each finding, and the means."""
    figures: dict[str, Any] = record.get("against", {}).get("figures", {})
    wanted = (
        "auroc",
        "pointing",
        "patch_auroc_within",
        "acc_iobb_0.1",
        "afp_iobb_0.1",
        "froc",
        "froc/0.5",
        "ece",
    )
    named = {path: path.split("/", 2) for path in figures if path.startswith(("findings/", "summary/"))}
    shown = [
        path
        for path, parts in named.items()
        if parts[-1] in wanted or parts == ["summary", "rsna_normals_without_region"]
    ]
    return [(path, figures[path]) for path in shown]


def _div(plot: go.Figure, name: str) -> str:
    # plotly itself is in the page once; "responsive" lets a plot follow its column.
    html: str = plot.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=name,
        config={"responsive": True, "displaylogo": False},
    )
    return html
