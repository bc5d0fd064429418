"""Enhanced multi-frame images: window, rescale and spacing of the frame shown; frames of long headers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset

from patchclip import list_images, load_radiograph
from patchclip.image.frames import MALFORMED_GROUPS
from patchclip.image.listing import HEAD
from tests.fuzz.mutate import set_raw
from tests.image.dicoms import CHEST, content, dicom

STORED = np.round(CHEST[:280, :260] * 4000).astype(np.uint16)


def item(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def window(center: object, width: object, **more: object) -> Dataset:
    return item(FrameVOILUTSequence=[item(WindowCenter=center, WindowWidth=width, **more)])


def enhanced(shared: Dataset, *frames: Dataset, **tags: object) -> FileDataset:
    """The chest, rolled by 40 columns from frame to frame."""
    dataset = dicom(STORED, NumberOfFrames=str(len(frames)), **tags)
    dataset.PixelData = b"".join(
        np.roll(STORED, 40 * number, axis=1).tobytes() for number in range(len(frames))
    )
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = list(frames)
    return dataset


def plain(frame: int, **tags: object) -> FileDataset:
    return dicom(np.roll(STORED, 40 * frame, axis=1), **tags)


def test_each_frame_has_its_own_window_and_all_share_the_rescale() -> None:
    shared = item(
        PixelValueTransformationSequence=[item(RescaleSlope=2, RescaleIntercept=-500, RescaleType="US")]
    )
    first = window([3000, 4000], [5000, 8000], WindowCenterWidthExplanation=["CHEST", "WIDE"])
    data = content(enhanced(shared, first, window(5000, 2001, VOILUTFunction="LINEAR_EXACT")))
    read = [load_radiograph(data, frame=frame) for frame in (0, 1)]
    assert read[0].facts.windows == ("window 3000/5000 (chest)", "window 4000/8000 (wide)")
    assert read[1].facts.windows == ("window 5000/2001",)
    values = [np.roll(STORED, 40 * frame, axis=1).astype(float) * 2 - 500 for frame in (0, 1)]
    expected = ((values[0] - 2999.5) / 4999 + 0.5, (values[1] - 5000) / 2001 + 0.5)  # PS3.3 C.11.2.1.2 and .3
    for radiograph, grey in zip(read, expected, strict=True):
        np.testing.assert_allclose(radiograph.pixels, np.clip(grey, 0, 1), atol=1e-6)
    second = load_radiograph(data, frame=0, window=1)
    np.testing.assert_allclose(second.pixels, np.clip((values[0] - 3999.5) / 7999 + 0.5, 0, 1), atol=1e-6)


def test_a_frames_own_groups_come_before_shared_ones_and_both_before_plain_elements() -> None:
    shared = window(1000, 2000)
    data = content(enhanced(shared, item(), window(3000, 500), WindowCenter=7, WindowWidth=9))
    assert [load_radiograph(data, frame=frame).facts.windows for frame in (0, 1)] == [
        ("window 1000/2000",),
        ("window 3000/500",),
    ]


def test_each_frame_has_its_own_pixel_spacing() -> None:
    square = item(PixelMeasuresSequence=[item(PixelSpacing=[0.2, 0.2])])
    tall = item(PixelMeasuresSequence=[item(PixelSpacing=[0.3, 0.2])])
    data = content(enhanced(window(2000, 4000), square, tall))
    assert load_radiograph(data, frame=0).size == (280, 260)
    read = load_radiograph(data, frame=1)
    twin = load_radiograph(content(plain(1, WindowCenter=2000, WindowWidth=4000, PixelSpacing=[0.3, 0.2])))
    assert read.size == (420, 260) and read.facts.pixel_ratio == pytest.approx(1.5)
    np.testing.assert_array_equal(read.pixels, twin.pixels)


def test_numbers_with_a_comma_are_read_there_too() -> None:
    transform = Dataset()
    set_raw(transform, "RescaleSlope", "0,5")
    set_raw(transform, "RescaleIntercept", "0")
    read = load_radiograph(
        content(enhanced(item(PixelValueTransformationSequence=[transform]), window(1000, 2000)))
    )
    np.testing.assert_allclose(read.pixels, np.clip((STORED * 0.5 - 999.5) / 1999 + 0.5, 0, 1), atol=1e-6)
    assert any("numbers with a comma" in warning for warning in read.warnings)


def test_malformed_groups_are_said_and_the_picture_shown() -> None:
    data = content(enhanced(window(2000, 4000), item()))
    place = data.index(b"\x00\x52\x29\x92SQ") + 4
    read = load_radiograph(data[:place] + b"OB" + data[place + 2 :])  # bytes where a sequence should be
    assert MALFORMED_GROUPS in read.warnings and read.size == STORED.shape


@pytest.mark.parametrize("place", ["before the size", "after it"])
def test_frames_of_a_header_longer_than_what_is_looked_at_first_are_counted(
    tmp_path: Path, place: str
) -> None:
    dataset = enhanced(item(), *(window(2000, 4000) for _ in range(3)))
    groups = dataset.PerFrameFunctionalGroupsSequence
    if place == "after it":
        groups[0].add_new(0x00204000, "LT", "x" * 10000)  # Image Comments
        groups[0].add_new(0x7FD90010, "LO", "TESTS")
        groups[0].add_new(0x7FD91001, "OB", bytes(HEAD))
    else:
        dataset.private_block(0x0009, "TESTS", create=True).add_new(1, "OB", bytes(HEAD))
    path = tmp_path / "long.dcm"
    path.write_bytes(content(dataset))
    assert path.stat().st_size - 3 * STORED.nbytes > HEAD
    for source in (path, tmp_path, path.read_bytes()):
        assert [entry.frame for entry in list_images(source).entries] == [0, 1, 2]
