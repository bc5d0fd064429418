"""How a picture is read from its file: black and white exchanged, windows of the header."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from uuid import uuid4

import cv2
import numpy as np
import pytest

from patchclip import load_radiograph
from patchclip.image.burnt_in import SENTENCE
from patchclip.image.polarity import INVERTED, NOT_TURNED
from patchclip.image.radiograph import INVERTED_BY_READER
from tests.app.page_client import PageClient, film_of, told
from tests.image.dicoms import CHEST, content, dicom
from tests.image.test_containers import zipped

TWO = content(
    dicom(
        np.round(CHEST * 4000).astype(np.uint16),
        WindowCenter=[2000, 1000],
        WindowWidth=[4001, 801],
        WindowCenterWidthExplanation=["NORMAL", "LUNG"],
    )
)
NAMES = ["window 2000/4001 (normal)", "window 1000/801 (lung)"]


def opened(page: PageClient, file: bytes, **options: Any) -> tuple[dict[str, Any], np.ndarray]:
    """The reply, and float [H, W] in [0, 1], what the page shows as the model sees it."""
    content = page.fetch("open_upload", file, **options)
    reply = told(content)
    film, seen = reply["film"], reply["film"]["model"]
    values = film_of(content) * film["slope"] + film["intercept"]
    grey = np.clip((values - seen["center"]) / seen["width"] + 0.5, 0, 1)
    if seen["function"] == "LINEAR":
        grey = np.clip((values - (seen["center"] - 0.5)) / (seen["width"] - 1) + 0.5, 0, 1)
    return reply, 1 - grey if film["inverse"] else grey


def test_an_inverted_picture_is_what_is_shown_and_what_the_model_sees(window: PageClient, png: bytes) -> None:
    (plain, before), (turned, after) = opened(window, png), opened(window, png, inverted=True)
    np.testing.assert_allclose(after, 1 - before, atol=1e-6)
    assert turned["sha256"] == load_radiograph(png).inverted().sha256 != plain["sha256"]
    assert (plain["inverted"], turned["inverted"]) == (False, True)
    assert INVERTED_BY_READER in turned["warnings"]
    assert INVERTED_BY_READER not in plain["warnings"]


def test_a_decision_on_polarity_is_marked_and_undone(window: PageClient) -> None:
    """A MONOCHROME1 that stayed when the pixels were turned is left as it is, unless the reader turns it."""
    stale = content(dicom(np.round(CHEST * 4000).astype(np.uint16), PhotometricInterpretation="MONOCHROME1"))
    decided, before = opened(window, stale)
    assert NOT_TURNED in decided["warnings"]
    assert decided["polarity_doubt"]
    undone, after = opened(window, stale, inverted=True)
    assert NOT_TURNED not in undone["warnings"]
    assert not undone["polarity_doubt"]
    np.testing.assert_allclose(after, 1 - before, atol=1e-6)
    bright = content(dicom(np.round((1 - CHEST) * 4000).astype(np.uint16)))
    assert INVERTED in window.send("open_upload", bright)["warnings"]


def test_the_windows_of_the_file_are_offered_and_a_choice_decodes_again(window: PageClient) -> None:
    first, _ = opened(window, TWO)
    assert (first["windows"], first["window"], first["dicom"]) == (NAMES, 0, True)
    for number, place in ((0, 0), (1, 1), (-1, None)):
        reply, shown = opened(window, TWO, window=number)
        expected = load_radiograph(TWO, window=number)
        assert reply["window"] == place
        assert reply["sha256"] == expected.sha256
        assert [item["name"] for item in reply["film"]["transforms"]] == NAMES
        np.testing.assert_allclose(shown, expected.pixels, atol=1e-6)
    _, turned = opened(window, TWO, window=1, inverted=True)
    np.testing.assert_allclose(turned, 1 - load_radiograph(TWO, window=1).pixels, atol=1e-6)
    assert "choose one of them by its number" in window.send("open_upload", TWO, window=2)["error"]


def test_windows_of_a_file_in_an_archive(window: PageClient) -> None:
    study = zipped({"a.dcm": TWO, "b.dcm": TWO})
    reply = window.send("open_upload", study, image=1, window=1)
    assert (reply["window"], reply["dicom"]) == (1, True)
    assert reply["sha256"] == load_radiograph(TWO, window=1).sha256


def test_pictures_have_no_windows(window: PageClient, png: bytes) -> None:
    opened = window.send("open_upload", png)
    assert (opened["windows"], opened["window"], opened["dicom"]) == ([], None, False)


def test_an_example_is_read_in_another_way(window: PageClient) -> None:
    plain = window.call("open_example", name="synthetic_effusion_dicom.dcm")
    turned = window.call("open_example", name="synthetic_effusion_dicom.dcm", inverted=True, window=-1)
    assert plain["window"] == 0
    assert turned["inverted"]
    assert turned["window"] is None
    assert turned["synthetic"]


def test_what_was_done_to_the_picture_travels_with_a_reading(window: PageClient) -> None:
    reply = window.send("open_upload", TWO, window=1, inverted=True)
    window.call("ask", study=reply["study"], text="mass")
    saved = window.call(
        "save", study=reply["study"], key=uuid4().hex, query="mass", presence="absent", reader="R"
    )
    assert "saved" in saved
    row = next(csv.DictReader(io.StringIO(window.call("export", kind="csv")["text"])))
    assert json.loads(row["parameters"])["picture"] == {"window": NAMES[1], "inverted": True}
    assert row["image_sha256"] == reply["sha256"]


def test_writing_in_the_picture_is_flagged(window: PageClient) -> None:
    tagged = dicom(np.round(CHEST * 4000).astype(np.uint16), BurnedInAnnotation="YES")
    assert window.send("open_upload", content(tagged))["burnt_in"]
    assert not window.send("open_upload", TWO)["burnt_in"]
    film = (CHEST * 255).astype(np.uint8)
    large = cv2.resize(film, (1200, 1200))
    cv2.putText(large, "QUIXOTE ALONSO 1947", (60, 80), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 255, 2, cv2.LINE_AA)
    done, encoded = cv2.imencode(".png", large)
    assert done
    opened = window.send("open_upload", encoded.tobytes())
    assert opened["burnt_in"]
    assert SENTENCE in opened["warnings"]


def test_a_closed_study_is_gone_and_closing_again_is_nothing(window: PageClient, png: bytes) -> None:
    study = window.send("open_upload", png)["study"]
    for _ in range(2):
        assert window.call("close", study=study) == {}
    assert "no longer in memory" in window.call("ask", study=study, text="mass")["error"]


@pytest.mark.parametrize("options", [{"window": -2}, {"window": "x"}, {"inverted": "maybe"}, {"turned": 1}])
def test_what_is_no_way_to_read_a_picture_is_refused(
    window: PageClient, png: bytes, options: dict[str, Any]
) -> None:
    reply = window.send("open_upload", png, **options)
    assert window.status == 400
    assert "reload the page" in reply["error"]
