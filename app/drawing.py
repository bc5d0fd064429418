"""What the page needs to draw: the radiograph as a lossless picture, colour tables, and answers as plain JSON."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from matplotlib import colormaps

from patchclip import Answer, PatchMap, Radiograph

LONGEST_SIDE = 3000  # pixels sent to the browser, which zooms in 12 times: every one that most detectors have, and a PNG of a few MB
COLOUR_MAPS = ("inferno", "viridis", "cividis", "Blues_r")


def picture(radiograph: Radiograph) -> str:
    """The radiograph as a PNG data URL, 8 bits, at most `LONGEST_SIDE` on its longest laterality."""
    pixels = radiograph.pixels
    shrink = min(1.0, LONGEST_SIDE / max(pixels.shape))
    if shrink < 1:
        size = (max(1, round(pixels.shape[1] * shrink)), max(1, round(pixels.shape[0] * shrink)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.float32)
    done, encoded = cv2.imencode(".png", np.round(pixels * 255).astype(np.uint8))
    assert done
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


def map_json(shown: PatchMap) -> dict[str, Any]:
    """A map with three decimals; its highest value is that of the numbers sent, so that the page never calls dark what it paints."""
    values = np.round(shown.values.astype(float), 3)
    return {"extent": list(shown.extent), "values": values.tolist(), "max": float(values.max())}


def understood(finding: Answer) -> str:
    """What was made of the query, in words: "pneumothorax, negated, left half"."""
    parts = [finding.finding]
    if finding.negated:
        parts.append("negated: the probability is that of its absence, the map shows the finding")
    if finding.laterality:
        parts.append(f"{finding.laterality} half of the patient")
    return ", ".join(parts)


def answer_json(finding: Answer) -> dict[str, Any]:
    """An answer as the page shows it; a query out of scope carries no number."""
    return {
        "query": finding.query,
        "finding": finding.finding,
        "understood": understood(finding),
        "in_vocabulary": finding.in_vocabulary,
        "probability": round(finding.probability, 4) if finding.in_vocabulary else None,
        "threshold": finding.threshold,
        "map": map_json(finding.map),
        "warnings": list(finding.warnings),
    }
