"""What the page draws: the radiograph as a lossless picture, colour tables, answers with their maps."""

from __future__ import annotations

import base64
from functools import lru_cache

import cv2
import numpy as np
from matplotlib import colormaps

from app.replies import AnswerReply, MapReply, RegionReply
from patchclip import Answer, PatchMap, Radiograph

# Pixels sent to the browser, which zooms in 12 times: all that most detectors have, in a PNG of a few MB.
LONGEST_LENGTH = 3000
COLOUR_MAPS = ("inferno", "viridis", "cividis", "Blues_r")


def picture(radiograph: Radiograph) -> str:
    """The radiograph as a PNG data URL, 8 bits, at most `LONGEST_LENGTH` pixels long and wide."""
    pixels = radiograph.pixels
    reduction = min(1.0, LONGEST_LENGTH / max(pixels.shape))
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


def understood(answer: Answer) -> str:
    """What was made of the query, in words: "pneumothorax, negated, left half"."""
    parts = [answer.finding]
    if answer.negated:
        parts.append("negated: the probability is that of its absence, the map shows the finding")
    if answer.laterality:
        parts.append(f"{answer.laterality} half of the patient")
    return ", ".join(parts)


def answer_reply(answer: Answer) -> AnswerReply:
    """An answer as the page shows it; a query out of scope carries no number."""
    return AnswerReply(
        query=answer.query,
        finding=answer.finding,
        understood=understood(answer),
        in_vocabulary=answer.in_vocabulary,
        probability=round(answer.probability, 4) if answer.in_vocabulary else None,
        threshold=answer.threshold,
        map=map_reply(answer.map),
        regions=[
            RegionReply(x=region.x, y=region.y, w=region.w, h=region.h, score=region.score, peak=region.peak)
            for region in answer.regions
        ],
        warnings=list(answer.warnings),
    )
