"""The vocabulary for new models, and what an older model may take from it."""

from __future__ import annotations

from dataclasses import replace

from tests.tiny import BUNDLED_VOCABULARY, VOCABULARY

NEW = ("Aortic_Enlargement", "ILD", "Other_Lesion")


def test_the_bundled_model_keeps_its_findings_and_prompts() -> None:
    assert VOCABULARY.labels == BUNDLED_VOCABULARY.labels
    for label in BUNDLED_VOCABULARY.labels:
        assert VOCABULARY.prompts(label) == BUNDLED_VOCABULARY.prompts(label)


def test_no_wording_means_two_findings() -> None:
    owners: dict[str, str] = {}
    for item in VOCABULARY.findings:
        for text in (item.name, *item.synonyms, *item.aliases, *item.normal):
            assert owners.setdefault(text.lower(), item.label) == item.label, text


def test_an_older_vocabulary_gains_wordings_and_loses_none() -> None:
    """Not even those that the newer one gives to a finding that the older one lacks."""
    known = BUNDLED_VOCABULARY.without(NEW)
    older = replace(
        known,
        findings=tuple(
            replace(item, aliases=(*item.aliases, "interstitial lung disease"))
            if item.label == "Fibrosis"
            else item
            for item in known.findings
        ),
    )
    gained = older.with_wordings_of(VOCABULARY)
    assert gained.labels == older.labels
    for before, after in zip(older.findings, gained.findings, strict=True):
        assert set(before.texts) <= set(after.texts) and before.synonyms == after.synonyms
    assert "interstitial lung disease" in gained.finding("Fibrosis").aliases
    assert "interstitial lung disease" not in VOCABULARY.finding("Fibrosis").aliases


def test_a_finding_with_other_prompts_stays_as_it_was() -> None:
    first, *others = VOCABULARY.findings
    changed = replace(first, synonyms=("only this",), aliases=())
    older = replace(VOCABULARY, findings=(changed, *others))
    assert older.with_wordings_of(VOCABULARY).findings[0] == changed
    assert older.with_wordings_of(VOCABULARY).findings[1:] == tuple(others)
