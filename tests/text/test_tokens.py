"""Text to tokens and sentences: nothing is lost, and what clinicians write in short is read in full."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchclip.text.sentences import split_sentences
from patchclip.text.tokens import read_tokens, tokens_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("R/O foo", ["rule", "out", "foo"]),
        ("c/p angle", ["c", "p", "angle"]),
        ("s/p TB c/w MTB", ["status", "post", "tb", "consistent", "with", "mtb"]),
        ("Ø PTX, ∅ effusion", ["no", "ptx", "no", "effusion"]),
        ("-ve PTX, effusion (-)", ["negative", "ptx", "effusion", "negative"]),
        ("0 PTX; PTX: 0; nodule 0.5 cm", ["no", "ptx", "ptx", "no", "nodule", "0.5", "cm"]),
        ("RLL, LLZ, rul", ["right", "lower", "lobe", "left", "lower", "zone", "right", "upper", "lobe"]),
        ("L-sided, r base, 2 L, L-spine", ["left", "sided", "right", "base", "2", "l", "l", "spine"]),
        ("rib # on the left", ["rib", "fracture", "on", "the", "left"]),
        ("PTX -, effusion +", ["ptx", "negative", "effusion", "positive"]),
        ("- effusion", ["effusion"]),
        ("épanchement à l'apex", ["epanchement", "a", "l'", "apex"]),
        ("can't, isn’t", ["can", "not", "is", "not"]),
        ("effusions, masses, opacities, fibrosis", ["effusion", "mass", "opacity", "fibrosis"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    """Short forms are read in full, marks that mean a word are words, and others are none."""
    assert tokens_of(text) == words


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_every_token_lies_where_it_was_typed(text: str) -> None:
    """Tokens are in order, and what lies between them is blank."""
    position = 0
    for token in read_tokens(text):
        if token.start < position:  # another word of the same abbreviation
            assert text[token.start : token.stop] == token.text
            continue
        assert not text[position : token.start].strip()
        assert text[token.start : token.stop] == token.text
        position = token.stop
    assert not text[position:].strip()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("No effusion. Small nodule of 1.5 cm.", 2),
        ("neg. for effusion", 1),
        ("PTX: neg. Effusion: pos.", 2),
        ("Lt. effusion", 1),
        ("effusion? mass?", 2),
        ("fever, ?pneumonia", 1),
        ("nodule? no", 1),
        ("effusion; no PTX\nmass", 3),
    ],
)
def test_sentences(text: str, count: int) -> None:
    """A full stop that shortens a word ends nothing, and a question mark before a word belongs to it."""
    assert len(list(split_sentences(read_tokens(text)))) == count
