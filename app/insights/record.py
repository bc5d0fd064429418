"""Figures of a study as JSON."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from app.insights.figures import StudyFigures
from app.insights.paired import Discordance
from patchclip.accuracy import Proportion
from patchclip.evaluate.bootstrap import Figure

NOTICE = "Research use only, not for clinical use"


def record(figures: StudyFigures) -> dict[str, Any]:
    """Names as in the dataclasses; figures are {"value", "ci", "n"}; infinite or undefined: null."""
    told: dict[str, Any] = _json(figures)
    return {"notice": NOTICE, **told}


def _json(value: Any) -> Any:
    if isinstance(value, Figure):
        return value.to_json()
    if isinstance(value, Proportion):
        low, high = value.interval
        return {"value": value.value, "ci": [low, high], "n": value.total}
    if is_dataclass(value) and not isinstance(value, type):
        told = {field.name: _json(getattr(value, field.name)) for field in fields(value)}
        return {**told, "p": value.p} if isinstance(value, Discordance) else told
    if isinstance(value, np.ndarray):
        return _json(value.tolist())
    if isinstance(value, tuple | list):
        return [_json(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
