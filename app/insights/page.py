"""The insights page, in Gradio: a study's figures, its cases, the queue of disagreements, its exports."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import gradio as gr

from app.insights.adjudication import adjudication_tab
from app.insights.desk import CASE_HEADINGS, InsightsDesk, rows_of
from app.insights.spoken import spoken
from app.insights.tables import TABLE_HEADINGS
from app.mounting import heading
from app.people.identity import Identities

TITLE = "Patch-CLIP insights (research use only, not for clinical use)"
HEAD = '<script type="module" src="/page/insights.js"></script>'
KINDS = ("ROC", "AFROC", "wAFROC")
NO_STUDY = (
    "There is no study yet: make one under [Reader studies](/study), or with `python -m app study create`."
)
LEADS = "Click on a point to see its case."
TABS = {
    "Progress": (("times",), ("progress", "times")),
    "Agreement": (("agreement",), ("agreement", "pairs", "boxes")),
    "Accuracy": (("curves", "scores"), ("areas", "arms")),
    "With the model": (("shift",), ("shift", "reliance")),
    "Maps": ((), ("maps", "wrong maps")),
    "Confidence": (("calibration",), ("calibration",)),
}
"""Tab -> (plots, tables)."""
CAPTIONS = {
    "progress": "Progress",
    "times": "Reading time",
    "agreement": "Agreement of all readers",
    "pairs": "Agreement of each two readers",
    "boxes": "Overlap of boxes",
    "areas": "Areas under the curves",
    "arms": "Difference of areas, by multi-reader multi-case analysis",
    "shift": "Sensitivity and specificity, without and with the model",
    "reliance": "Reliance on the model",
    "maps": "Maps called correct, on the same readings",
    "wrong maps": "Maps against the truth",
    "calibration": "Calibration of ratings",
}
WIDE = ("arms", "shift", "reliance")
"""Tables whose columns share the width of the page."""
EXPORTS = {
    "csv": "Readings for multi-reader software (CSV)",
    "json": "All readings (JSON)",
    "coco": "Boxes (COCO)",
    "package": "Data package (ZIP)",
}


def insights_page(desk: InsightsDesk, identities: Identities, pages: Collection[str]) -> gr.Blocks:
    """The page; nothing in it has the browser compile text to code, which its policy forbids.

    pages: that it leads to, see `heading`.
    """
    page: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.Markdown(heading("Insights", pages))
        with gr.Row():
            study = gr.Dropdown(label="Study", choices=[], interactive=True, scale=3)
            finding = gr.Dropdown(label="Finding", choices=[], interactive=True, scale=2)
            kind = gr.Radio(KINDS, value=KINDS[0], label="Curve", scale=3)
            again = gr.Button("Refresh", scale=1)
        note = gr.Markdown()
        plots, tables = _tabs()
        with gr.Accordion("Case", open=True, elem_id="insights-case") as opened:
            case = gr.Number(
                label="Number of the case (click on a point of a plot, or type it)",
                precision=0,
                elem_id="insights-case-number",
            )
            film = gr.Plot(label="Film", elem_id="insights-film")
            said = gr.Dataframe(
                headers=list(CASE_HEADINGS), label="What was said of it", interactive=False, wrap=True
            )
        with gr.Tabs():
            adjudication_tab(desk.source, identities, study, opened)
            with gr.Tab("Exports"):
                gr.Markdown(
                    "The data package has no film and no name of a reader; another site computes the same "
                    "figures from it: `python -m app study analyse --package FILE --out FOLDER`."
                )
                prepare = gr.Button("Prepare files")
                files = {key: gr.DownloadButton(label, interactive=False) for key, label in EXPORTS.items()}

        shown = [note, finding, *plots.values(), *tables.values()]

        def show(number: int | None, label: str | None, curve: str) -> list[Any]:
            if number is None:
                return [
                    NO_STUDY,
                    gr.Dropdown(choices=[], value=None),
                    *(None for _ in plots),
                    *([] for _ in tables),
                ]
            told = desk.shown(number, label, curve)
            return [
                told.note,
                gr.Dropdown(choices=list(told.findings), value=told.finding or None),
                *(told.plots[name] for name in plots),
                *(rows_of(told.tables[name]) for name in tables),
            ]

        def begin(curve: str) -> list[Any]:
            choices = desk.choices()
            number = choices[0].study if choices else None
            listed = gr.Dropdown(choices=[(item.title, item.study) for item in choices], value=number)
            return [listed, *show(number, None, curve)]

        def look(number: int | None, label: str | None, chosen: int | None) -> list[Any]:
            if number is None or not chosen:
                return [None, [], gr.Accordion()]
            told = desk.case(number, int(chosen), label or "")
            return [told.film, told.rows, gr.Accordion(open=True)]

        def made(number: int | None) -> list[Any]:
            if number is None:
                raise gr.Error("Choose a study first.", print_exception=False)
            paths = desk.files(number)
            return [gr.DownloadButton(value=paths[key], interactive=True) for key in files]

        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"}
        asked = [study, finding, kind]
        page.load(spoken(begin), [kind], [study, *shown], **private)
        for trigger in (study.input, finding.input, kind.input, again.click):
            trigger(spoken(show), asked, shown, **private)
        case.change(spoken(look), [study, finding, case], [film, said, opened], **private)
        prepare.click(spoken(made), [study], list(files.values()), **private)
    return page


def _tabs() -> tuple[dict[str, gr.Plot], dict[str, gr.Dataframe]]:
    plots: dict[str, gr.Plot] = {}
    tables: dict[str, gr.Dataframe] = {}
    with gr.Tabs():
        for title, (drawn, listed) in TABS.items():
            with gr.Tab(title):
                for name in drawn:
                    plots[name] = gr.Plot(label=LEADS, elem_id=f"plot-{name}")
                for name in listed:
                    key, count = name.replace(" ", "-"), len(TABLE_HEADINGS[name])
                    tables[name] = gr.Dataframe(
                        headers=list(TABLE_HEADINGS[name]),
                        label=CAPTIONS[name],
                        interactive=False,
                        wrap=True,
                        # Else long words push the last columns out of sight.
                        column_widths=[f"{100 / count:.2f}%"] * count if name in WIDE else None,
                        elem_id=f"table-{key}",
                    )
    return plots, tables
