"""What the page draws: a thumbnail, colour tables, answers with their maps."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from matplotlib import colormaps

from app.answer_replies import (
    AnswerReply,
    EchoReply,
    ExplorationReply,
    MapReply,
    OperatingPointReply,
    RegionReply,
    WordReply,
)
from patchclip import Answer, PatchMap, Radiograph
from patchclip.agreement import standing
from patchclip.text import Echo, Reading
from patchclip.text.notes import correction
from patchclip.types import Exploration

THUMBNAIL_LENGTH = 96
LONGEST_NAME = 80  # characters of a typed text that an answer is called by
ASSERTED = {
    "present": "",
    "absent": "no ",
    "uncertain": "possible ",
    "historical": "previous ",
    "comparison": "change in ",
}
"""What a question begins with that is read as that assertion."""
COLOUR_MAPS = ("inferno", "viridis", "cividis", "Blues_r")


def thumbnail(radiograph: Radiograph) -> str:
    """The radiograph as a small PNG data URL, see `picture_url`."""
    return picture_url(radiograph, THUMBNAIL_LENGTH)


def picture_url(radiograph: Radiograph, longest: int) -> str:
    """The radiograph as a PNG data URL, 8 bits, at most `longest` pixels long and wide."""
    pixels = radiograph.pixels
    reduction = min(1.0, longest / max(pixels.shape))
    if reduction < 1:
        height, width = (max(1, round(length * reduction)) for length in pixels.shape)
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    _, encoded = cv2.imencode(".png", np.round(pixels * 255).astype(np.uint8))
    return "data:image/png;base64," + base64.b64encode(encoded.tobytes()).decode()


@lru_cache(maxsize=1)
def colour_tables() -> dict[str, list[list[int]]]:
    """Name -> 256 RGB triples, perceptually uniform; the page makes them transparent towards zero."""
    return {
        name.removesuffix("_r").lower(): (colormaps[name](np.linspace(0, 1, 256))[:, :3] * 255)
        .round()
        .astype(int)
        .tolist()
        for name in COLOUR_MAPS
    }


def map_reply(patch_map: PatchMap) -> MapReply:
    """The map with its values as they are: rounded ones would fall on the other side of a threshold."""
    values = patch_map.values.astype(float)
    return MapReply(values=values.tolist(), extent=patch_map.extent, max=float(values.max()))


def keys_of(answers: Sequence[Answer]) -> dict[str, Answer]:
    """The answers to one text by the words that the page calls each by, in order.

    One answer is called by the text as typed, if that is a line. Any other is called by a question that asks
    for it alone, so that nothing else of a text need be kept with it; two that ask the same are one.
    """
    if len(answers) == 1 and len(answers[0].query) <= LONGEST_NAME and "\n" not in answers[0].query:
        return {answers[0].query: answers[0]}
    return {question_for(answer): answer for answer in answers}


def question_for(answer: Answer) -> str:
    """A question that asks for this answer alone: "no pneumothorax", "pleural effusion, left lower zone"."""
    question = f"{ASSERTED[answer.assertion]}{answer.finding}"
    return f"{question}, {answer.place.words}" if answer.place else question


def understood(answer: Answer) -> str:
    """What was made of the query, in words: "pneumothorax, negated, left side of the patient"."""
    parts = [answer.finding]
    if answer.negated:
        parts.append("negated: probability of its absence, map of the finding")
    if answer.place and answer.place.words != answer.laterality:
        parts.append(answer.place.words)
    elif answer.laterality:
        parts.append(f"{answer.laterality} side of the patient")
    if answer.assertion not in ("present", "absent"):
        parts.append(f"read as {answer.assertion}")
    return ", ".join(parts)


def answer_reply(key: str, answer: Answer) -> AnswerReply:
    """An answer as the page shows it, under its key; a query out of scope carries no number."""
    return AnswerReply(
        query=key,
        asked=answer.query,
        span=answer.span,
        finding=answer.finding,
        understood=understood(answer),
        assertion=answer.assertion,
        place=answer.place.words if answer.place else None,
        place_patches=None if answer.place_patches is None else answer.place_patches.tolist(),
        in_vocabulary=answer.in_vocabulary,
        label=answer.label,
        probability=None if answer.probability is None else round(answer.probability, 4),
        operating_point=(
            OperatingPointReply.model_validate(answer.operating_point.to_dict())
            if answer.operating_point
            else None
        ),
        standing=_standing(answer),
        contradiction=answer.contradiction or "",
        threshold=answer.threshold,
        map=map_reply(answer.map),
        regions=[
            RegionReply(x=region.x, y=region.y, w=region.w, h=region.h, score=region.score, peak=region.peak)
            for region in answer.regions
        ],
        warnings=[sentence for sentence in answer.warnings if sentence != answer.contradiction],
    )


def _standing(answer: Answer) -> str:
    if answer.probability is None or answer.operating_point is None:
        return ""
    present = 1 - answer.probability if answer.negated else answer.probability
    return standing(
        present, answer.operating_point, negated=answer.negated, place=answer.place_patches is not None
    )


def echo_reply(reading: Reading) -> EchoReply:
    """A text word by word; put together again, blanks and words are the text up to its last word."""
    text, echo = reading.text, reading.echo
    stops = [0, *(item.stop for item in echo)]
    shown = {_correction(text, item) for item in echo if item.role == "corrected"}
    return EchoReply(
        asked=text,
        words=[
            WordReply(
                before=text[stop : item.start],
                text=text[item.start : item.stop],
                role=item.role,
                became=item.became,
                assertion=item.assertion,
            )
            for stop, item in zip(stops, echo, strict=False)
        ],
        warnings=[sentence for sentence in reading.warnings if sentence not in shown],
    )


def _correction(text: str, item: Echo) -> str:
    """The sentence that says of a word what its arrow shows."""
    return correction(text[item.start : item.stop], item.became)


def exploration_reply(exploration: Exploration, elapsed: float) -> ExplorationReply:
    """The similarities as they are, with their range."""
    values = exploration.similarity.values.astype(float)
    return ExplorationReply(
        phrase=exploration.phrase,
        values=values.tolist(),
        extent=exploration.similarity.extent,
        low=float(values.min()),
        high=float(values.max()),
        explore_ms=elapsed,
    )
