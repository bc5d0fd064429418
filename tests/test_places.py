"""Which patches a place is: by a plain loop over the documented table, and what is said where lungs are not
found."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray

from patchclip import HeaderFacts, Letterbox
from patchclip.image.thorax import Thorax
from patchclip.places import FIELDS, ONE_SIDED, Grid, Limit, limit_of, place_patches
from patchclip.text.place import REGIONS, Place, PlacePart, Region, Side
from tests.tiny import ROOT

TOLD, TURNED = HeaderFacts(patient_left="right"), HeaderFacts(patient_left="left")
THORAX = Thorax(top=60.0, bottom=300.0, midline=(200.0, 0.0), edge_left=60.0, edge_right=360.0)
GRID = Grid((0.0, 0.0, 400.0, 400.0), np.ones((20, 20), bool))


def place(*parts: tuple[Side | None, Region | None]) -> Place:
    """From (side, region) pairs."""
    return Place(tuple(PlacePart(*part) for part in parts))


def limit(
    *parts: tuple[Side | None, Region | None], thorax: Thorax | None = THORAX, asked: bool = True
) -> Limit:
    """Of a place on the grid of the tests."""
    return limit_of(place(*parts), thorax, GRID, TOLD, every_side=asked)


def table() -> dict[str, tuple[float, float, float, float]]:
    """Region -> (inside, outside, above, below) as the library's README says it in words and numbers."""
    text = (ROOT / "patchclip" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z ]+?) \| (\S+) to (\S+) \| (\S+) to (\S+) \|$", text, flags=re.MULTILINE)
    return {
        name: (numbers[0], numbers[1], numbers[2], numbers[3])
        for name, *cells in rows
        for numbers in ([float(cell.replace("∞", "inf").replace("−", "-")) for cell in cells],)
    }


def test_the_readme_says_what_every_region_is() -> None:
    written = table()
    assert set(written) == set(REGIONS) == set(FIELDS)
    for region, field in FIELDS.items():
        numbers = (field.inside, field.outside, field.above, field.below)
        assert written[region] == pytest.approx(numbers, abs=0.005), region


@pytest.mark.parametrize("facts", [TOLD, TURNED])
@pytest.mark.parametrize("region", [None, *REGIONS])
@pytest.mark.parametrize("side", ["left", "right", "both", None])
def test_patches_of_a_place(side: Side | None, region: Region | None, facts: HeaderFacts) -> None:
    """Patch by patch: is its centre within the region's numbers, and on the patient's side?"""
    ours = place_patches(place((side, region)), THORAX, GRID, facts)
    inside, outside, above, below = table()[region] if region else (0.0, np.inf, -np.inf, np.inf)
    alone = side if side else ONE_SIDED.get(region) if region else None
    for row in range(20):
        for col in range(20):
            x, y = 20 * col + 10, 20 * row + 10
            u = (x - 200) / (160 if x >= 200 else 140)
            v = (y - 60) / 240
            expected = inside <= abs(u) <= outside and above - 0.005 <= v <= below + 0.005
            if alone in ("left", "right"):
                at_right = (alone == "left") == (facts is TOLD)
                expected = expected and (u > 0) == at_right
            assert ours[row, col] == expected, (row, col)


def test_zones_part_the_height_and_sides_the_width() -> None:
    zones: list[Region] = ["upper zone", "middle zone", "lower zone"]
    count = sum(
        place_patches(place((side, zone)), THORAX, GRID, TOLD).astype(int)
        for side in ("left", "right")
        for zone in zones
    )
    assert isinstance(count, np.ndarray) and (count == 1).all()


def test_a_place_of_several_parts_is_their_union_and_said_so() -> None:
    both = limit(("left", "base"), ("right", "apex"))
    one, other = limit(("left", "base")), limit(("right", "apex"))
    assert (both.patches == (one.patches | other.patches)).all() and one.patches.any() and other.patches.any()
    assert len(both.each) == 1
    assert both.warnings == (
        'The answer is for "left base and right apex" together: the finding in one of them is enough.',
    )
    assert one.warnings == ()


def test_bilateral_asks_for_each_side_and_its_absence_for_none() -> None:
    asked, denied = limit(("both", "base")), limit(("both", "base"), asked=False)
    left, right = asked.each
    assert (left == limit(("left", "base")).patches).all() and (
        right == limit(("right", "base")).patches
    ).all()
    assert (asked.patches == (left | right)).all()
    assert len(denied.each) == 1 and (denied.each[0] == asked.patches).all()


@pytest.mark.parametrize(
    ("parts", "words", "columns"),
    [
        ([("left", "lower zone")], "the half of the image at the patient's left", range(10, 20)),
        ([("right", None)], "the half of the image at the patient's right", range(10)),
        ([(None, "middle lobe")], "the half of the image at the patient's right", range(10)),
        ([(None, "apex")], "the whole image", range(20)),
        ([("both", "base")], "the halves of the image", range(20)),
        ([("left", "base"), ("right", "apex")], "the whole image", range(20)),
    ],
)
def test_without_lungs_halves_stand_for_sides_and_it_is_said(
    parts: list[tuple[Side | None, Region | None]], words: str, columns: range
) -> None:
    fallback = limit(*parts, thorax=None)
    expected = np.zeros((20, 20), bool)
    expected[:, list(columns)] = True
    assert (fallback.patches == expected).all()
    named = place(*parts).words
    assert fallback.warnings[0] == f'No lungs were found in this image: "{named}" is taken as {words}.'
    if parts == [("both", "base")]:
        assert [half[0, 0] for half in fallback.each] == [False, True]  # the patient's left, then right


def test_a_place_that_is_not_on_the_film_is_said() -> None:
    """The apices lie above this picture's upper edge."""
    cropped = Thorax(top=-200.0, bottom=300.0, midline=(200.0, 0.0), edge_left=60.0, edge_right=360.0)
    left = limit(("left", "apex"), thorax=cropped)
    assert left.warnings == ('"left apex" holds no patch of this image: the answer is for the side, left.',)
    assert (left.patches == limit(("left", None), thorax=cropped).patches).all()
    anywhere = limit((None, "apex"), thorax=cropped)
    assert anywhere.warnings[0].endswith("the answer is for the whole image.") and anywhere.patches.all()


def test_patches_of_the_padding_do_not_make_a_place() -> None:
    valid = np.ones((20, 20), bool)
    valid[15:] = False
    thorax = Thorax(top=60.0, bottom=420.0, midline=(200.0, 0.0), edge_left=60.0, edge_right=360.0)
    padded = Grid(GRID.extent, valid)
    left = limit_of(place(("left", "base")), thorax, padded, TOLD, every_side=True)
    assert "holds no patch" in left.warnings[0]


@pytest.mark.parametrize("shape", [(300, 200), (200, 300), (250, 250)])
def test_patch_centres_are_those_of_the_letterbox(shape: tuple[int, int]) -> None:
    """As `valid_patches` places them."""
    box = Letterbox(*shape, 96)
    grid = Grid.of(box, box.valid_patches(6, 6))
    x, y = grid.centres
    inside: NDArray[np.bool_] = (x >= 0) & (x <= shape[1]) & (y >= 0) & (y <= shape[0])
    assert (inside == grid.valid).all()
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    np.testing.assert_allclose(box.to_model(points)[0], [8.0, 8.0])
