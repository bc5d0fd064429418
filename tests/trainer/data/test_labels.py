"""Names of datasets to labels, and how statements of an image add up."""

from __future__ import annotations

from tests.trainer.data.miniature import ABSENT, KNOWN, NOT_MENTIONED, PRESENT
from trainer.data.contents import Reading
from trainer.data.labels import _ELSEWHERE, _UNIONS, label_of, labels_of


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


def test_absence_of_either_is_absence_of_both_but_presence_does_not_say_of_which() -> None:
    reading = Reading(KNOWN)
    reading.say("Nodule/Mass", ABSENT)
    assert reading.states() == {"Mass": ABSENT, "Nodule": ABSENT}
    reading.say("Nodule/Mass", PRESENT)
    assert reading.states() == {} and reading.lacking == {"Nodule/Mass"}


def test_doubt_leaves_a_finding_unknown_unless_another_statement_sees_it() -> None:
    reading = Reading(KNOWN)
    reading.say("Rib fracture", None)
    reading.say("Clavicle fracture", ABSENT)
    assert reading.states() == {}
    reading.say("Fracture", PRESENT)
    assert reading.states() == {"Fracture": PRESENT}


def test_no_lung_opacity_is_not_said_beside_a_finding_that_is_one() -> None:
    for state in (PRESENT, None):
        reading = Reading(KNOWN)
        reading.say("Lung Opacity", NOT_MENTIONED)
        reading.say("Consolidation", state)
        assert "Lung Opacity" not in reading.states()
    reading = Reading(KNOWN)
    reading.say("Lung Opacity", ABSENT)
    reading.say("Effusion", PRESENT)
    assert reading.states()["Lung Opacity"] is ABSENT
