"""predict on folders, archives, discs and files of several frames: one JSON object per image."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patchclip.__main__ import main
from tests.image.dicoms import CHEST, content, dicom
from tests.image.test_containers import PDF, REPORT, disc, frames, png, zipped
from tests.tiny import tiny_checkpoint

DICOM = content(dicom(np.round(CHEST * 4000).astype(np.uint16), WindowCenter=2000, WindowWidth=4000))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_checkpoint(tmp_path_factory.mktemp("containers")))


class Outcome:
    """Status, objects on standard output, lines on standard error."""

    def __init__(self, capsys: pytest.CaptureFixture[str], checkpoint: str, *images: object) -> None:
        """images: and flags."""
        names = [str(image) for image in images]
        self.status = main(["predict", *names, "--query", "effusion", "--checkpoint", checkpoint])
        captured = capsys.readouterr()
        self.records: list[dict[str, Any]] = [json.loads(line) for line in captured.out.splitlines()]
        self.notes = captured.err.splitlines()

    @property
    def names(self) -> list[str]:
        return [record["image"] for record in self.records]


def test_a_folder_gives_an_object_per_image(
    capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path
) -> None:
    (tmp_path / "deep").mkdir()
    for name, data in {
        "a.dcm": DICOM,
        "deep/film.dcm": frames(2),
        "b.png": png(CHEST),
        "report.pdf": PDF,
        "sr.dcm": REPORT,
        "broken.dcm": DICOM[: len(DICOM) // 2],
    }.items():
        (tmp_path / name).write_bytes(data)
    outcome = Outcome(capsys, checkpoint, tmp_path)
    assert outcome.names == [
        f"{tmp_path}/{name}"
        for name in ("a.dcm", "b.png", "broken.dcm", "deep/film.dcm#1", "deep/film.dcm#2")
    ]
    assert outcome.status == 1 and set(outcome.records[2]) == {"image", "error"}
    assert "cut short" in outcome.records[2]["error"]
    assert all("queries" in record for place, record in enumerate(outcome.records) if place != 2)
    assert outcome.records[0]["size"] == list(CHEST.shape)
    notes = [note for note in outcome.notes if "left out" in note]
    assert len(notes) == 2 and "PDF document" in notes[0] and "a report" in notes[1]


def test_an_archive_and_a_disc_give_their_images_and_the_others_go_on(
    capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path
) -> None:
    study, evil = tmp_path / "study.zip", tmp_path / "evil.zip"
    study.write_bytes(zipped({"one.dcm": DICOM, "two.png": png(CHEST)}))
    evil.write_bytes(zipped({"../one.dcm": DICOM}))
    root = tmp_path / "disc"
    (root / "IMAGES").mkdir(parents=True)
    (root / "IMAGES" / "IM1").write_bytes(DICOM)
    directory = disc(root, [["IMAGES", "IM1"]])
    outcome = Outcome(capsys, checkpoint, study, evil, directory)
    assert outcome.names == [f"{study}/one.dcm", f"{study}/two.png", str(evil), str(root / "IMAGES" / "IM1")]
    assert outcome.status == 1 and "made to do harm" in outcome.records[2]["error"]
    answers = [outcome.records[place]["queries"] for place in (0, 3)]
    assert answers[0] == answers[1]


def test_a_container_without_images_is_an_error_of_its_own(
    capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path
) -> None:
    pdf, empty = tmp_path / "report.pdf", tmp_path / "empty.zip"
    pdf.write_bytes(PDF)
    out = io.BytesIO()
    zipfile.ZipFile(out, "w").close()
    empty.write_bytes(out.getvalue())
    outcome = Outcome(capsys, checkpoint, pdf, empty)
    assert outcome.status == 1 and outcome.names == [str(pdf), str(empty)]
    assert "PDF document" in outcome.records[0]["error"]
    assert "holds no image" in outcome.records[1]["error"]


def test_a_window_of_the_header_is_taken_by_number_or_by_explanation(
    capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path
) -> None:
    film, study = tmp_path / "film.dcm", tmp_path / "study.zip"
    windows = {"WindowCenter": ["2000", "600"], "WindowWidth": ["4000", "500"]}
    stored = np.round(CHEST * 4000).astype(np.uint16)
    film.write_bytes(content(dicom(stored, **windows, WindowCenterWidthExplanation=["NORMAL", "SOFT"])))
    study.write_bytes(zipped({"film.dcm": film.read_bytes()}))
    plain, first, second, named, packed = (
        Outcome(capsys, checkpoint, image, *flags).records[0]["queries"]
        for image, flags in (
            (film, ()),
            (film, ("--window", "0")),
            (film, ("--window", "1")),
            (film, ("--window", "soft")),
            (study, ("--window", "Soft")),
        )
    )
    assert plain == first != second == named == packed
    absent = Outcome(capsys, checkpoint, film, "--window", "bone")
    assert absent.status == 1
    assert "0 (window 2000/4000 (normal)), 1 (window 600/500 (soft)); choose" in absent.records[0]["error"]
