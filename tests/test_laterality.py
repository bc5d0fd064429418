"""Which half of an image, and of a map, is the patient's left."""

from __future__ import annotations

import numpy as np
import pytest

from patchclip import HeaderFacts
from patchclip.laterality import laterality_columns, on_image_right
from patchclip.types import Laterality

FACTS, TURNED = HeaderFacts(), HeaderFacts(patient_left="left")


@pytest.mark.parametrize(
    ("laterality", "facts", "right"),
    [("left", FACTS, True), ("right", FACTS, False), ("left", TURNED, False), ("right", TURNED, True)],
)
def test_the_patients_left_is_where_the_header_says(
    laterality: Laterality, facts: HeaderFacts, right: bool
) -> None:
    assert on_image_right(laterality, facts) == right


@pytest.mark.parametrize("count", [6, 7])
def test_one_rule_for_halves(count: int) -> None:
    """A column belongs to the half that its centre is in; the middle one of an odd number to both: mirroring
    changes nothing."""
    left, right = (laterality_columns(name, count, FACTS) for name in ("left", "right"))
    assert (left == right[::-1]).all() and (left | right).all()
    assert np.flatnonzero(left & right).tolist() == ([3] if count == 7 else [])
    assert left[-1] and right[0]
    assert (laterality_columns("left", count, TURNED) == right).all()
