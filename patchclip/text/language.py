"""The language data of the library, read once: assets/language holds words, places, assertion terms, lexicon
and translations.

What a model was trained on (findings, prompts) travels in its checkpoint; how people write about it is the
library's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from patchclip.errors import PatchClipError
from patchclip.resources import LANGUAGE

TRANSLATED = ("german", "french", "spanish", "italian", "portuguese", "dutch")


@dataclass(frozen=True, slots=True)
class WordLists:
    """English words by use, lower case, as assets/language/words.json has them.

    Attributes:
        function: articles, prepositions, copulas; they may stand between the words of any phrase.
        degree: how much, how long, how sure: they may stand there too.
        fillers: words of questions and requests.
        common: other words that carry no finding.
        prefixes: beginnings of words that a hyphen may part from the rest: "hypo-inflation".
        breaks: words that end a noun phrase.
        said: words that may stand between a structure and what is said of it: "heart size and contour are".
        negating: single words that negate a free phrase.
        units: after a number, they show that a 0 is no "no".
        generic: single words that name a finding of the chest only where nothing speaks of another place:
            "adrenal nodule".
        chest: words that put a finding into the chest.
        describing: words that describe a finding and put it nowhere.
        foreign: words of another part of the body, or of none: beside a finding they outweigh it.
        other: medical words that must never be taken for a misspelt finding.
        spelling: variant, misspelling or abbreviation -> word.
        shorthand: abbreviation, with or without marks -> words.
        guarded: pairs of opposite affixes ("hypo", "hyper"); no correction leads from one to the other.
        abbreviations: words that a full stop may follow inside a sentence: "Lt. effusion".
        shortened: words that a full stop may follow inside a sentence if a small letter is next: "neg. for
            effusion".
    """

    function: frozenset[str]
    degree: frozenset[str]
    fillers: frozenset[str]
    common: frozenset[str]
    breaks: frozenset[str]
    said: frozenset[str]
    negating: frozenset[str]
    prefixes: frozenset[str]
    units: frozenset[str]
    generic: frozenset[str]
    chest: frozenset[str]
    describing: frozenset[str]
    foreign: frozenset[str]
    other: frozenset[str]
    spelling: dict[str, str]
    shorthand: dict[str, str]
    guarded: tuple[tuple[str, str], ...]
    abbreviations: frozenset[str]
    shortened: frozenset[str]


@lru_cache(maxsize=1)
def word_lists() -> WordLists:
    """The lists of words.json."""
    values = read("words")
    lists = {
        name: frozenset(" ".join(values[name]).split())
        for name in (
            "function",
            "degree",
            "fillers",
            "common",
            "breaks",
            "said",
            "negating",
            "prefixes",
            "units",
            "generic",
            "chest",
            "describing",
            "foreign",
            "other",
            "abbreviations",
            "shortened",
        )
    }
    return WordLists(
        **lists,
        spelling=values["spelling"],
        shorthand=values["shorthand"],
        guarded=tuple((first, second) for first, second in values["guarded"]),
    )


@lru_cache(maxsize=16)
def read(name: str) -> dict[str, Any]:
    """One file of the folder.

    Raises:
        PatchClipError: it is missing or no JSON.
    """
    path = LANGUAGE / f"{name}.json"
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PatchClipError(
            f"The language data {path} cannot be read ({type(error).__name__}); install the library anew."
        ) from error
    return values
