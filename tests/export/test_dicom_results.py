"""Results as DICOM: valid by dciodvfy, opened by DCMTK and pydicom, and saying what the answers say."""

from __future__ import annotations

import io
import subprocess
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from highdicom.sr import srread
from pydicom import dcmread
from pydicom.dataset import Dataset

from patchclip import Radiograph
from patchclip.errors import DataError
from patchclip.export import (
    map_segmentation,
    read_source,
    region_segmentation,
    secondary_capture,
    structured_report,
)
from tests.export.sources import INSTANCE, NAME, SHA, answer, dark, errors_of, film, result, tool
from tests.image.dicoms import content

PICTURE = Radiograph.from_array(np.random.default_rng(1).random((240, 320)))
KINDS = ("sr", "seg", "regions", "sc")


def made(kind: str, source_tags: dict[str, object] | None = None) -> Dataset:
    source = read_source(content(film(**(source_tags or {}))))
    makers = {
        "sr": lambda: structured_report(result(), source),
        "seg": lambda: map_segmentation(result(), source),
        "regions": lambda: region_segmentation(result(), source),
        "sc": lambda: secondary_capture(result(), PICTURE, source),
    }
    dataset = makers[kind]()
    assert dataset is not None
    return dataset


def read_again(report: Dataset) -> Any:
    """As another program gets it: a ComprehensiveSR, whose content highdicom types too widely."""
    out = io.BytesIO()
    report.save_as(out, enforce_file_format=True)
    out.seek(0)
    return srread(out)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"PatientAge": "81", "PatientOrientation": None, "PatientSex": "male"},
        {"PatientName": "", "StudyDate": ""},
    ],
    ids=["whole", "malformed", "bare"],
)
def test_valid_and_opened_by_others(kind: str, tags: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / f"{kind}.dcm"
    made(kind, tags).save_as(path, enforce_file_format=True)
    assert errors_of(path) == []
    program = [tool("dsrdump"), "+Pc"] if kind == "sr" else [tool("dcmdump"), "+P", "0010,0010"]
    run = subprocess.run([*program, str(path)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert dcmread(path).StudyInstanceUID == film().StudyInstanceUID


@pytest.mark.parametrize("kind", KINDS)
def test_filed_with_its_patient_and_marked_as_research(kind: str) -> None:
    dataset = made(kind)
    assert (str(dataset.PatientName), dataset.PatientID, dataset.AccessionNumber) == (NAME, "MRN-4711", "A1")
    assert "research use only" in dataset.SeriesDescription
    assert dataset.DeviceSerialNumber == SHA
    assert dataset.SeriesInstanceUID != film().SeriesInstanceUID
    assert INSTANCE in str(dataset)


def test_no_warning_quotes_the_patient(capfd: pytest.CaptureFixture[str]) -> None:
    """highdicom warns of names with a single component by quoting them."""
    with warnings.catch_warnings(record=True) as said:
        for kind in KINDS:
            assert str(made(kind, {"PatientName": "QUIXOTE"}).PatientName) == "QUIXOTE"
    printed = capfd.readouterr()
    assert not [item for item in said if "QUIXOTE" in str(item.message)]
    assert "QUIXOTE" not in printed.out + printed.err


def test_one_source_serves_several_results() -> None:
    source = read_source(content(film(PatientName="QUIXOTE")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in (0, 1):
            made_one = secondary_capture(result(), PICTURE, source, number)
            assert str(made_one.PatientName) == "QUIXOTE"


def test_the_report_says_what_the_answers_say() -> None:
    report = read_again(made("sr"))
    whole = {group.tracking_identifier: group for group in report.content.get_image_measurement_groups()}
    assert set(whole) == {"pleural effusion", "no pneumothorax"}
    for query, code, value, absence in (
        ("pleural effusion", "60046008", 0.8125, "No"),
        ("no pneumothorax", "36118008", 0.97, "Yes"),
    ):
        group = whole[query]
        assert (group.finding_type.value, group.finding_type.scheme_designator) == (code, "SCT")
        (probability,) = group.get_measurements()
        assert (probability.value, probability.name.meaning) == (value, "Probability")
        (asked,) = group.get_qualitative_evaluations()
        assert asked.value.meaning == absence
    (region,) = read_again(report).content.get_planar_roi_measurement_groups()
    corners = region.roi.value
    assert corners.tolist() == [[0, 160], [80, 160], [80, 240], [0, 240], [0, 160]]
    assert region.get_measurements()[0].value == 0.9
    text = str(report)
    assert INSTANCE in text and SHA in text


def test_every_form_says_how_it_was_computed() -> None:
    computed = ["backend=torch", "precision=bf16", "mirror=false", "input_size=512", "device=cpu"]
    content = read_again(made("sr")).content
    groups = [*content.get_image_measurement_groups(), *content.get_planar_roi_measurement_groups()]
    said = [
        [
            (item.ConceptNameCodeSequence[0].CodeMeaning, item.TextValue)
            for item in group[0].ContentSequence
            if item.ValueType == "TEXT" and item.name.meaning.startswith("Algorithm")
        ]
        for group in groups
    ]
    identity = [("Algorithm Name", "Patch-CLIP invented"), ("Algorithm Version", SHA)]
    assert said == [
        [*identity, *(("Algorithm Parameters", text) for text in (query, "threshold=0.5", *computed))]
        for query in ("query=pleural effusion", "query=no pneumothorax", "query=pleural effusion")
    ]
    for kind in ("seg", "regions"):
        for segment in made(kind).SegmentSequence:
            (algorithm,) = segment.SegmentationAlgorithmIdentificationSequence
            assert algorithm.AlgorithmParameters.split(",")[2:] == computed
    derived = made("sc").DerivationDescription
    assert "computed by torch, bf16, without the mirror image, 512 x 512 pixels, cpu" in derived


def test_regions_are_in_pixels_of_the_file_where_they_are_not_square() -> None:
    """A film that was resampled to square pixels has other coordinates than its file."""
    source = read_source(content(film()))
    tall = result(answer(), size=(480, 320))
    report = structured_report(tall, source)
    (region,) = read_again(report).content.get_planar_roi_measurement_groups()
    assert region.roi.value[:, 1].max() == pytest.approx(
        120
    )  # y + h = 240 of 480 rows, of which the file has 240


def test_the_maps_are_those_of_the_answers() -> None:
    dataset = made("seg")
    frames = dataset.pixel_array
    assert frames.shape == (2, 240, 320)
    shown = result().answers[0].map.upsample(240, 320)
    assert np.abs(frames[0] / 255 - shown).max() <= 0.5 / 255 + 1e-6
    assert [item.SegmentLabel for item in dataset.SegmentSequence] == ["pleural effusion", "pneumothorax"]
    assert dataset.SegmentationType == "FRACTIONAL" and dataset.SegmentationFractionalType == "PROBABILITY"


def test_region_masks_are_where_the_map_is_lit_and_nowhere_else() -> None:
    dataset = made("regions")
    mask = dataset.pixel_array
    shown = result().answers[0].map.upsample(240, 320)
    inside = np.zeros((240, 320), bool)
    inside[160:, :80] = True
    assert (mask.astype(bool) == ((shown >= 0.5) & inside)).all()
    assert mask.any()
    assert [item.SegmentLabel for item in dataset.SegmentSequence] == ["pleural effusion"]  # no empty segment


def test_no_region_no_segmentation() -> None:
    assert region_segmentation(result(dark("no pneumothorax")), read_source(content(film()))) is None


def test_the_overlay_has_legend_and_film_as_dcmtk_sees_it(tmp_path: Path) -> None:
    path, picture = tmp_path / "sc.dcm", tmp_path / "sc.png"
    dataset = made("sc")
    dataset.save_as(path, enforce_file_format=True)
    subprocess.run([tool("dcmj2pnm"), "+on", str(path), str(picture)], check=True, capture_output=True)
    drawn = cv2.imread(str(picture))
    assert drawn is not None
    seen = cv2.cvtColor(drawn, cv2.COLOR_BGR2RGB)
    assert (seen == dataset.pixel_array).all()
    assert seen.shape[0] > 240 and seen.shape[1] == 320
    grey = np.round(PICTURE.pixels * 255)
    assert (
        np.abs(seen[:100, 200:, 0] - grey[:100, 200:]).max() <= 1
    )  # the dark part of the map covers nothing
    assert np.ptp(seen[180:220, 20:60].astype(int), axis=2).max() > 30  # the lit part is in colour
    assert dataset.BurnedInAnnotation == "YES"
    assert "Research use only" in dataset.ImageComments


@pytest.mark.parametrize(
    ("file", "words"),
    [(b"\x89PNG\r\n\x1a\n" + 40 * b"0", "DICOM"), (content(film(StudyInstanceUID=None)), "StudyInstanceUID")],
)
def test_what_nothing_can_refer_to_is_refused_in_words(file: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_source(file)


def test_a_picture_of_no_answer_is_refused() -> None:
    with pytest.raises(DataError, match="2 answers"):
        secondary_capture(result(), PICTURE, read_source(content(film())), number=2)


def test_an_unknown_finding_is_coded_under_a_private_scheme() -> None:
    free = result(answer("bat wing", label=None, finding="bat wing"))
    report = structured_report(free, read_source(content(film())))
    (group,) = read_again(report).content.get_image_measurement_groups()
    assert (group.finding_type.value, group.finding_type.scheme_designator) == ("BAT_WING", "99PATCHCLIP")
