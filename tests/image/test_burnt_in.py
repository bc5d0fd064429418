"""Text that is burned into a picture is found, side markers and anatomy are not taken for it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from patchclip import load_radiograph
from patchclip.image import burnt_in
from patchclip.image.burnt_in import SENTENCE, find_text, text_warnings
from patchclip.image.runs import Parts
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.types import Box, FloatArray
from tests.image.dicoms import content, dicom

CHEST = synthetic_radiograph(size=1024, seed=3).pixels.copy()
CHEST[:50, :150] = CHEST[60:110, :150]  # without its own label


def written(
    text: str, place: tuple[int, int], scale: float, grey: int, pixels: FloatArray = CHEST
) -> FloatArray:
    """A picture with a line of text, its lower left corner at a place (x, y)."""
    burnt = np.round(pixels * 255).astype(np.uint8)
    cv2.putText(
        burnt, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, grey, max(1, round(2 * scale)), cv2.LINE_AA
    )
    return np.asarray(burnt.astype(np.float32) / 255, np.float32)


@pytest.mark.parametrize("scale", [0.4, 0.7, 1.2, 2.0])
@pytest.mark.parametrize(("text", "grey"), [("DOE^JANE 04.05.1954", 255), ("Mustermann, Erika", 250)])
@pytest.mark.parametrize("y", [80, 1000])
def test_a_name_is_found_and_covered(text: str, grey: int, y: int, scale: float) -> None:
    """Large and small; what is returned hides all of it."""
    burnt = written(text, (30, y), scale, grey)
    hidden = np.zeros(CHEST.shape, bool)
    for box in find_text(burnt):
        hidden[int(box.y) : int(np.ceil(box.y + box.h)), int(box.x) : int(np.ceil(box.x + box.w))] = True
    ink = np.abs(burnt - CHEST) > 0.1
    assert ink.sum() > 50 and hidden[ink].mean() > 0.98
    assert hidden.mean() < 0.2


def test_dark_letters_are_found() -> None:
    plate = CHEST.copy()
    plate[20:90, 20:700] = 0.9
    assert find_text(written("DOE JANE 1954", (40, 70), 1.0, 10, plate))


def test_a_large_picture_is_measured_in_its_own_pixels() -> None:
    large = cv2.resize(CHEST, (3072, 3072), interpolation=cv2.INTER_LINEAR)
    (box,) = find_text(written("DOE^JANE 1954", (200, 300), 2.0, 255, np.asarray(large, np.float32)))
    assert 120 < box.x < 210 and 230 < box.y < 270 and 280 < box.y + box.h < 340 and box.x + box.w > 560


@pytest.mark.parametrize("text", ["L", "R", "AP"])
def test_a_side_marker_is_no_text(text: str) -> None:
    assert find_text(written(text, (850, 120), 2.0, 250)) == ()


def test_anatomy_and_noise_are_no_text() -> None:
    assert find_text(CHEST) == ()
    assert find_text(np.random.default_rng(0).random((600, 600)).astype(np.float32)) == ()
    assert find_text(np.zeros((300, 300), np.float32)) == ()


def test_a_name_is_found_in_noise() -> None:
    """The contrast that is asked for rises with the noise, and not beyond the letters'."""
    drawn = np.random.default_rng(0).normal(0.5, 0.1, (1024, 1024))
    noise = np.clip(drawn, 0, 1).astype(np.float32)

    (box,) = find_text(written("DOE^JANE 04.05.1954", (200, 500), 2.0, 255, noise))

    assert box.x < 210 and box.x + box.w > 700 and box.y < 470 and box.y + box.h > 500
    assert find_text(noise) == ()


@pytest.mark.parametrize(("share", "grain"), [(0.2, 0), (0.05, 1), (0.5, 1), (0.5, 2)])
def test_of_noise_little_is_looked_at(monkeypatch: pytest.MonkeyPatch, share: float, grain: int) -> None:
    """However much stands out, no more is measured than of a film."""
    drawn = np.random.default_rng(1).random((1024, 1024)) < share
    picture = drawn.astype(np.float32) * 0.9
    if grain:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), grain), np.float32)
        picture /= picture.max()
    looked_at: list[tuple[int, int]] = []

    def spied(grey: NDArray[np.uint8], parts: Parts, fits: NDArray[np.bool_]) -> object:
        looked_at.append((len(parts.runs), int(fits.sum())))
        return shapes(grey, parts, fits)

    shapes = burnt_in._shapes
    monkeypatch.setattr(burnt_in, "_shapes", spied)
    find_text(picture)

    assert len(looked_at) == 4
    assert all(runs <= 100_000 and fits <= 3000 for runs, fits in looked_at)


@pytest.mark.parametrize("size", [(1, 400), (400, 1), (3, 9000), (6, 6)])
def test_a_picture_in_which_no_letter_fits_has_no_text(size: tuple[int, int]) -> None:
    assert find_text(np.random.default_rng(2).random(size).astype(np.float32)) == ()


WORDS_BY_EYE = {
    "00000050_000.jpg": (403, 22, 465, 34),  # PORTABLE
    "00000246_003.jpg": (27, 22, 88, 34),  # PORTABLE
    "00014285_000.jpg": (4, 264, 76, 275),  # SEMI-ERECT; a PORTABLE above it, close to the edge, is missed
    "00025969_000.jpg": (6, 425, 67, 436),  # PORTABLE
}
"""Left, top, right and bottom of the words in every 47th of the real images, as a reader sees them."""


def test_what_is_found_in_real_radiographs_is_text(data_folder: Path) -> None:
    """The words that are there, and nothing else: each box hides its word, and little beside it."""
    found: dict[str, tuple[Box, ...]] = {}
    for file in sorted((data_folder / "nih" / "images").iterdir())[::47]:
        if boxes := find_text(load_radiograph(file).pixels):
            found[file.name] = boxes
    assert sorted(found) == sorted(WORDS_BY_EYE)
    for name, (left, top, right, bottom) in WORDS_BY_EYE.items():
        (box,) = found[name]
        assert box.x <= left and right <= box.x + box.w and box.y <= top and bottom <= box.y + box.h, name
        assert box.w <= right - left + 6 * (bottom - top) and box.h <= 3 * (bottom - top), name


@pytest.mark.parametrize("word", ["PORTABLE", "SUPINE", "ERECT"])
def test_a_word_of_the_film_names_nobody(word: str) -> None:
    """It is found, as everything that must be hidden is, and no reader is warned of it."""
    burnt = written(word, (60, 120), 0.9, 250)
    assert find_text(burnt) and text_warnings(burnt) == []


@pytest.mark.parametrize("name", ["GERECKE", "OBERT", "PERETTI", "SITTERS", "STANDER", "EBERT", "WRIGHT"])
def test_a_name_like_a_word_of_the_film_is_warned_of(name: str) -> None:
    """It holds such a word, or differs from it in a letter or two."""
    for scale in (0.6, 0.9, 1.4):
        assert text_warnings(written(name, (60, 120), scale, 250)), (name, scale)


@pytest.mark.parametrize(
    "text", ["DOE^JANE 04.05.1954", "Mustermann, Erika", "ID 4711081", "PORTABLE DOE JANE"]
)
def test_a_name_is_warned_of(text: str) -> None:
    """In a picture and in a DICOM, whatever its header says of it."""
    burnt = written(text, (60, 120), 0.9, 250)
    _, coded = cv2.imencode(".png", np.round(burnt * 255).astype(np.uint8))
    assert SENTENCE in load_radiograph(coded.tobytes()).warnings
    stored = np.round(burnt * 4095).astype(np.uint16)
    raw = content(dicom(stored, BitsStored=12, HighBit=11, BurnedInAnnotation="NO"))
    assert SENTENCE in load_radiograph(raw).warnings


def test_the_examples_of_the_project_are_not_warned_of() -> None:
    for size in (320, 512, 1024):
        assert text_warnings(synthetic_radiograph(size=size, seed=3).pixels) == []
