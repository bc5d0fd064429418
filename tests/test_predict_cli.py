"""The command-line contract of predict, which scripts outside the project rely on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from patchclip.__main__ import UNREAD, main
from tests.tiny import ROOT, tiny_checkpoint

EXAMPLES = ROOT / "assets" / "examples"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_checkpoint(tmp_path_factory.mktemp("cli")))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    status = main(["predict", *arguments])
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_one_object_a_line_with_the_contracts_keys(
    capsys: pytest.CaptureFixture[str], checkpoint: str
) -> None:
    image = str(EXAMPLES / "synthetic_effusion.png")
    status, lines = run(
        capsys,
        image,
        "--query",
        "no pneumothorax",
        "--query",
        "effusion",
        "--saliency",
        "grad_cam",
        "--checkpoint",
        checkpoint,
    )
    assert status == 0
    (record,) = lines
    assert set(record) == {"image", "size", "model", "warnings", "queries", "timing_ms"}
    assert record["image"] == image
    assert record["model"]["name"] == "tiny" and len(record["model"]["sha256"]) == 64
    assert set(record["timing_ms"]) == {"decode", "encode", "query"}
    negated, asked = record["queries"]
    assert (negated["query"], negated["finding"], negated["negated"], negated["in_vocabulary"]) == (
        "no pneumothorax",
        "pneumothorax",
        True,
        True,
    )
    assert (asked["finding"], asked["negated"]) == ("pleural effusion", False)
    shown = asked["map"]
    assert len(shown["values"]) == shown["rows"] and all(len(row) == shown["cols"] for row in shown["values"])
    assert all(0 <= value <= 1 for row in shown["values"] for value in row)
    height, width = record["size"]
    assert (
        shown["extent"][2] - shown["extent"][0] >= width and shown["extent"][3] - shown["extent"][1] >= height
    )
    for region in asked["regions"]:
        assert set(region) >= {"x", "y", "w", "h", "score", "peak"}
        assert region["x"] <= region["peak"][0] <= region["x"] + region["w"] <= width + 0.1
        assert region["y"] <= region["peak"][1] <= region["y"] + region["h"] <= height + 0.1
    assert (asked["saliency"]["grad_cam"]["rows"], asked["saliency"]["grad_cam"]["cols"]) == (
        shown["rows"],
        shown["cols"],
    )


def test_a_broken_image_is_named_and_the_others_go_on(
    capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nrest is missing")
    good = str(EXAMPLES / "synthetic_normal.png")
    status, lines = run(
        capsys, str(broken), str(tmp_path / "absent.dcm"), good, "--query", "mass", "--checkpoint", checkpoint
    )
    assert status == 1
    assert set(lines[0]) == set(lines[1]) == {"image", "error"}
    assert lines[0]["image"] == str(broken) and "export it again" in lines[0]["error"]
    assert lines[1]["image"].endswith("absent.dcm") and "no such file" in lines[1]["error"]
    assert lines[2]["image"] == good and lines[2]["queries"][0]["finding"] == "lung mass"


def test_a_cut_dicom_and_a_strip_are_named_and_the_others_go_on(
    capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path
) -> None:
    """Errors of decompression and of unpacking, and an image without any patch."""
    good = EXAMPLES / "synthetic_effusion_dicom.dcm"
    dataset = dcmread(good)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    deflated, cut, strip = tmp_path / "deflated.dcm", tmp_path / "cut.dcm", tmp_path / "strip.png"
    dataset.save_as(deflated, enforce_file_format=True)
    deflated.write_bytes(deflated.read_bytes()[:2000])
    cut.write_bytes(good.read_bytes()[:154])  # within the length of an element
    cv2.imwrite(str(strip), np.tile(np.arange(1200, dtype=np.uint8), (20, 1)))
    status, lines = run(
        capsys, str(deflated), str(cut), str(strip), str(good), "--query", "mass", "--checkpoint", checkpoint
    )
    assert status == 1
    assert [set(line) for line in lines[:3]] == [{"image", "error"}] * 3
    assert (
        "cut short" in lines[0]["error"]
        and "cut short" in lines[1]["error"]
        and "crop it" in lines[2]["error"]
    )
    assert lines[3]["queries"][0]["finding"] == "lung mass"


@pytest.mark.parametrize(
    "arguments", [["image.png"], ["--query"], ["image.png", "--query", "mass", "--saliency", "magic"]]
)
def test_wrong_usage_is_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["predict", *arguments])
    assert stopped.value.code == 2


def test_a_missing_checkpoint_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["predict", "x.png", "--query", "mass", "--checkpoint", str(tmp_path)]) == 1
    assert "model" in capsys.readouterr().err


def test_several_findings_get_several_entries_and_a_refused_text_spoils_no_other(
    capsys: pytest.CaptureFixture[str], checkpoint: str
) -> None:
    """In order: three of one text, the refusal with its sentence, what is out of scope without a number."""
    texts = ["no focal consolidation, left effusion or PTX", "无 pneumothorax", "pneumomediastinum"]
    flags = [flag for text in texts for flag in ("--query", text)]
    image = str(EXAMPLES / "synthetic_effusion.png")
    status, (record,) = run(capsys, image, *flags, "--explore", "--checkpoint", checkpoint)
    *several, refused, outside = record["queries"]
    assert status == 1  # one text was refused
    assert [(entry["finding"], entry["span"], entry["assertion"], entry["place"]) for entry in several] == [
        ("consolidation", "focal consolidation", "absent", None),
        ("pleural effusion", "left effusion", "absent", "left"),
        ("pneumothorax", "PTX", "absent", None),
    ]
    assert all(entry["query"] == texts[0] and entry["negated"] for entry in several)
    assert set(refused) == {"query", "error"} and "not read" in refused["error"]
    assert (outside["in_vocabulary"], outside["probability"], outside["regions"]) == (False, None, [])
    similarity = np.array(outside["explore"]["similarity"]["values"])
    assert similarity.shape == (outside["map"]["rows"], outside["map"]["cols"])
    assert (
        (np.abs(similarity) <= 1).all() and similarity.std() > 0 and "Untested" in outside["explore"]["note"]
    )
    assert all("explore" not in entry for entry in several)


def test_what_became_of_every_word_stands_with_the_first_answer_to_its_text(
    capsys: pytest.CaptureFixture[str], checkpoint: str
) -> None:
    """Used and how, corrected, passed over, struck out; so are words that the gate refuses."""
    text = "No plueral effusion, possible mass; banana"
    flags = ["--query", text, "--query", "adrenal nodule", "--query", "fraktur am Bein", "--explore"]
    image = str(EXAMPLES / "synthetic_effusion.png")
    _, (record,) = run(capsys, image, *flags, "--checkpoint", checkpoint)
    first, second, *others = record["queries"]
    assert "".join(text[word["start"] : word["stop"]] for word in first["echo"]) == text.replace(" ", "")
    assert [(word["text"], word["role"], word["became"], word["assertion"]) for word in first["echo"]] == [
        ("No", "used", "no", "absent"),
        ("plueral", "corrected", "pleural", "absent"),
        ("effusion", "used", "effusion", "absent"),
        (",", "passed over", ",", None),
        ("possible", "used", "possible", "uncertain"),
        ("mass", "used", "mass", "uncertain"),
        (";", "passed over", ";", None),
        ("banana", "struck out", "banana", None),
    ]
    assert "echo" not in second
    adrenal = next(entry for entry in others if entry["query"] == "adrenal nodule")
    assert [word["role"] for word in adrenal["echo"]] == ["struck out", "struck out"]
    german = next(entry for entry in others if entry["query"] == "fraktur am Bein")
    assert "not in English" in german["explore"]["error"]


def test_a_reader_that_has_seen_enough_is_no_error(checkpoint: str) -> None:
    """As `predict ... | head -1` is."""
    command = [sys.executable, "-m", "patchclip", "predict", str(EXAMPLES / "synthetic_effusion.png")]
    with subprocess.Popen(
        [*command, "--query", "pleural effusion", "--checkpoint", checkpoint],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
    assert process.returncode == UNREAD
    assert "Traceback" not in said and "BrokenPipe" not in said
