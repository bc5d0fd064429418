"""The frame of the chest: measured on masks whose geometry is known, found on drawn and real radiographs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from patchclip import CheckpointError, load_radiograph
from patchclip.image.geometry import Letterbox
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.image.thorax import Thorax, find_thorax, inner_pixels, load_lung_net, thorax_of
from patchclip.model.preprocess import model_input
from patchclip.types import FloatArray
from trainer.gate.negatives import DRAWN

Mask = NDArray[np.bool_]
FRAME = Thorax(top=40.0, bottom=340.0, midline=(190.0, 0.1), edge_left=50.0, edge_right=400.0)


def ellipse(x: float, y: float, wide: float, high: float, size: int = 128) -> Mask:
    """bool [size, size], centre and half axes in pixels."""
    rows, cols = np.mgrid[0:size, 0:size] + 0.5
    return np.asarray(((cols - x) / wide) ** 2 + ((rows - y) / high) ** 2 <= 1)


def frame_of(left: Mask, right: Mask, height: int = 256, width: int = 512) -> Thorax:
    """Of two masks that are lungs."""
    thorax = thorax_of(left, right, height, width)
    assert thorax is not None
    return thorax


def found_on(pixels: FloatArray) -> Thorax | None:
    """By the bundled network."""
    return find_thorax(*model_input(pixels, 384))


def test_coordinates_are_shares_of_the_frame() -> None:
    """Point by point, by the definition in words."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 450, (2, 40))
    u, v = FRAME.coordinates(x, y)
    for i in range(40):
        middle = 190 + 0.1 * y[i]
        half = 400 - middle if x[i] >= middle else middle - 50
        assert u[i] == pytest.approx((x[i] - middle) / half)
        assert v[i] == pytest.approx((y[i] - 40) / 300)


def test_two_lungs_span_their_frame() -> None:
    """In pixels of an image that the masks are stretched over: 2 rows and 4 columns a pixel."""
    thorax = frame_of(ellipse(40, 60, 20, 40), ellipse(90, 64, 22, 44))
    assert thorax.top == pytest.approx(2 * 20, abs=2) and thorax.bottom == pytest.approx(2 * 108, abs=2)
    assert thorax.edge_left == pytest.approx(4 * 20, abs=4)
    assert thorax.edge_right == pytest.approx(4 * 112, abs=4)
    middle = thorax.midline[0] + thorax.midline[1] * 2 * 50
    assert middle == pytest.approx(4 * (60 + 68) / 2, abs=6)


def test_mirrored_masks_have_the_mirrored_frame() -> None:
    left, right = ellipse(42, 60, 18, 40), ellipse(88, 66, 24, 42)
    straight, turned = frame_of(left, right), frame_of(right[:, ::-1], left[:, ::-1])
    assert turned.top == straight.top and turned.bottom == straight.bottom
    assert turned.edge_left == pytest.approx(512 - straight.edge_right)
    assert turned.edge_right == pytest.approx(512 - straight.edge_left)
    assert turned.midline[0] == pytest.approx(512 - straight.midline[0])
    assert turned.midline[1] == pytest.approx(-straight.midline[1])


def test_a_patient_who_leans_has_a_leaning_midline() -> None:
    """Turned clockwise by 8 degrees the apices lie farther right than the bases; half of it is followed."""
    straight = frame_of(ellipse(40, 64, 14, 40), ellipse(88, 64, 14, 40), 128, 128)
    turn = cv2.getRotationMatrix2D((64, 64), -8, 1)
    leaning = [
        cv2.warpAffine(mask.astype(np.uint8), turn, (128, 128)) > 0
        for mask in (ellipse(40, 64, 14, 40), ellipse(88, 64, 14, 40))
    ]
    turned = frame_of(leaning[0], leaning[1], 128, 128)
    assert straight.midline[1] == pytest.approx(0, abs=0.005)
    assert turned.midline[1] == pytest.approx(-0.5 * np.tan(np.radians(8)), abs=0.02)


def test_a_lung_behind_an_effusion_keeps_its_place_in_the_frame() -> None:
    left, right = ellipse(40, 60, 20, 40), ellipse(90, 60, 20, 40)
    cut = right.copy()
    cut[64:] = False
    whole, half_hidden = frame_of(left, right), frame_of(left, cut)
    assert half_hidden.bottom == whole.bottom and half_hidden.top == whole.top


def test_a_lung_that_is_seen_in_part_is_not_taken_for_narrow() -> None:
    thorax = frame_of(ellipse(40, 60, 22, 40), ellipse(76, 60, 8, 40))
    middle = thorax.midline[0] + thorax.midline[1] * (thorax.top + thorax.bottom) / 2
    assert thorax.edge_right - middle == pytest.approx(0.75 * (middle - thorax.edge_left))


def test_specks_beside_a_lung_do_not_count() -> None:
    left, right = ellipse(40, 60, 20, 40), ellipse(90, 60, 20, 40)
    specks = left | ellipse(8, 120, 4, 4)
    assert frame_of(specks, right) == frame_of(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (ellipse(40, 60, 20, 40), np.zeros((128, 128), bool)),
        (ellipse(40, 60, 20, 40), ellipse(90, 60, 6, 6)),  # no lung is so small
        (ellipse(40, 30, 20, 20), ellipse(90, 100, 20, 20)),  # not beside each other
        (ellipse(90, 60, 20, 40), ellipse(40, 60, 20, 40)),  # crossed
    ],
)
def test_no_two_lungs_no_frame(left: Mask, right: Mask) -> None:
    assert thorax_of(left, right, 100, 100) is None


@pytest.mark.parametrize("shape", [(60, 100), (100, 60), (80, 80)])
def test_padding_is_taken_off(shape: tuple[int, int]) -> None:
    pixels = np.full(shape, 0.5, np.float32)
    box = Letterbox(*shape, 160)
    inner = inner_pixels(box.apply(pixels), box)
    assert inner[2:-2, 2:-2].min() > 0.49 and inner.shape == tuple(
        round(160 * side / max(shape)) for side in shape
    )


@pytest.mark.parametrize("kind", ["none", "effusion", "cardiomegaly", "opacity"])
@pytest.mark.parametrize("seed", [0, 1])
def test_drawn_lungs_are_found(kind: str, seed: int) -> None:
    """The drawing's lungs reach from about .14 to .80 of its height, their middle lies at half its width."""
    size = 400
    pixels = synthetic_radiograph(kind, size=size, seed=seed).pixels
    thorax = found_on(pixels)
    assert thorax is not None
    assert thorax.top == pytest.approx(0.15 * size, abs=0.08 * size)
    assert thorax.bottom == pytest.approx(0.80 * size, abs=0.10 * size)
    assert thorax.midline[0] + thorax.midline[1] * size / 2 == pytest.approx(0.5 * size, abs=0.05 * size)
    turned = found_on(np.ascontiguousarray(pixels[:, ::-1]))
    assert turned is not None
    assert turned.edge_left == pytest.approx(size - thorax.edge_right, abs=0.06 * size)


@pytest.mark.parametrize("kind", ["lateral chest", "document", "hand", "blank", "noise"])
def test_no_lungs_on_pictures_of_other_things(kind: str) -> None:
    rng = np.random.default_rng(11)
    assert [found_on(DRAWN[kind](rng)) for _ in range(4)] == [None] * 4


def test_real_lungs_are_found(data_folder: Path) -> None:
    """Two films that look at their chests as they should: lungs above half of the picture, spine near its
    middle."""
    for name in ("nih_1.dcm", "rsna_jpeg_baseline.dcm"):
        radiograph = load_radiograph(data_folder / "dicom" / name)
        thorax = found_on(radiograph.pixels)
        assert thorax is not None, name
        height, width = radiograph.size
        assert thorax.bottom - thorax.top > 0.4 * height
        middle = thorax.midline[0] + thorax.midline[1] * height / 2
        assert abs(middle / width - 0.5) < 0.1


def test_the_frame_does_not_depend_on_the_size_of_the_image(data_folder: Path) -> None:
    pixels = load_radiograph(data_folder / "dicom" / "nih_1.dcm").pixels
    height, width = (side // 2 for side in pixels.shape)
    half = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    large, small = found_on(pixels), found_on(half)
    assert large is not None and small is not None
    assert small.top == pytest.approx(large.top / 2, abs=0.02 * height)
    assert small.edge_right == pytest.approx(large.edge_right / 2, abs=0.02 * width)


def test_a_folder_without_a_network_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds no network that finds lungs \(FileNotFoundError\)"):
        load_lung_net(tmp_path)
    (tmp_path / "model.json").write_text('{"width": 4}')
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(CheckpointError, match="run python -m trainer lung-fields"):
        load_lung_net(tmp_path)
