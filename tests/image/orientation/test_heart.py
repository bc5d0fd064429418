"""At which side the heart lies, on drawn and on real radiographs."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from patchclip.image.orientation.heart import chest_square, heart_side, left_evidence, threshold
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.resources import ORIENTATION
from patchclip.types import FloatArray


@pytest.fixture
def films(data_folder: Path) -> list[FloatArray]:
    """Thirty frontal radiographs that nothing was trained on, displayed the usual way."""
    with (data_folder / "nih" / "images.csv").open(encoding="utf-8", newline="") as file:
        names = [row["image"] for row in csv.DictReader(file) if row["split"] == "val"][::10][:30]
    pictures = [Image.open(data_folder / "nih" / "images" / name).convert("L") for name in names]
    return [np.asarray(picture, np.float32) / np.float32(255) for picture in pictures]


def mirrored(pixels: FloatArray) -> FloatArray:
    return np.ascontiguousarray(pixels[:, ::-1])


def test_mirroring_turns_the_sign() -> None:
    square = chest_square(synthetic_radiograph(size=400, seed=1).pixels)
    assert left_evidence(mirrored(square)) == pytest.approx(-left_evidence(square), abs=1e-3)


def test_real_radiographs(films: list[FloatArray]) -> None:
    """None is called mirrored as it is, and none usual when it is; most are told either way."""
    plain = [heart_side(film) for film in films]
    turned = [heart_side(mirrored(film)) for film in films]
    assert "left" not in plain and "right" not in turned
    assert plain.count("right") > len(films) / 2
    assert turned.count("left") > len(films) / 2


def test_a_letter_on_the_other_side_does_not_turn_it(films: list[FloatArray]) -> None:
    for film in films[:15]:
        size = max(film.shape)
        ink = np.zeros(film.shape, np.uint8)
        cv2.putText(ink, "L", (size // 25, size // 8), cv2.FONT_HERSHEY_SIMPLEX, size / 400, 255, size // 150)
        assert heart_side(np.maximum(film, ink.astype(np.float32) / 255)) != "left"


def test_an_inverted_film_is_judged_too(films: list[FloatArray]) -> None:
    sides = {heart_side(1 - film) for film in films}
    assert sides == {"right", None}


def test_borders_and_what_shows_nothing_take_no_part(films: list[FloatArray]) -> None:
    told = [film for film in films if heart_side(film) == "right"][:8]
    assert len(told) == 8
    for film in told:
        width = film.shape[1] // 4
        framed = np.asarray(cv2.copyMakeBorder(film, 40, 10, width, 30, cv2.BORDER_CONSTANT, value=1.0))
        outside = np.ones(framed.shape, bool)
        outside[40:-10, width:-30] = False
        assert heart_side(np.where(outside, 0, framed).astype(np.float32), outside) == "right"


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_films_are_not_judged(films: list[FloatArray], turns: int) -> None:
    sides = [heart_side(np.ascontiguousarray(np.rot90(film, turns))) for film in films]
    assert sides.count(None) >= 0.9 * len(films)


def test_other_pictures_are_not_judged() -> None:
    rng = np.random.default_rng(0)
    for size in (100, 300):
        noise = rng.random((size, size)).astype(np.float32)
        assert heart_side(noise) is None
        assert heart_side(np.tile(np.linspace(0, 1, size, dtype=np.float32), (size, 1))) is None


def test_the_threshold_is_that_of_the_card() -> None:
    card = (ORIENTATION / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"at {threshold()}, 6 of 2,688 training images were called mirrored" in card
