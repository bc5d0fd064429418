"""Uploads that hold several images: what is in them is told, and the one that is chosen is opened."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from patchclip import load_radiograph
from tests.app.page_client import PageClient
from tests.image.dicoms import CHEST, content, dicom
from tests.image.test_containers import PDF, frames, zipped

DICOM = content(dicom(np.round(CHEST * 4000).astype(np.uint16), PatientName="DOE^JANE"))
STUDY = zipped({"DOE_JANE/2.dcm": DICOM, "DOE_JANE/1.png": b"", "a.dcm": frames(2), "report.pdf": PDF})


def test_an_archive_is_listed_and_the_chosen_image_opened(
    window: PageClient, uploads: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        reply = window.send("open_upload", STUDY)
        assert reply["images"] == ["DOE_JANE/2.dcm", "a.dcm#1", "a.dcm#2"] and reply["total"] == 3
        assert [item["name"] for item in reply["left_out"]] == ["DOE_JANE/1.png", "report.pdf"]
        assert "PDF document" in reply["left_out"][1]["reason"]
        opened = window.send("open_upload", STUDY, image=0)
        second, third = (window.send("open_upload", STUDY, image=place) for place in (1, 2))
    assert opened["sha256"] == load_radiograph(DICOM).sha256
    assert opened["size"] == list(CHEST.shape)
    assert second["sha256"] == load_radiograph(frames(2), frame=0).sha256
    assert third["sha256"] == load_radiograph(frames(2), frame=1).sha256
    assert list(uploads.rglob("*")) == []
    assert "DOE" not in caplog.text


def test_an_archive_of_one_image_is_opened_at_once(window: PageClient) -> None:
    opened = window.send("open_upload", zipped({"only.dcm": DICOM, "report.pdf": PDF}))
    assert opened["sha256"] == load_radiograph(DICOM).sha256


@pytest.mark.parametrize("place", [3, 999999])
def test_an_image_that_is_not_there_is_said(window: PageClient, place: int) -> None:
    assert "does not hold this image any more" in window.send("open_upload", STUDY, image=place)["error"]
    assert window.status == 400


@pytest.mark.parametrize("place", ["", -1, "x", 1.5, 99999999, "1e999"])
def test_a_place_that_is_none_is_refused(window: PageClient, place: object) -> None:
    assert "does not understand image" in window.send("open_upload", STUDY, image=place)["error"]
    assert window.status == 400


@pytest.mark.parametrize(
    ("upload", "words"),
    [
        (zipped({"../x.dcm": DICOM}), "made to do harm"),
        (zipped({"report.pdf": PDF}), "holds no image"),
        (PDF, "PDF document"),
    ],
)
def test_what_offers_no_image_is_a_sentence(window: PageClient, upload: bytes, words: str) -> None:
    assert words in window.send("open_upload", upload)["error"]


def test_a_long_list_is_cut_and_says_how_long_it_is(
    window: PageClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.service.MOST_IMAGES", 2)
    reply = window.send("open_upload", STUDY)
    assert reply["images"] == ["DOE_JANE/2.dcm", "a.dcm#1"] and reply["total"] == 3
