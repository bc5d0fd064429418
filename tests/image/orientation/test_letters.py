"""Side letters drawn on a synthetic chest, in fonts that the network was not trained on."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from patchclip.image.orientation.letters import LONGEST, candidates, side_letters
from patchclip.image.orientation.sides import letter_sides
from patchclip.image.orientation.verdict import LetterSides
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.types import FloatArray
from trainer.orientation.glyphs import FONTS

UNSEEN = ("DejaVuSansMono-Oblique", "DejaVuSans-BoldOblique", "DejaVuSansMono-BoldOblique")
AT = {"left": 0.07, "right": 0.93}


@cache
def _drawn(size: int) -> FloatArray:
    return synthetic_radiograph(size=size, seed=4).pixels


def chest() -> FloatArray:
    """A chest of 700 pixels without writing: the corners that hold some are painted over."""
    size = 700
    pixels = _drawn(size).copy()
    pixels[: size // 6, round(0.86 * size) :] = pixels[: size // 6, : round(0.3 * size)] = 0.03
    return pixels


def lettered(text: str, at: str | float, font: str = UNSEEN[0], height: int = 26) -> FloatArray:
    """The chest with a text near its upper edge, its middle at that share of the width.

    height: of capitals, in pixels.
    """
    size = 700
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    image = Image.new("L", (size, size))
    place = (round((AT[at] if isinstance(at, str) else at) * size), round(0.08 * size))
    drawing = ImageDraw.Draw(image)
    drawing.text(place, text, fill=230, font=ImageFont.truetype(str(path), round(height / 0.7)), anchor="mm")
    return np.maximum(chest(), np.asarray(image, np.float32) / 255)


def test_the_fonts_are_new_to_the_network() -> None:
    assert not set(UNSEEN) & set(FONTS)


@pytest.mark.parametrize("font", UNSEEN)
@pytest.mark.parametrize(
    ("letter", "side", "patient_left"),
    [("L", "right", "right"), ("R", "left", "right"), ("L", "left", "left"), ("R", "right", "left")],
)
def test_letters_and_where_they_stand(letter: str, side: str, patient_left: str, font: str) -> None:
    pixels = lettered(letter, side, font)
    (read,) = side_letters(pixels)
    assert (read.letter, read.mirrored, read.patient_left) == (letter, False, patient_left)
    assert read.box.contains(AT[side] * 700, 0.08 * 700)
    (turned,) = side_letters(np.ascontiguousarray(pixels[:, ::-1]))
    other = {"left": "right", "right": "left"}[patient_left]
    assert (turned.letter, turned.mirrored, turned.patient_left) == (letter, True, other)
    assert turned.probability == pytest.approx(read.probability, abs=0.05)


@pytest.mark.parametrize("height", [14, 40])
def test_small_and_large_letters(height: int) -> None:
    (read,) = side_letters(lettered("R", "left", height=height))
    assert (read.letter, read.patient_left) == ("R", "right")
    assert read.box.h == pytest.approx(height, abs=5)


def test_the_size_of_the_film_does_not_matter() -> None:
    large = np.asarray(cv2.resize(lettered("L", "right"), (2100, 2100)), np.float32)
    (read,) = side_letters(large)
    assert max(candidates(large).size) == LONGEST
    assert read.letter == "L" and read.box.h == pytest.approx(78, abs=12)


@pytest.mark.parametrize("text", ["A", "P", "7", "T", "E", "B", "+", "1", "X"])
def test_other_letters_say_nothing(text: str) -> None:
    for side in ("left", "right"):
        assert side_letters(lettered(text, side, "DejaVuSansMono-Bold")) == ()


def test_neither_words_nor_letters_in_the_middle_are_side_letters() -> None:
    assert side_letters(chest()) == ()
    assert side_letters(lettered("L", 0.56)) == ()
    assert side_letters(lettered("PORTABLE", 0.15)) == ()
    assert side_letters(lettered("ERECT", 0.85)) == ()


def test_dark_letters_on_a_light_plate() -> None:
    pixels = chest()
    plate = lettered("R", "left", UNSEEN[1]) - chest()
    pixels[30:90, 20:80] = 0.9
    (read,) = side_letters(np.clip(pixels - plate, 0, 1))
    assert (read.letter, read.patient_left) == ("R", "right")


def test_letters_that_differ_say_nothing() -> None:
    both = np.maximum(lettered("L", "right"), lettered("L", "left"))
    read = side_letters(both)
    assert sorted(item.patient_left for item in read) == ["left", "right"]
    assert letter_sides(read) == LetterSides()
    agreeing = side_letters(np.maximum(lettered("L", "right"), lettered("R", "left")))
    assert len(agreeing) == 2 and letter_sides(agreeing) == LetterSides("right")
