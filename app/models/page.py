"""The page of models, in Gradio: which there are, how each compares with its parent, which answers,
teaching."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.insights.spoken import spoken
from app.models.desk import FIGURES, MODELS, ModelsDesk
from app.mounting import heading

TITLE = "Patch-CLIP models (research use only, not for clinical use)"
EVERY_S = 2.0
GUIDE = (
    "A model is taught from what readers said, compared with the one that it was made from on cases that "
    "neither learnt from, and refused where it is worse. It answers nothing before it is chosen here."
)
OVERRIDE = "Why a worse model is to be taken nevertheless (empty: it is refused)"


def models_page(desk: ModelsDesk) -> gr.Blocks:
    """The page; nothing in it has the browser compile text to code, which its policy forbids."""
    page: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.Markdown(heading("Models", GUIDE))
        listed = gr.Dataframe(
            headers=list(MODELS), label="Models", interactive=False, wrap=True, elem_id="table-models"
        )
        with gr.Row():
            model = gr.Dropdown(label="Model", choices=[], interactive=True, scale=3, elem_id="models-chosen")
            use = gr.Button("Use this model", scale=1)
            again = gr.Button("Refresh", scale=1)
        note = gr.Markdown(elem_id="models-note")
        figures = gr.Dataframe(
            headers=list(FIGURES), label="Against its parent", interactive=False, elem_id="table-figures"
        )
        gr.Markdown("## Teach")
        with gr.Row():
            study = gr.Dropdown(label="Readings", choices=[], interactive=True, scale=3)
            name = gr.Textbox(label="Name of the new model", max_length=60, scale=2)
        override = gr.Textbox(label=OVERRIDE, max_length=500)
        with gr.Row():
            teach = gr.Button("Teach the model above from these readings", variant="primary")
            cancel = gr.Button("Cancel")
        progress = gr.Markdown(elem_id="models-progress")
        log = gr.Textbox(label="Log", lines=8, max_lines=8, interactive=False, elem_id="models-log")
        clock = gr.Timer(EVERY_S, active=False)

        def state() -> list[Any]:
            told = desk.progress()
            choices = gr.Dropdown(choices=desk.choices())  # a model that is made may be chosen at once
            return [told.words, told.log, gr.Timer(active=told.runs), desk.models(), choices]

        def refresh(chosen: str | None, of: int | None) -> list[Any]:
            models, studies = desk.choices(), desk.studies()
            value = chosen if chosen in [sha256 for _, sha256 in models] else desk.in_use()
            number = of if of in [item for _, item in studies] else studies[0][1]
            return [
                gr.Dropdown(choices=models, value=value),
                gr.Dropdown(choices=studies, value=number),
                *compared(value),
                *state()[:-1],
            ]

        def compared(chosen: str | None) -> list[Any]:
            return list(desk.comparison(chosen or desk.in_use()))

        def exchange(chosen: str | None) -> list[Any]:
            return [desk.use(chosen or ""), desk.models()]

        def begin(chosen: str | None, of: int | None, called: str, why: str) -> list[Any]:
            desk.teach(chosen or "", of, called, why)
            return state()

        def end() -> list[Any]:
            desk.cancel()
            return state()

        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"}
        told = [progress, log, clock, listed, model]
        everything = [model, study, note, figures, *told[:-1]]
        page.load(spoken(refresh), [model, study], everything, **private)
        again.click(spoken(refresh), [model, study], everything, **private)
        model.input(spoken(compared), [model], [note, figures], **private)
        use.click(spoken(exchange), [model], [note, listed], **private)
        teach.click(spoken(begin), [model, study, name, override], told, **private)
        cancel.click(spoken(end), None, told, **private)
        clock.tick(spoken(state), None, told, api_visibility="private", show_progress="hidden")
    return page
