"""Text: vocabulary and prompts, queries in free text, the sentence encoder and the query gate.

The encoder and the gate need torch and are imported when they are first used; reading text needs neither.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from patchclip.text.echo import Echo
from patchclip.text.place import Place, PlacePart
from patchclip.text.query import Query, Reading, parse_queries, parse_query, split_queries
from patchclip.text.vocabulary import PromptPair, Vocabulary, VocabularyFinding

if TYPE_CHECKING:
    from patchclip.text.encoder import SentenceEncoder
    from patchclip.text.scope import QueryGate, Verdict

_MODULES = {"SentenceEncoder": "encoder", "QueryGate": "scope", "Verdict": "scope"}  # that need torch

__all__ = [
    "Echo",
    "Place",
    "PlacePart",
    "PromptPair",
    "Query",
    "QueryGate",
    "Reading",
    "SentenceEncoder",
    "Verdict",
    "Vocabulary",
    "VocabularyFinding",
    "parse_queries",
    "parse_query",
    "split_queries",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"patchclip.text.{_MODULES[name]}"), name)
