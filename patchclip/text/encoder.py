"""The frozen sentence encoder of the bundled model: all-MiniLM-L6-v2, from an installed package, with no
network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn

import patchclip._torchvision  # noqa: F401  (transformers, once loaded, import torchvision)
from patchclip.text.encoder_package import encoder_folder

CACHE_SIZE = 4096
AT_ONCE = 64
"""Texts of one batch."""


class SentenceEncoder:
    """Texts to sentence features; every text is encoded once and remembered.

    all-MiniLM-L6-v2 (Wang et al. 2020; sentence-transformers, Apache-2.0): mean over token states, then unit
    norm.
    """

    width = 384

    def __init__(self) -> None:
        """Weights and tokenizer are loaded when the first text is encoded: most of a start's time, and a
        finding whose prompts a checkpoint brings embedded needs neither.

        Raises:
            CheckpointError: the package that holds them is not installed.
        """
        self._folder = encoder_folder()
        self._parts: tuple[Any, nn.Module] | None = None
        self._cache: dict[str, Tensor] = {}
        self._lock = Lock()

    def encode(self, texts: Sequence[str]) -> Tensor:
        """[N] texts -> float32 [N, 384], unit norm."""
        with self._lock:
            missing = [text for text in dict.fromkeys(texts) if text not in self._cache]
            if len(self._cache) + len(missing) > CACHE_SIZE:
                self._cache.clear()
                missing = list(dict.fromkeys(texts))
            missing.sort(key=len)  # a batch is as long as its longest text, and as slow
            for start in range(0, len(missing), AT_ONCE):
                part = missing[start : start + AT_ONCE]
                for text, feature in zip(part, self._forward(part), strict=True):
                    self._cache[text] = feature
            return torch.stack([self._cache[text] for text in texts])

    @torch.no_grad()
    def _forward(self, texts: list[str]) -> Tensor:
        self._parts = self._parts or self._load()
        tokenizer, model = self._parts
        tokens = tokenizer(texts, padding=True, truncation=True, max_length=128, return_tensors="pt")
        states = model(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1).to(states.dtype)
        features: Tensor = nn.functional.normalize((states * mask).sum(dim=1) / mask.sum(dim=1), dim=-1)
        return features

    def _load(self) -> tuple[Any, nn.Module]:
        """Tokenizer and model."""
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        tokenizer = AutoTokenizer.from_pretrained(self._folder, local_files_only=True)
        model = AutoModel.from_pretrained(self._folder, local_files_only=True)
        return tokenizer, model.eval().requires_grad_(False)


@lru_cache(maxsize=1)
def shared_encoder() -> SentenceEncoder:
    """The process's one encoder."""
    return SentenceEncoder()
