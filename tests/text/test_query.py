"""Queries in free text: finding, negation and side, from real radiology wording to typing errors."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchclip import QueryError
from patchclip.text import QueryGate, Vocabulary, parse_query, split_queries
from patchclip.text.encoder import shared_encoder

UNDERSTOOD = [
    ("pleural effusion", "Effusion", False, None),
    ("is there any fluid in the left lung?", "Effusion", False, "left"),
    ("no pneumothorax", "Pneumothorax", True, None),
    ("enlarged heart", "Cardiomegaly", False, None),
    ("PTX", "Pneumothorax", False, None),
    ("The heart is not enlarged.", "Cardiomegaly", True, None),
    ("normal heart size", "Cardiomegaly", True, None),
    ("lungs are clear", "Lung Opacity", True, None),
    ("pneumothorax is absent", "Pneumothorax", True, None),
    ("Effusion: none", "Effusion", True, None),
    ("not without effusion", "Effusion", False, None),
    ("rule out pneumothorax", "Pneumothorax", False, None),
    ("left-sided plueral efusion", "Effusion", False, "left"),
    ("R lung nodule", "Nodule", False, "right"),
    ("bilateral effusions", "Effusion", False, None),
    ("rib fracture on the right", "Fracture", False, "right"),
    ("effusion or not?", "Effusion", False, None),
    ("costophrenic angles are sharp", "Effusion", True, None),
    ("tumour in the right upper lobe", "Mass", False, "right"),
    ("free of consolidation", "Consolidation", True, None),
    ("multiple nodules", "Diffuse Nodule", False, None),
    ("hiatus hernia", "Hernia", False, None),
    ("pulmonary oedema", "Edema", False, None),
]


@pytest.mark.parametrize(("text", "label", "negated", "side"), UNDERSTOOD)
def test_understood(vocabulary: Vocabulary, text: str, label: str, negated: bool, side: str | None) -> None:
    """Each as a radiologist would mean it."""
    query = parse_query(text, vocabulary)
    assert (query.label, query.negated, query.laterality) == (label, negated, side)
    assert query.finding == vocabulary.finding(label).name


def test_second_finding_is_named_and_keeps_its_negation(vocabulary: Vocabulary) -> None:
    """ "without" belongs to the pneumothorax."""
    query = parse_query("effusion without pneumothorax", vocabulary)
    assert (query.label, query.negated, query.also) == ("Effusion", False, ("pneumothorax",))


@pytest.mark.parametrize(
    "text",
    [
        "fractured femur",
        "cat",
        "brain mass",
        "kidney stone",
        "pacemaker",
        "headache",
        "a photograph of a dog",
    ],
)
def test_out_of_scope(vocabulary: Vocabulary, text: str) -> None:
    """Far from everything trained, even where a word is shared."""
    gate = QueryGate.fit(vocabulary, shared_encoder())
    query = parse_query(text, vocabulary)
    assert query.label is None and not gate.judge(query).in_vocabulary


def test_gate_survives_saving(vocabulary: Vocabulary) -> None:
    """From JSON and back, the same verdicts."""
    gate = QueryGate.fit(vocabulary, shared_encoder())
    again = QueryGate.from_dict(gate.to_dict(), vocabulary, shared_encoder())
    for text in ("bronchiectasis", "banana", "lung abscess", "stock market"):
        query = parse_query(text, vocabulary)
        assert gate.judge(query) == again.judge(query)


@pytest.mark.parametrize("text", ["", "   ", "?!…"])
def test_empty(vocabulary: Vocabulary, text: str) -> None:
    """Nothing to ask."""
    with pytest.raises(QueryError, match="empty"):
        parse_query(text, vocabulary)


def test_too_long(vocabulary: Vocabulary) -> None:
    """The sentence names length and limit."""
    with pytest.raises(QueryError, match=r"6000 characters.*5000"):
        parse_query("x" * 6000, vocabulary)


def test_split() -> None:
    """Semicolons and lines."""
    assert split_queries(" effusion; no PTX;\n mass ;; ") == ["effusion", "no PTX", "mass"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_answered_or_refused(text: str) -> None:
    """Only QueryError ever comes out."""
    try:
        query = parse_query(text, _vocabulary())
    except QueryError:
        return
    assert query.text == text and query.finding


def _vocabulary() -> Vocabulary:
    from tests.conftest import ROOT

    return Vocabulary.from_json(ROOT / "assets" / "vocabulary.json")


VOCABULARY = _vocabulary()
OF_A_KIND = {"tension pneumothorax"}  # its absence says nothing of the finding
PHRASES = [(item.label, phrase) for item in VOCABULARY.findings for phrase in (item.name, *item.synonyms)]


@pytest.mark.parametrize(("label", "phrase"), PHRASES)
def test_every_synonym_is_its_finding_and_can_be_negated_and_sided(label: str, phrase: str) -> None:
    """The phrase, "no" before it, a side before it, and capitals around it."""
    plain = parse_query(phrase, VOCABULARY)
    assert (plain.label, plain.negated) == (label, False)
    denied = parse_query(f"no {phrase}", VOCABULARY)
    assert (denied.label, denied.negated) == (None if phrase in OF_A_KIND else label, True)
    sided = parse_query(f"left {phrase}", VOCABULARY)
    assert (sided.label, sided.laterality) == (label, "left")
    assert parse_query(f"  {phrase.upper()} ", VOCABULARY).label == label


@pytest.mark.parametrize(
    ("text", "label", "negated", "side"),
    [
        ("abnormal heart size", "Cardiomegaly", False, None),
        ("no abnormal heart size", "Cardiomegaly", True, None),
        ("abnormal costophrenic angles", "Effusion", False, None),
        ("unremarkable heart", "Cardiomegaly", True, None),
        ("free pleural fluid", "Effusion", False, None),
        ("free-flowing effusion", "Effusion", False, None),
        ("lungs free from consolidation", "Consolidation", True, None),
        ("effusion cannot be excluded", "Effusion", False, None),
        ("consolidation can't be ruled out", "Consolidation", False, None),
        ("cannot exclude effusion", "Effusion", False, None),
        ("heart size not normal", "Cardiomegaly", False, None),
        ("LLL pneumonia", "Pneumonia", False, "left"),
        ("RUL nodule", "Nodule", False, "right"),
        ("(L) effusion", "Effusion", False, "left"),
        ("no effusion R", "Effusion", True, "right"),
    ],
)
def test_reporting_language(
    vocabulary: Vocabulary, text: str, label: str, negated: bool, side: str | None
) -> None:
    query = parse_query(text, vocabulary)
    assert (query.label, query.negated, query.laterality) == (label, negated, side)


@pytest.mark.parametrize(
    "text", ["small heart", "heart valve", "subcutaneous air", "air under the diaphragm", "remarkable heart"]
)
def test_a_word_of_a_phrase_is_not_the_phrase(vocabulary: Vocabulary, text: str) -> None:
    assert parse_query(text, vocabulary).label is None


@pytest.mark.parametrize(
    ("text", "label", "negated", "side"),
    [
        ("R/O pneumothorax", "Pneumothorax", False, None),
        ("r/o pneumothorax", "Pneumothorax", False, None),
        ("R / O pneumothorax", "Pneumothorax", False, None),
        ("R\\O pneumothorax", "Pneumothorax", False, None),
        ("R/O: R pneumothorax", "Pneumothorax", False, "right"),
        ("fever and cough, R/O PNA on the L", "Pneumonia", False, "left"),
        ("pneumothorax r/o'd", "Pneumothorax", True, None),
        ("w/o effusion", "Effusion", True, None),
        ("W/O effusion", "Effusion", True, None),
        ("lungs w/out consolidation", "Consolidation", True, None),
        ("L lung W/O effusion", "Effusion", True, "left"),
        ("R/O pneumothorax w/o effusion", "Pneumothorax", False, None),
        ("w/o pneumothorax, R/O effusion", "Pneumothorax", True, None),
        ("effusion w/ atelectasis", "Effusion", False, None),
        ("S/P CABG, effusion on the R", "Effusion", False, "right"),
        ("effusion s/p drainage", "Effusion", False, None),
        ("opacity C/W pneumonia", "Lung Opacity", False, None),
        ("s/o consolidation", "Consolidation", False, None),
        ("L/R effusion", "Effusion", False, None),
        ("effusion l/r", "Effusion", False, None),
        ("B/L effusions", "Effusion", False, None),
        ("effusion R / no mass", "Effusion", False, "right"),
    ],
)
def test_abbreviations_with_a_slash(
    vocabulary: Vocabulary, text: str, label: str, negated: bool, side: str | None
) -> None:
    """The R of "R/O" is no side, and "w/o" is "without"."""
    query = parse_query(text, vocabulary)
    assert (query.label, query.negated, query.laterality) == (label, negated, side)
