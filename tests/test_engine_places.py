"""A place in a query limits map, regions and probability to its patches in the frame of the chest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from patchclip import Encoded, Engine, Letterbox, PatchMap, Radiograph
from patchclip.agreement import disagreement
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.image.thorax import Thorax
from patchclip.model.branches import Branch
from patchclip.places import Grid, place_patches
from patchclip.types import FloatArray
from patchclip.within import limit_for, lit_in_each
from tests.tiny import tiny_checkpoint
from trainer.gate.bodies import hand, lateral_chest


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An untrained engine."""
    return Engine.from_pretrained(tiny_checkpoint(tmp_path_factory.mktemp("tiny")), device="cpu")


def by_patches(engine: Engine) -> Engine:
    """The same, whose probability stands on the patches' logits alone."""
    calibration = replace(engine.checkpoint.calibration, branches=(Branch.MIL,))
    return Engine(replace(engine.checkpoint, calibration=calibration), device="cpu")


def wide() -> Radiograph:
    """A picture twice as wide as high."""
    pixels = synthetic_radiograph("effusion", size=256, seed=3).pixels
    return Radiograph.from_array(np.concatenate([pixels, pixels[:, ::-1]], axis=1))


def placed(encoded: Encoded, thorax: Thorax | None) -> Encoded:
    """The same image, on which this frame of the chest is found."""
    known = replace(encoded)
    vars(known)["thorax"] = thorax
    return known


def frame(encoded: Encoded, middle: float = 0.4) -> Thorax:
    """A chest whose midline lies at this share of the image's width."""
    height, width = encoded.size
    return Thorax(0.1 * height, 0.9 * height, (middle * width, 0.0), 0.05 * width, 0.95 * width)


def test_without_lungs_a_side_is_a_half_and_said_to_be(tiny: Engine) -> None:
    radiograph = wide()
    encoded = placed(tiny.encode(radiograph), None)
    whole, left, right = tiny.query(encoded, ["effusion", "left effusion", "right effusion"])
    half = left.map.values.shape[1] // 2
    assert (left.laterality, right.laterality, whole.laterality) == ("left", "right", None)
    assert whole.warnings == () and all(
        "does not tell the patient's sides" in answer.warnings[0] for answer in (left, right)
    )
    assert "No lungs were found in this image" in left.warnings[1]
    assert left.warnings[1].endswith("the half of the image at the patient's left.")
    assert left.map.values[:, :half].max() == 0 and right.map.values[:, -half:].max() == 0
    assert (left.map.values[:, -half:] == whole.map.values[:, -half:]).all()
    assert max(left.require_probability(), right.require_probability()) <= whole.require_probability() + 1e-6
    width = encoded.size[1]
    assert all(region.x >= width / 2 - width / left.map.values.shape[1] for region in left.regions)


PLACES = [
    "effusion, left lower zone",
    "right effusion",
    "effusion in the retrocardiac region",
    "apical effusion",
]


@pytest.mark.parametrize("text", PLACES)
def test_a_place_limits_map_regions_and_probability(tiny: Engine, effusion: Radiograph, text: str) -> None:
    """All three stand on the patches of the place alone, whose midline is not the picture's."""
    engine = by_patches(tiny)
    encoded = engine.encode(effusion)
    thorax = frame(encoded)
    encoded = placed(encoded, thorax)
    whole, limited = engine.query(encoded, ["effusion", text])
    assert limited.place is not None and limited.place_patches is not None
    grid = Grid(whole.map.extent, np.ones(whole.map.values.shape, bool))
    patches = place_patches(limited.place, thorax, grid, encoded.facts)
    assert 0 < patches.sum() < patches.size
    assert (limited.place_patches == patches).all()
    assert (limited.map.values[patches] == whole.map.values[patches]).all()
    assert (limited.map.values[~patches] == 0).all()

    inside = encoded.embeddings.valid & torch.from_numpy(patches).flatten()
    alone = engine.query(replace(encoded, embeddings=replace(encoded.embeddings, valid=inside)), ["effusion"])
    assert limited.require_probability() == pytest.approx(
        min(whole.require_probability(), alone[0].require_probability()), abs=1e-6
    )
    assert not any("No lungs" in warning for warning in limited.warnings)


def test_the_midline_is_the_chests_and_turns_with_the_header(tiny: Engine, effusion: Radiograph) -> None:
    encoded = tiny.encode(effusion)
    off_centre = placed(encoded, frame(encoded, middle=0.3))
    turned = placed(replace(encoded, facts=replace(encoded.facts, patient_left="left")), off_centre.thorax)
    (left,), (mirrored,) = (tiny.query(image, ["left effusion"]) for image in (off_centre, turned))
    cols = left.map.values.shape[1]
    centres = (np.arange(cols) + 0.5) / cols
    assert left.place_patches is not None and mirrored.place_patches is not None
    assert (left.place_patches == (centres >= 0.3)).all()
    assert (mirrored.place_patches == (centres <= 0.3)).all()


def test_regions_lie_in_the_place(engine: Engine) -> None:
    """A drawn nodule in the left lung is found where it is, and not where it is not asked for."""
    drawn = synthetic_radiograph("nodule", size=512, seed=9)
    encoded = engine.encode(Radiograph.from_array(drawn.pixels))
    rows, cols = np.nonzero(drawn.lesion)
    assert encoded.thorax is not None
    u, v = encoded.thorax.coordinates(np.array([cols.mean()]), np.array([rows.mean()]))
    assert u[0] > 0
    zone = ("upper", "middle", "lower")[min(2, int(v[0] * 3))]
    other = "lower" if zone != "lower" else "upper"
    here, left, right, there = engine.query(
        encoded,
        [f"nodule, left {zone} zone", "left nodule", "right nodule", f"nodule, left {other} zone"],
    )
    assert here.map.values.max() == left.map.values.max()
    assert here.map.values.max() > max(right.map.values.max(), there.map.values.max())
    for answer in (here, left, right, there):
        assert answer.place_patches is not None
        assert answer.map.values[~answer.place_patches].max() == 0
        step = 512 / answer.map.values.shape[1]
        for region in answer.regions:
            assert answer.place_patches[int(region.peak[1] / step), int(region.peak[0] / step)]
    assert here.regions
    assert here.require_probability() > there.require_probability()
    assert left.require_probability() > right.require_probability()


def test_bilateral_is_as_likely_as_the_less_likely_side(tiny: Engine, effusion: Radiograph) -> None:
    engine = by_patches(tiny)
    encoded = engine.encode(effusion)
    encoded = placed(encoded, frame(encoded))
    texts = ["effusion", "left effusion", "right effusion", "bilateral effusion", "no bilateral effusion"]
    whole, left, right, both, neither = engine.query(encoded, texts)
    assert both.require_probability() == pytest.approx(
        min(left.require_probability(), right.require_probability()), abs=1e-6
    )
    assert both.require_probability() < whole.require_probability()
    assert neither.require_probability() == pytest.approx(
        1 - whole.require_probability(), abs=1e-6
    )  # on no side at all
    assert (both.map.values == whole.map.values).all()


def test_a_finding_on_one_side_is_lit_in_each_part_of_one_place_alone(
    tiny: Engine, effusion: Radiograph
) -> None:
    encoded = tiny.encode(effusion)
    encoded = placed(encoded, frame(encoded, middle=0.5))
    left, both = (
        limit_for(encoded, tiny.understand(f"{side} effusion")[0]) for side in ("left", "bilateral")
    )
    shape = encoded.embeddings.grid
    values = np.zeros(shape, np.float32)
    extent = (0.0, 0.0, 512.0, 512.0)
    assert not lit_in_each(PatchMap(values, extent), left, encoded)
    values[2, -1] = 0.5
    assert lit_in_each(PatchMap(values, extent), left, encoded)
    assert not lit_in_each(PatchMap(values, extent), both, encoded)
    values[2, 0] = 0.5
    assert lit_in_each(PatchMap(values, extent), both, encoded)
    assert lit_in_each(PatchMap(values, extent), None, encoded)


def test_a_contradiction_speaks_of_the_place() -> None:
    sentence = disagreement("mass", 0.1, 0.2, lit=True, speaker='"left base" as a whole')
    assert sentence and sentence.startswith(
        'A region is lit, but "left base" as a whole speaks against mass (P 0.10'
    )
    sentence = disagreement("mass", 0.9, 0.2, lit=False, speaker='"left base" as a whole')
    assert sentence and sentence.startswith('"left base" as a whole speaks for mass (P 0.90)')


def test_saliency_is_limited_as_the_map_is(tiny: Engine, effusion: Radiograph) -> None:
    encoded = tiny.encode(effusion)
    encoded = placed(encoded, frame(encoded))
    (answer,) = tiny.query(encoded, ["effusion, right base"])
    shown = tiny.saliency(encoded, "effusion, right base")
    whole = tiny.saliency(encoded, "effusion")
    assert answer.place_patches is not None
    assert (shown.values[~answer.place_patches] == 0).all()
    assert (shown.values[answer.place_patches] == whole.values[answer.place_patches]).all()


def test_the_chest_is_looked_for_once_and_only_for_a_place(
    tiny: Engine, effusion: Radiograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[int, ...]] = []

    def find(square: FloatArray, box: Letterbox) -> None:
        calls.append(square.shape)

    monkeypatch.setattr("patchclip.encoded.find_thorax", find)
    encoded = tiny.encode(effusion)
    tiny.query(encoded, ["effusion", "no mass"])
    assert calls == []
    tiny.query(encoded, ["left effusion", "mass in the right upper lobe"])
    tiny.query(encoded, ["no nodule at the left apex"])
    assert calls == [(64, 64)]


def test_a_place_in_a_picture_without_lungs_is_said(engine: Engine) -> None:
    """A chest from the side, and a hand: no zone is told apart there."""
    rng = np.random.default_rng(4)
    for draw in (lateral_chest, hand):
        encoded = engine.encode(Radiograph.from_array(draw(rng)))
        zone, apex = engine.query(encoded, ["effusion, left lower zone", "apical nodule"])
        assert any(
            text.startswith('No lungs were found in this image: "left lower zone" is taken as the half')
            for text in zone.warnings
        )
        assert 'No lungs were found in this image: "apex" is taken as the whole image.' in apex.warnings
