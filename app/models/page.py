"""The page of models, in Gradio: which there are, how any two compare, which answers, teaching."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import gradio as gr

from app.insights.spoken import spoken
from app.models.desk import FIGURES, MODELS, ModelsDesk
from app.mounting import heading

TITLE = "Patch-CLIP models (research use only, not for clinical use)"
EVERY_S = 2.0
GUIDE = (
    "A model is taught from what readers said, compared with the one that it was made from on cases that "
    "neither learnt from, and refused where it is worse. It answers nothing before it is chosen here. Any "
    "two models can be compared."
)
PARENT = ("the model that it was made from", "")
OVERRIDE = "Why a worse model is to be taken nevertheless (empty: it is refused)"


def models_page(desk: ModelsDesk, pages: Collection[str]) -> gr.Blocks:
    """The page; nothing in it has the browser compile text to code, which its policy forbids.

    pages: that it leads to, see `heading`.
    """
    page: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.Markdown(heading("Models", pages, GUIDE))
        listed = gr.Dataframe(
            headers=list(MODELS), label="Models", interactive=False, wrap=True, elem_id="table-models"
        )
        with gr.Row():
            model = gr.Dropdown(label="Model", choices=[], interactive=True, scale=3, elem_id="models-chosen")
            use = gr.Button("Use this model", scale=1)
            again = gr.Button("Refresh", scale=1)
        with gr.Row():
            other = gr.Dropdown(label="Compare with", choices=[PARENT], value="", interactive=True, scale=3)
            study = gr.Dropdown(
                label="Readings to compare on, or to teach from", choices=[], interactive=True, scale=2
            )
            compare = gr.Button("Compare", scale=1)
        note = gr.Markdown(elem_id="models-note")
        figures = gr.Dataframe(
            headers=list(FIGURES), label="Figures", interactive=False, elem_id="table-figures"
        )
        gr.Markdown("## Teach")
        with gr.Row():
            name = gr.Textbox(label="Name of the new model", max_length=60, scale=2)
        override = gr.Textbox(label=OVERRIDE, max_length=500)
        with gr.Row():
            teach = gr.Button("Teach the model above from the readings above", variant="primary")
            cancel = gr.Button("Cancel")
        progress = gr.Markdown(elem_id="models-progress")
        log = gr.Textbox(label="Log", lines=8, max_lines=8, interactive=False, elem_id="models-log")
        clock = gr.Timer(EVERY_S, active=False)

        def state(chosen: str | None, with_: str | None) -> list[Any]:
            told = desk.progress()
            # A model that is made may be chosen at once, and a comparison is shown as it is done.
            choices = desk.choices()
            return [
                told.words,
                told.log,
                gr.Timer(active=told.runs),
                desk.models(),
                gr.Dropdown(choices=choices),
                gr.Dropdown(choices=[PARENT, *choices]),
                *([gr.skip(), gr.skip()] if told.runs else compared(chosen, with_)),
            ]

        def refresh(chosen: str | None, with_: str | None, of: int | None) -> list[Any]:
            models, studies = desk.choices(), desk.studies()
            value = chosen if chosen in [sha256 for _, sha256 in models] else desk.in_use()
            number = of if of in [item for _, item in studies] else studies[0][1]
            before = with_ if with_ in [sha256 for _, sha256 in models] else ""
            told = desk.progress()
            return [
                gr.Dropdown(choices=models, value=value),
                gr.Dropdown(choices=[PARENT, *models], value=before),
                gr.Dropdown(choices=studies, value=number),
                told.words,
                told.log,
                gr.Timer(active=told.runs),
                desk.models(),
                *compared(value, before),
            ]

        def compared(chosen: str | None, with_: str | None) -> list[Any]:
            return list(desk.pair(chosen or desk.in_use(), with_ or None))

        def against(chosen: str | None, with_: str | None, of: int | None) -> list[Any]:
            desk.compare(chosen or desk.in_use(), with_ or None, of)
            return state(chosen, with_)

        def exchange(chosen: str | None) -> list[Any]:
            return [desk.use(chosen or ""), desk.models()]

        def begin(chosen: str | None, with_: str | None, of: int | None, called: str, why: str) -> list[Any]:
            desk.teach(chosen or "", of, called, why)
            return state(chosen, with_)

        def end(chosen: str | None, with_: str | None) -> list[Any]:
            desk.cancel()
            return state(chosen, with_)

        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"}
        pair, told = [model, other], [progress, log, clock, listed]
        after = [*told, model, other, note, figures]
        everything = [model, other, study, *told, note, figures]
        page.load(spoken(refresh), [*pair, study], everything, **private)
        again.click(spoken(refresh), [*pair, study], everything, **private)
        for chosen in pair:
            chosen.input(spoken(compared), pair, [note, figures], **private)
        use.click(spoken(exchange), [model], [note, listed], **private)
        compare.click(spoken(against), [*pair, study], after, **private)
        teach.click(spoken(begin), [*pair, study, name, override], after, **private)
        cancel.click(spoken(end), pair, after, **private)
        clock.tick(spoken(state), pair, after, api_visibility="private", show_progress="hidden")
    return page
