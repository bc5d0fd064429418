"""The verdict on the patient's sides for every combination of what header, letters and heart say."""

from __future__ import annotations

from itertools import product

import pytest

from patchclip.image.orientation.verdict import (
    CONTRADICTORY,
    HeaderSides,
    LetterSides,
    Sides,
    compare_sides,
)
from patchclip.types import Laterality

SIDES: dict[str, Laterality | None] = {"-": None, "r": "right", "l": "left", "R": "right", "L": "left"}
TABLE = """
    -  -  -  right display  silent
    -  -  r  right display  silent
    -  -  l  right display  situs
    -  r  -  right display  silent
    -  r  r  right display  silent
    -  r  l  right display  displaced
    -  R  -  right display  silent
    -  R  r  right display  silent
    -  R  l  right display  displaced
    -  l  -  right display  letter
    -  l  r  right display  letter
    -  l  l  left  letters  mirrored
    -  L  -  left  letters  mirrored
    -  L  r  right display  letter
    -  L  l  left  letters  mirrored
    r  -  -  right header   silent
    r  -  r  right header   silent
    r  -  l  right header   unsure
    r  r  -  right header   silent
    r  r  r  right header   silent
    r  r  l  right header   displaced
    r  R  -  right header   silent
    r  R  r  right header   silent
    r  R  l  right header   displaced
    r  l  -  right header   letter
    r  l  r  right header   letter
    r  l  l  right header   wrong
    r  L  -  right header   letter
    r  L  r  right header   letter
    r  L  l  right header   wrong
    l  -  -  left  header   silent
    l  -  r  left  header   unsure
    l  -  l  left  header   silent
    l  r  -  left  header   letter
    l  r  r  left  header   wrong
    l  r  l  left  header   letter
    l  R  -  left  header   letter
    l  R  r  left  header   wrong
    l  R  l  left  header   letter
    l  l  -  left  header   silent
    l  l  r  left  header   displaced
    l  l  l  left  header   silent
    l  L  -  left  header   silent
    l  L  r  left  header   displaced
    l  L  l  left  header   silent
"""
"""Where header, letters (capitals: shaped as mirrored) and heart put the patient's left in the image, the
side that answers follow, whom they follow, and what the reader is told."""
GUESSES = {
    "situs": "a mirrored film, situs inversus or a displaced heart",
    "unsure": "a mirrored film, a wrong header, situs inversus or a displaced heart",
    "displaced": "situs inversus, or a heart that is displaced",
    "letter": "the film may be mirrored, or the letter misplaced or misread",
    "wrong": "the film seems to be mirrored or its header wrong",
    "mirrored": "the film seems to be mirrored",
}
ROWS = [line.split() for line in TABLE.strip().splitlines()]


def test_every_combination_stands_in_the_table() -> None:
    assert sorted(tuple(row[:3]) for row in ROWS) == sorted(product("-rl", "-rlRL", "-rl"))


@pytest.mark.parametrize(
    ("header", "letters", "heart", "taken", "source", "told"), ROWS, ids=["".join(row[:3]) for row in ROWS]
)
def test_combination(header: str, letters: str, heart: str, taken: str, source: str, told: str) -> None:
    verdict = compare_sides(
        HeaderSides(SIDES[header]), LetterSides(SIDES[letters], letters.isupper()), SIDES[heart]
    )
    assert (verdict.patient_left, verdict.source) == (taken, source)
    if told == "silent":
        assert verdict.warnings == ()
        return
    (sentence,) = verdict.warnings
    assert f": {GUESSES[told]}; " in sentence
    followed = {"header": "the header", "letters": "the side letter", "display": "the usual display"}[source]
    assert f"sides in answers follow {followed}" in sentence
    assert f"the patient's left at the {taken} of the image" in sentence
    assert sentence.endswith(".") and sentence.count(". ") == 0


def test_sentences_name_who_speaks_for_what() -> None:
    """Word for word, one of each kind."""
    right = HeaderSides("right")
    assert compare_sides(right, LetterSides("left", mirrored=True), "left").warnings == (
        "A mirrored side letter and the heart put the patient's left at the left of the image, but the "
        "header at the right: the film seems to be mirrored or its header wrong; sides in answers follow "
        "the header, the patient's left at the right of the image.",
    )
    assert compare_sides(HeaderSides(), LetterSides(), "left").warnings == (
        "The heart puts the patient's left at the left of the image: a mirrored film, situs inversus or a "
        "displaced heart; sides in answers follow the usual display, the patient's left at the right of the "
        "image.",
    )
    assert compare_sides(right, LetterSides("right"), "left").warnings == (
        "The heart puts the patient's left at the left of the image, but the header and a side letter at the "
        "right: situs inversus, or a heart that is displaced; sides in answers follow the header, the "
        "patient's left at the right of the image.",
    )
    assert compare_sides(HeaderSides(), LetterSides("left"), "left").warnings == (
        "A side letter and the heart put the patient's left at the left of the image: the film seems to be "
        "mirrored; sides in answers follow the side letter.",
    )


def test_a_flip_in_the_header_is_named_only_where_something_is_the_matter() -> None:
    flipped = HeaderSides("right", flipped=True)
    assert compare_sides(flipped, LetterSides("right"), "right").warnings == ()
    (sentence,) = compare_sides(flipped, LetterSides(), "left").warnings
    assert "and the header says that it was turned after exposure" in sentence


def test_a_header_against_itself_is_told_and_no_other_view_is_compared() -> None:
    contradictory = HeaderSides("right", contradictory=True, comparable=False)
    assert compare_sides(contradictory, LetterSides("left"), "left") == Sides(
        "right", "header", (CONTRADICTORY,)
    )
    assert compare_sides(HeaderSides(comparable=False), LetterSides("left", mirrored=True), "left") == Sides(
        "right", "display"
    )
