"""How statements of an image add up."""

from __future__ import annotations

from tests.trainer.data.miniature import ABSENT, KNOWN, NOT_MENTIONED, PRESENT
from trainer.data.contents import Reading


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
