"""python -m trainer phrases: what queries are compared with, encoded beforehand."""

from __future__ import annotations

import argparse
from pathlib import Path

from patchclip.model.checkpoint import load_checkpoint
from patchclip.resources import BUNDLED, PHRASES, VOCABULARY
from patchclip.text.encoded_phrases import save_phrases
from patchclip.text.encoder import SentenceEncoder
from patchclip.text.scope import OUTSIDE, phrases_of
from patchclip.text.vocabulary import Vocabulary

HELP = (
    "encode the phrases that queries are compared with, once for all starts; after a change of the vocabulary"
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    parser.add_argument(
        "--out", type=Path, default=PHRASES, metavar="FILE", help="where they are written (the library's own)"
    )


def run(options: argparse.Namespace) -> None:
    """Those of the project's vocabulary, of the bundled model's, and of what is outside both."""
    vocabularies = Vocabulary.from_json(VOCABULARY), load_checkpoint(BUNDLED).vocabulary
    phrases = [text for vocabulary in vocabularies for text in phrases_of(vocabulary)]
    texts = list(dict.fromkeys([*phrases, *OUTSIDE]))
    features = SentenceEncoder(phrases=None).encode(texts)
    save_phrases(options.out, dict(zip(texts, features, strict=True)))
    print(f"{options.out}: {len(texts)} phrases")
