"""The page of the archive search, in Gradio: a text and filters, the hits, one of them with its map."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.archive_search.absent import TITLE
from app.archive_search.desk import HEADINGS, MOST_HITS, SearchDesk, Wanted
from app.insights.spoken import spoken
from app.mounting import READERS_PAGES, heading

SIDES = [("either", ""), ("left", "left"), ("right", "right")]
USUAL_HITS = 20
TABLE_HEIGHT = 250
"""CSS pixels: in a window of 1366 x 768 the link to the viewer is seen below the hits."""


def search_page(desk: SearchDesk) -> gr.Blocks:
    """The page; nothing in it has the browser compile text to code, which its policy forbids."""
    page: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.Markdown(heading("Archive search", READERS_PAGES))
        with gr.Row():
            text = gr.Textbox(
                label="Look for", placeholder="pneumothorax, left", elem_id="search-text", scale=4
            )
            go = gr.Button("Search", variant="primary", elem_id="search-go", scale=1)
        with gr.Row():
            side = gr.Dropdown(SIDES, value="", label="Side of the patient")
            place = gr.Textbox(label="Place", placeholder="lower zone")
            view = gr.Textbox(label="View", placeholder="PA, AP", elem_id="search-view")
            since = gr.Textbox(label="Read since", placeholder="2026-01-31")
            until = gr.Textbox(label="Read until", placeholder="2026-01-31")
            count = gr.Number(USUAL_HITS, label="Hits", precision=0, minimum=1, maximum=MOST_HITS)
        note = gr.Markdown(elem_id="search-note")
        tokens = gr.State([])
        hits = gr.Dataframe(
            headers=list(HEADINGS),
            label="Hits",
            interactive=False,
            wrap=True,
            elem_id="search-hits",
            max_height=TABLE_HEIGHT,
        )
        with gr.Row():
            number = gr.Number(
                1, label="Show hit", precision=0, minimum=1, elem_id="search-number", scale=0, min_width=160
            )
            words = gr.Markdown(elem_id="search-words")
        plot = gr.Plot(label="Stored map", elem_id="search-plot")

        async def look(
            text: str, side: str, place: str, view: str, since: str, until: str, count: int | None
        ) -> list[Any]:
            wanted = Wanted(text, side or "", place, view, since, until, int(count or USUAL_HITS))
            shown = await desk.find(wanted)
            first = 1 if shown.tokens else None
            told = await desk.show(shown.tokens[0]) if shown.tokens else None
            return [
                shown.note,
                shown.rows,
                list(shown.tokens),
                first,
                told.words if told else "No image fits.",
                told.plot if told else None,
            ]

        async def show(kept: list[str], chosen: int | None) -> list[Any]:
            if not chosen or not 1 <= chosen <= len(kept):
                return ["Choose one of the hits by its number.", None]
            told = await desk.show(kept[int(chosen) - 1])
            return [told.words, told.plot]

        async def choose(kept: list[str], event: gr.SelectData) -> list[Any]:
            number = int(event.row_value[0])  # rows may have been sorted
            return [number, *await show(kept, number)]

        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"}
        asked = [text, side, place, view, since, until, count]
        fields = (text, place, view, since, until, count)
        for trigger in (go.click, *(field.submit for field in fields)):
            trigger(spoken(look), asked, [note, hits, tokens, number, words, plot], **private)
        hits.select(spoken(choose), [tokens], [number, words, plot], **private)
        number.input(spoken(show), [tokens, number], [words, plot], **private)
    return page
