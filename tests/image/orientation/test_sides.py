"""Mirrored films through `load_radiograph`: what the reader is told, and which side answers follow."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from patchclip import HeaderFacts, load_radiograph
from patchclip.__main__ import main
from patchclip.image.orientation.sides import picture_sides
from patchclip.image.orientation.verdict import Sides
from patchclip.types import FloatArray, Laterality
from tests.image.dicoms import content, dicom
from tests.image.orientation.test_letters import lettered
from tests.tiny import tiny_checkpoint

HEART = "patchclip.image.orientation.sides.heart_side"


def png(pixels: FloatArray) -> bytes:
    """As a file."""
    return _raster(pixels, "PNG")


def jpeg(pixels: FloatArray) -> bytes:
    return _raster(pixels, "JPEG")


def film(pixels: FloatArray, **tags: object) -> bytes:
    """As a DICOM file of 12 bits with these tags changed."""
    stored = np.round(pixels * 4095).astype(np.uint16)
    return content(dicom(stored, BitsStored=12, HighBit=11, WindowCenter=2048, WindowWidth=4096, **tags))


def _raster(pixels: FloatArray, kind: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.round(pixels * 255).astype(np.uint8)).save(out, kind)
    return out.getvalue()


def turned(pixels: FloatArray) -> FloatArray:
    return np.ascontiguousarray(pixels[:, ::-1])


@pytest.mark.parametrize("file", [png, jpeg, film])
def test_the_usual_display_is_silent(file: Callable[[FloatArray], bytes]) -> None:
    read = load_radiograph(file(lettered("L", "right")))
    assert read.warnings == () and read.facts.patient_left == "right"


@pytest.mark.parametrize("file", [png, jpeg])
def test_a_mirrored_picture_without_a_header(
    file: Callable[[FloatArray], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mirrored letter is followed, with a sentence, unless the heart speaks against it."""
    pixels = turned(lettered("L", "right"))
    monkeypatch.setattr(HEART, lambda pixels, outside: None)
    read = load_radiograph(file(pixels))
    assert read.warnings == (
        "A mirrored side letter puts the patient's left at the left of the image: the film seems to be "
        "mirrored; sides in answers follow the side letter.",
    )
    assert read.facts.patient_left == "left" and read.facts.sides_told

    monkeypatch.setattr(HEART, lambda pixels, outside: "right")
    read = load_radiograph(file(pixels))
    (sentence,) = read.warnings
    assert sentence.startswith("A mirrored side letter puts the patient's left at the left of the image, but")
    assert "sides in answers follow the usual display" in sentence
    assert read.facts == HeaderFacts()


def test_a_mirrored_picture_with_the_usual_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HEART, lambda pixels, outside: "left")
    read = load_radiograph(film(turned(lettered("L", "right")), FieldOfViewHorizontalFlip="YES"))
    assert read.warnings == (
        "A mirrored side letter and the heart put the patient's left at the left of the image, but the "
        "header at the right: the film seems to be mirrored or its header wrong, and the header says that "
        "it was turned after exposure; sides in answers follow the header, the patient's left at the right "
        "of the image.",
    )
    assert read.facts.patient_left == "right" and read.facts.sides_told


def test_a_mirrored_picture_whose_header_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HEART, lambda pixels, outside: "left")
    read = load_radiograph(film(turned(lettered("L", "right")), PatientOrientation=["R", "F"]))
    assert read.warnings == (
        "The header says that the patient's left is at the left of the image; sides in queries follow the "
        "header.",
    )
    assert read.facts.patient_left == "left"


@pytest.mark.parametrize(
    "tags",
    [
        {"ViewPosition": "LL", "PatientOrientation": None},
        {"PatientOrientation": ["A", "F"]},
        {"PatientOrientation": ["L", "H"]},
        {"ImageLaterality": "L"},
    ],
)
def test_other_views_are_not_compared(tags: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HEART, lambda pixels, outside: "left")
    said = " ".join(load_radiograph(film(turned(lettered("L", "right")), **tags)).warnings)
    assert "side letter" not in said and "heart" not in said


@pytest.mark.parametrize("heart", ["left", "right", None])
def test_the_heart_is_asked_about_the_picture_that_is_shown(
    heart: Laterality | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Padding is hidden from it, and inverted files have been turned."""
    asked = []

    def asks(pixels: FloatArray, outside: np.ndarray | None) -> Laterality | None:
        asked.append((pixels, outside))
        return heart

    monkeypatch.setattr(HEART, asks)
    pixels = lettered("L", "right")
    stored = np.round((1 - pixels) * 4000).astype(np.uint16)
    stored[:, :50] = 4095
    tags = {"PhotometricInterpretation": "MONOCHROME1", "PixelPaddingValue": 4095}
    read = load_radiograph(content(dicom(stored, BitsStored=12, HighBit=11, **tags)))
    ((shown, outside),) = asked
    assert np.array_equal(shown, read.pixels) and outside is not None
    assert outside[:, :50].all() and not outside[:, 51:].any()
    assert any("The heart puts" in sentence for sentence in read.warnings) is (heart == "left")


def test_the_command_line_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, checkpoint = tmp_path / "film.png", tmp_path / "tiny"
    checkpoint.mkdir()
    path.write_bytes(png(turned(lettered("R", "left"))))
    sentence = load_radiograph(path).warnings[0]
    assert "side letter" in sentence and "follow the side letter" in sentence
    status = main(
        ["predict", str(path), "--query", "left effusion", "--checkpoint", str(tiny_checkpoint(checkpoint))]
    )
    printed = json.loads(capsys.readouterr().out)
    assert status == 0 and sentence in printed["warnings"]
    (answer,) = printed["queries"]
    assert not any("does not tell the patient's sides" in warning for warning in answer["warnings"])
    lit = np.array(answer["map"]["values"])
    half = lit.shape[1] // 2
    assert not lit[:, half + 1 :].any()  # the patient's left lies at the image's left


@pytest.mark.parametrize("shape", [(1, 2), (2, 300), (3000, 7), (9, 9), (40, 41)])
def test_pictures_of_any_shape_are_judged(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).random(shape).astype(np.float32)
    for pixels in (noise, np.round(noise)):
        assert picture_sides(pixels) == Sides("right", "display")
