"""The frozen sentence encoder of the bundled model: all-MiniLM-L6-v2, from an installed package, with no
network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from patchclip.resources import PHRASES
from patchclip.text.encoded_phrases import load_phrases
from patchclip.text.encoder_package import encoder_folder

if TYPE_CHECKING:
    from patchclip.text.minilm import MiniLM

CACHE_SIZE = 4096
AT_ONCE = 64
"""Texts of one batch."""


class SentenceEncoder:
    """Texts to sentence features; every text is encoded once and remembered, or was encoded beforehand.

    all-MiniLM-L6-v2 (Wang et al. 2020; sentence-transformers, Apache-2.0): see `MiniLM`.
    """

    width = 384

    def __init__(self, phrases: Path | None = PHRASES) -> None:
        """Weights and tokenizer are loaded when the first text is encoded: a finding whose prompts a
        checkpoint brings embedded needs neither.

        phrases: file of what was encoded beforehand; None for nothing.

        Raises:
            CheckpointError: the package that holds them is not installed.
        """
        self._folder = encoder_folder()
        self._phrases = phrases
        self._model: MiniLM | None = None
        self._cache: dict[str, Tensor] = {}
        self._lock = Lock()

    def encode(self, texts: Sequence[str]) -> Tensor:
        """[N] texts -> float32 [N, 384], unit norm.

        Raises:
            CheckpointError: what was encoded beforehand is missing or damaged.
        """
        with self._lock:
            ready = self._ready
            others = [text for text in dict.fromkeys(texts) if text not in ready]
            missing = [text for text in others if text not in self._cache]
            if len(self._cache) + len(missing) > CACHE_SIZE:
                self._cache.clear()
                missing = others
            missing.sort(key=len)  # a batch is as long as its longest text, and as slow
            for start in range(0, len(missing), AT_ONCE):
                part = missing[start : start + AT_ONCE]
                for text, feature in zip(part, self._forward(part), strict=True):
                    self._cache[text] = feature
            return torch.stack([ready[text] if text in ready else self._cache[text] for text in texts])

    def prepare(self) -> None:
        """Loads the weights, and encodes a text with them: the first one takes longer than any other."""
        with self._lock:
            if self._model is None:
                self._forward(["chest"])

    @cached_property
    def _ready(self) -> dict[str, Tensor]:
        return load_phrases(self._phrases) if self._phrases else {}

    def _forward(self, texts: list[str]) -> Tensor:
        self._model = self._model or self._load()
        features: Tensor = self._model(texts)
        return features

    def _load(self) -> MiniLM:
        """The model with its weights."""
        from patchclip.text.minilm import MiniLM

        return MiniLM(self._folder)


@lru_cache(maxsize=1)
def shared_encoder() -> SentenceEncoder:
    """The process's one encoder."""
    return SentenceEncoder()
