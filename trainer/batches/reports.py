"""Reports as training sees them: sentences, their features from the frozen encoder, and a batch of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from patchclip.errors import DataError
from trainer.data.loaded import Loaded

SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n\s*\n")
ENCODED_AT_ONCE = 256  # sentences


def sentences_of(report: str, limit: int) -> list[str]:
    """A report's sentences in order, at most `limit`, each of two words or more; enumeration ("1.") is
    dropped."""
    parts = (" ".join(re.sub(r"^\s*\d+[.)]\s*", "", part).split()) for part in SENTENCE_END.split(report))
    return [part for part in parts if len(part.split()) >= 2][:limit]


def mirrored_wording(sentence: str) -> str:
    """The sentence of the mirror image: left and right exchanged, case kept."""

    def swapped(match: re.Match[str]) -> str:
        word = match.group()
        other = {"left": "right", "right": "left"}[word.lower()]
        if word.isupper():
            return other.upper()
        return other.capitalize() if word[0].isupper() else other

    return re.sub(r"\b(left|right)", swapped, sentence, flags=re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReportFeatures:
    """Sentence features [m, E] of one report: as written, and with left and right exchanged for the mirror
    image."""

    plain: NDArray[np.float32]
    mirrored: NDArray[np.float32]


def report_features(
    encode: Callable[[list[str]], Tensor], items: Sequence[Loaded], limit: int
) -> list[ReportFeatures]:
    """Sentence features of every item's report, as written and with left and right exchanged.

    Args:
        encode: sentences -> [N, E], the frozen encoder.
        items: the training images.
        limit: most sentences per report.

    Raises:
        DataError: no item has a report.
    """
    plain = [sentences_of(item.sample.report or "", limit) for item in items]
    wordings = sorted(
        {
            wording
            for sentences in plain
            for sentence in sentences
            for wording in (sentence, mirrored_wording(sentence))
        }
    )
    if not wordings:
        raise DataError(
            "The recipe learns from reports, but no training image has one; set loss.report and "
            "loss.sentences to 0."
        )
    with torch.no_grad():
        parts = [
            encode(wordings[start : start + ENCODED_AT_ONCE]).cpu()
            for start in range(0, len(wordings), ENCODED_AT_ONCE)
        ]
    features = dict(zip(wordings, torch.cat(parts).numpy().astype(np.float32), strict=True))
    width = len(features[wordings[0]])

    def stacked(sentences: list[str]) -> NDArray[np.float32]:
        return (
            np.stack([features[item] for item in sentences])
            if sentences
            else np.zeros((0, width), np.float32)
        )

    return [
        ReportFeatures(stacked(sentences), stacked([mirrored_wording(item) for item in sentences]))
        for sentences in plain
    ]


@dataclass(frozen=True, slots=True)
class Reports:
    """Sentence features of a batch's reports.

    Attributes:
        features: float32 [B, M, E], from the frozen sentence encoder; zeros in empty slots.
        mask: bool [B, M]; a row of False is an image without a report.
    """

    features: Tensor
    mask: Tensor


def padded_features(features: Sequence[Tensor], width: int) -> Reports:
    """One [m_i, E] tensor per image -> `Reports`; m_i may be 0."""
    longest = max([1, *(len(item) for item in features)])
    out = torch.zeros(len(features), longest, width)
    mask = torch.zeros(len(features), longest, dtype=torch.bool)
    for row, item in enumerate(features):
        out[row, : len(item)] = item
        mask[row, : len(item)] = True
    return Reports(out, mask)
