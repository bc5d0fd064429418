"""The query gate on lists of queries as radiologists and lay people type them, none of them a phrase of the
vocabulary or of the gate."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from patchclip.text import QueryGate, Vocabulary, parse_query
from patchclip.text.encoder import shared_encoder
from patchclip.text.scope import OUTSIDE
from tests.tiny import BUNDLED_VOCABULARY

HERE = Path(__file__).parent
LISTS = (
    "scope_queries.csv",
    "scope_queries_second.csv",
)  # the second was written when the first had been learnt from
LEARNT_SINCE = {"Aortic_Enlargement", "ILD", "Other_Lesion"}
"""Findings that the model has learnt since the lists were written."""


@pytest.fixture(scope="module")
def gate(vocabulary: Vocabulary) -> QueryGate:
    """Fitted on the project's vocabulary."""
    return QueryGate.fit(vocabulary, shared_encoder())


def rows(name: str) -> list[dict[str, str]]:
    """query, in_scope, finding."""
    with (HERE / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", LISTS)
def test_scope_and_finding_of_what_people_type(vocabulary: Vocabulary, gate: QueryGate, name: str) -> None:
    """At least 99 % in or out of scope as a reader would say, and at least 99 % of the findings."""
    table = rows(name)
    verdicts = [gate.judge(parse_query(row["query"], vocabulary)) for row in table]
    asked = [(row, verdict) for row, verdict in zip(table, verdicts, strict=True) if row["in_scope"] == "yes"]
    wrong = [
        row["query"]
        for row, verdict in zip(table, verdicts, strict=True)
        if verdict.in_vocabulary != (row["in_scope"] == "yes")
    ]
    mistaken = [row["query"] for row, verdict in asked if verdict.label != row["finding"]]
    assert len(wrong) <= 0.01 * len(table), wrong
    assert len(mistaken) <= 0.01 * len(asked), mistaken


def test_lists_are_balanced_and_copied_from_nowhere(vocabulary: Vocabulary) -> None:
    """A list that repeats the vocabulary would measure memory."""
    known = {
        text.lower()
        for item in vocabulary.findings
        for text in (item.name, *item.synonyms, *item.aliases, *item.normal)
    } | {text.lower() for text in OUTSIDE}
    seen: set[str] = set()
    for name, total in zip(LISTS, (200, 100), strict=True):
        table = rows(name)
        assert len(table) == total and sum(row["in_scope"] == "yes" for row in table) == total // 2
        findings = {row["finding"] for row in table if row["in_scope"] == "yes"}
        assert findings == set(BUNDLED_VOCABULARY.labels) - LEARNT_SINCE or name == LISTS[1]
        queries = {row["query"].lower() for row in table}
        assert len(queries) == total and not queries & known and not queries & seen
        seen |= queries


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("coin-sized mass", "Mass"),
        ("8 mm nodule", "Nodule"),
        ("broken rib", "Fracture"),
        ("widened aortic knob", "Aortic_Enlargement"),
        ("reticular interstitial pattern in both lungs", "ILD"),
        ("no large effusion, no tension pneumothorax, no consolidation, cardiomegaly", "Effusion"),
    ],
)
def test_a_generic_word_is_taken_for_the_chest(
    vocabulary: Vocabulary, gate: QueryGate, text: str, label: str
) -> None:
    """Described, measured, placed in the chest or beside another finding of it, it is in scope."""
    assert gate.judge(parse_query(text, vocabulary)).label == label


@pytest.mark.parametrize(
    "text", ["broken umbrella", "nodule of the adrenal gland", "scar on my chin", "broken coffee cup"]
)
def test_a_generic_word_among_others_is_doubted(vocabulary: Vocabulary, gate: QueryGate, text: str) -> None:
    """Another place or another thing outweighs it."""
    assert not gate.judge(parse_query(text, vocabulary)).in_vocabulary
