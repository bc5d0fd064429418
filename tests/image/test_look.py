"""Sides and text are looked for at once, and both are said, in the order in which they always were."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from patchclip import RadiographError
from patchclip.image import look
from patchclip.image.burnt_in import SENTENCE
from patchclip.image.look import look_through
from patchclip.image.orientation.sides import picture_sides
from patchclip.image.orientation.verdict import HeaderSides
from tests.image.dicoms import CHEST


def test_both_are_said_and_sides_come_first() -> None:
    drawn = np.round(255 * cv2.resize(CHEST, (800, 800))).astype(np.uint8)
    cv2.putText(drawn, "MUSTERMANN 4711", (40, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 255, 2, cv2.LINE_AA)
    named = drawn.astype(np.float32) / np.float32(255)
    header = HeaderSides(patient_left="left", contradictory=True)

    sides, said = look_through(named, header)

    assert sides == picture_sides(named, header)
    assert said == [*sides.warnings, SENTENCE]
    assert len(said) >= 2


def test_an_error_beside_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(pixels: object) -> list[str]:
        raise RadiographError("No.")

    monkeypatch.setattr(look, "text_warnings", fail)
    with pytest.raises(RadiographError, match="No"):
        look_through(CHEST)
