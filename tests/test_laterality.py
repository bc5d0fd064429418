"""Which half of an image, and of a map, is the patient's left."""

from __future__ import annotations

import numpy as np
import pytest

from patchclip import HeaderFacts, PatchMap
from patchclip.laterality import laterality_columns, on_image_right, only_laterality
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


def test_the_other_half_of_a_map_is_dark() -> None:
    values = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    whole = PatchMap(values, (0.0, 0.0, 40.0, 30.0))
    left = only_laterality(whole, "left", FACTS)
    assert left.extent == whole.extent and left.values.dtype == np.float32
    assert (left.values[:, :2] == 0).all() and (left.values[:, 2:] == values[:, 2:]).all()
    assert only_laterality(whole, None, FACTS) is whole
