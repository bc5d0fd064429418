"""Names of datasets to labels, and the strict rules of a dataset folder."""

from __future__ import annotations

import pytest

from patchclip.data.findings import _ELSEWHERE, _UNIONS, OTHER_FINDINGS, FindingNames, label_of, labels_of
from patchclip.errors import DataError
from tests.tiny import BUNDLED_VOCABULARY, VOCABULARY

KNOWN = frozenset(VOCABULARY.labels)
LACKING = frozenset(("Aortic_Enlargement", "ILD", "Other_Lesion"))
NAMES = FindingNames(
    [label for label in BUNDLED_VOCABULARY.labels if label not in LACKING], BUNDLED_VOCABULARY
)
"""Of a model that has not learnt these."""


def test_every_name_leads_to_a_label_of_the_vocabulary() -> None:
    assert {label for labels in (_ELSEWHERE, *_UNIONS.values()) for label in labels} <= KNOWN
    names = [name for names in _ELSEWHERE.values() for name in names]
    assert len(names) == len(set(names)) and all(name == name.lower() for name in names)


def test_names_are_found_whatever_their_spelling_and_a_literal_label_stands_for_itself() -> None:
    assert (
        label_of("Pleural thickening", KNOWN) == label_of("Pleural_Thickening", KNOWN) == "Pleural_Thickening"
    )
    assert (
        label_of("Pleural Effusion", KNOWN) == "Effusion" and label_of("Infiltrate", KNOWN) == "Infiltration"
    )
    assert label_of("Pleural Effusion", frozenset(("Pleural Effusion",))) == "Pleural Effusion"
    assert label_of("Pleural Effusion", frozenset(("Mass",))) is None and label_of("Unicorn", KNOWN) is None
    assert labels_of("Nodule/Mass", KNOWN) == ("Mass", "Nodule") and label_of("Nodule/Mass", KNOWN) is None


@pytest.mark.parametrize(
    ("name", "label", "renamed"),
    [
        ("Effusion", "Effusion", False),
        ("Infiltrate", "Infiltration", False),  # as NIH's list of boxes has it
        ("Pleural Thickening", "Pleural_Thickening", False),
        ("Pleural Effusion", "Effusion", True),
        ("pleural_thickening", "Pleural_Thickening", True),
        ("Enlarged heart", "Cardiomegaly", True),  # a synonym of the vocabulary alone
        ("no finding", "No Finding", True),
        ("Normal", "No Finding", True),
    ],
)
def test_what_is_understood(name: str, label: str, renamed: bool) -> None:
    finding = NAMES.find(name, "row 2")
    assert (finding.label, finding.renamed) == (label, renamed)
    assert finding.in_model == (label != "No Finding")


@pytest.mark.parametrize("name", [*OTHER_FINDINGS, "Aortic_Enlargement", "Other_Lesion"])
def test_what_datasets_know_beside_the_vocabulary_is_kept_apart(name: str) -> None:
    finding = NAMES.find(name, "row 2")
    assert (finding.label, finding.in_model, finding.renamed) == (name, False, False)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Efusion", 'images.csv, row 7: there is no finding "Efusion"; the nearest name is "Effusion"'),
        ("Pneumotorax", 'the nearest name is "Pneumothorax"'),
        (
            "PTX",
            'the nearest name is "Pneumothorax"',
        ),  # a reader's word, no label
        ("None", 'the nearest name is "No Finding"'),
        ("Nodule/Mass", '"Nodule/Mass" means Mass or Nodule; write the one that is meant'),
        (
            "Qwertz",
            'there is no finding "Qwertz"; correct the row, or add the finding to the vocabulary',
        ),
        ("Effusion;Mass", 'there is no finding "Effusion;Mass"'),
        ("x" * 5000, f'there is no finding "{"x" * 60}..."; correct'),
    ],
)
def test_anything_else_is_refused_with_the_nearest_name(name: str, words: str) -> None:
    with pytest.raises(DataError) as error:
        NAMES.find(name, "images.csv, row 7")
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_model_that_lacks_a_finding_of_datasets_still_knows_the_word() -> None:
    names = FindingNames({"Mass"})
    finding = names.find("Rib fracture", "row 2")
    assert (finding.label, finding.in_model) == ("Fracture", False)


def test_a_model_that_calls_a_finding_otherwise_gets_it_under_that_name() -> None:
    """Else every image with an effusion would count as free of "Pleural Effusion"."""
    names = FindingNames({"Pleural Effusion", "Mass"})
    assert names.find("Pleural Effusion", "").renamed is False
    finding = names.find("Effusion", "")
    assert (finding.label, finding.in_model, finding.renamed) == ("Pleural Effusion", True, True)
