"""Text: vocabulary and prompts, queries in free text, the sentence encoder and the query gate."""

import patchclip._torchvision  # noqa: F401  (first: the encoder's libraries import torchvision)
from patchclip.text.encoder import SentenceEncoder
from patchclip.text.place import Place, PlacePart
from patchclip.text.query import Query, Reading, parse_queries, parse_query, split_queries
from patchclip.text.scope import QueryGate, Verdict
from patchclip.text.vocabulary import PromptPair, Vocabulary, VocabularyFinding

__all__ = [
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
