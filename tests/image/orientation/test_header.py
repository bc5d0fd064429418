"""What headers say of the patient's sides."""

from __future__ import annotations

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from patchclip.image.orientation.header import header_sides
from patchclip.image.orientation.verdict import HeaderSides
from patchclip.image.views import View


def header(**values: object) -> Dataset:
    """A header of nothing but these elements."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, HeaderSides()),
        ({"PatientOrientation": ["L", "F"]}, HeaderSides("right")),
        ({"PatientOrientation": ["R", "F"]}, HeaderSides("left")),
        ({"PatientOrientation": ["LF", "FR"]}, HeaderSides("right")),
        ({"PatientOrientation": ["L", "H"]}, HeaderSides("right", comparable=False)),
        ({"PatientOrientation": ["F", "L"]}, HeaderSides(comparable=False)),
        ({"PatientOrientation": ["A", "F"]}, HeaderSides(comparable=False)),
        ({"PatientOrientation": ["L", "R"]}, HeaderSides()),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, HeaderSides("right")),
        ({"ImageOrientationPatient": [-0.99, 0.1, 0, 0, 0.05, -0.99]}, HeaderSides("left")),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}, HeaderSides()),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, HeaderSides()),
        (
            {"PatientOrientation": ["L", "F"], "ImageOrientationPatient": [-1, 0, 0, 0, 0, -1]},
            HeaderSides("right", contradictory=True),
        ),
        (
            {"PatientOrientation": ["R", "F"], "ImageOrientationPatient": [-1, 0, 0, 0, 0, -1]},
            HeaderSides("left"),
        ),
        ({"FieldOfViewHorizontalFlip": "YES"}, HeaderSides(flipped=True)),
        ({"FieldOfViewHorizontalFlip": "NO"}, HeaderSides()),
        ({"ImageLaterality": "R"}, HeaderSides(comparable=False)),
        ({"ImageLaterality": "B"}, HeaderSides()),
        ({"ImageLaterality": "U", "Laterality": "L"}, HeaderSides()),
        ({"Laterality": "L"}, HeaderSides(comparable=False)),
    ],
)
def test_header(values: dict[str, object], expected: HeaderSides) -> None:
    assert header_sides(header(**values), None) == expected


@pytest.mark.parametrize(("view", "comparable"), [("frontal", True), ("lateral", False), ("oblique", False)])
def test_only_frontal_views_are_compared(view: View, comparable: bool) -> None:
    assert header_sides(header(PatientOrientation=["L", "F"]), view).comparable is comparable


@pytest.mark.parametrize("value", [b"1\\x\\0\\0\\0\\-1 ", b"1\\0\\0 ", b"1\\0\\0\\0\\0\\nan"])
def test_malformed_cosines_say_nothing(value: bytes) -> None:
    dataset = Dataset()
    tag = Tag("ImageOrientationPatient")
    dataset[tag] = RawDataElement(tag, "DS", len(value), value, 0, False, True)
    assert header_sides(dataset, None) == HeaderSides()
