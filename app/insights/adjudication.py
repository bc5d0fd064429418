"""The queue of disagreements on the insights page: opinions under letters, and a consensus on each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from app.insights.consensus import PRESENCES, Decision, decide
from app.insights.disagreements import Disagreement, adjudicated_condition, disagreements
from app.insights.film_plot import film_plot
from app.insights.opinions import InsightsError
from app.insights.source import Source
from app.insights.spoken import person_of, spoken
from app.people.identity import Identities, Role

QUEUE = ("case", "finding", "about", "consensus")
VOICES = ("opinion", "told", "confidence", "boxes")
OPEN = "open"
AGREED = "**Nothing is to be adjudicated**: no two readers who read the same case disagree so far."


def queue_rows(source: Source, study: int) -> list[list[str | int]]:
    """`QUEUE`: what is open first."""
    decided = {(item.case, item.finding): item.presence for item in source.decisions(study)}
    rows: list[list[str | int]] = [
        [item.case, item.finding, item.about, decided.get((item.case, item.finding), OPEN)]
        for item in disagreements(source.readings(study))
    ]
    return sorted(rows, key=lambda row: row[3] != OPEN)


def disagreement(source: Source, study: int, case: int, finding: str) -> Disagreement:
    """One of the queue.

    Raises:
        InsightsError: readers do not disagree there.
    """
    for item in disagreements(source.readings(study)):
        if (item.case, item.finding) == (case, finding):
            return item
    raise InsightsError(f"Readers do not disagree on {finding} in case {case}; choose a row of the queue.")


def settle(
    source: Source,
    study: int,
    item: Disagreement,
    presence: str,
    letters: Sequence[str],
    comment: str,
    adjudicator: int,
) -> Decision:
    """Stores a consensus, with the boxes of the opinions whose letters are named."""
    condition = adjudicated_condition(source.readings(study)) or ""
    boxes = tuple(box for voice in item.voices if voice.letter in letters for box in voice.boxes)
    return decide(
        source.database,
        study,
        Decision(item.case, item.finding, presence, boxes, comment, condition, adjudicator),
    )


def adjudication_tab(
    source: Source, identities: Identities, study: gr.Dropdown, opened_case: gr.Accordion
) -> None:
    """The tab.

    Args:
        source: of the studies.
        identities: by whom the adjudicator is told.
        study: that is chosen on the page.
        opened_case: what was said of a case, with names; it folds once a row of the queue is chosen.
    """
    with gr.Tab("Adjudication") as tab:
        gr.Markdown(
            "What readers disagree on, without their names: each case has letters of its own. Choose a row."
        )
        empty = gr.Markdown(elem_id="queue-note")
        queue = gr.Dataframe(headers=list(QUEUE), label="Disagreements", interactive=False, elem_id="queue")
        with gr.Row():
            case = gr.Number(label="Disputed case", precision=0, interactive=False)
            finding = gr.Textbox(label="Disputed finding", interactive=False)
        film = gr.Plot(label="Film with the boxes of all opinions", elem_id="disputed-film")
        voices = gr.Dataframe(headers=list(VOICES), label="Opinions", interactive=False, elem_id="voices")
        with gr.Row():
            presence = gr.Radio(PRESENCES, label="Consensus")
            letters = gr.CheckboxGroup([], label="Boxes of")
            comment = gr.Textbox(label="Comment", lines=2)
        save = gr.Button("Save consensus", variant="primary")
        state = gr.Markdown()

        item_parts = [case, finding, film, voices, presence, letters, comment]

        def listed(number: int | None) -> list[Any]:
            rows = [] if number is None else queue_rows(source, number)
            return [rows, "" if rows else AGREED]

        def opened(number: int, chosen: int, label: str) -> list[Any]:
            item = disagreement(source, number, chosen, label)
            boxes = {voice.letter: voice.boxes for voice in item.voices if voice.boxes}
            rows = [
                [v.letter, v.presence, "" if v.confidence is None else v.confidence, len(v.boxes)]
                for v in item.voices
            ]
            drawn = film_plot(source.film(number, chosen), boxes, f"Case {chosen}: {label}")
            return [chosen, label, drawn, rows, None, gr.CheckboxGroup(choices=list(boxes), value=[]), ""]

        def select(number: int | None, event: gr.SelectData) -> list[Any]:
            if number is None:
                raise InsightsError("Choose a study first.")
            row = event.row_value
            return opened(number, int(row[0]), str(row[1]))

        def stored(
            number: int | None,
            chosen: int | None,
            label: str,
            told: str | None,
            named: list[str],
            said: str,
            request: gr.Request,
        ) -> list[Any]:
            if number is None or not chosen or not label:
                raise InsightsError("Choose a row of the queue first.")
            person = person_of(identities, request)
            person.require(Role.LEAD)
            item = disagreement(source, number, int(chosen), label)
            decision = settle(source, number, item, told or "", named or [], said or "", person.id)
            rows = queue_rows(source, number)
            note = (
                f"Saved: {label} in case {decision.case} is {decision.presence} "
                f"(revision {decision.revision})."
            )
            following = next((row for row in rows if row[3] == OPEN), None)
            if following is None:
                return [rows, f"{note} Nothing is open.", None, "", None, [], None, gr.CheckboxGroup([]), ""]
            return [rows, note, *opened(number, int(following[0]), str(following[1]))]

        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"}
        gr.on([tab.select, study.change], spoken(listed), [study], [queue, empty], **private)
        queue.select(spoken(_folded), [], [opened_case], **private)
        queue.select(spoken(select), [study], item_parts, **private)
        save.click(
            spoken(stored),
            [study, case, finding, presence, letters, comment],
            [queue, state, *item_parts],
            **private,
        )


def _folded() -> gr.Accordion:
    """A part of the page whose heading alone is seen."""
    return gr.Accordion(open=False)
