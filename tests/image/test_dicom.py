"""DICOM headers that are odd, wrong or indiscreet: what is read, refused, said, and what never is."""

from __future__ import annotations

import importlib
import io
import logging
import traceback
import warnings
from typing import Any

import numpy as np
import pytest
from pydicom import dcmwrite
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

import patchclip.image.dicom
from patchclip import RadiographError, load_radiograph
from patchclip.image.polarity import CLEAR, polarity_evidence
from patchclip.image.synthetic import synthetic_dicom
from tests.image.dicoms import CHEST, content, dicom

NAME = "DOE^JANE^MARGARET 19540101"
TWELVE = np.round(CHEST * 4000).astype(np.uint16)


def with_value(keyword: str, vr: str, value: str) -> bytes:
    """A file whose element holds a value that its kind does not allow."""
    dataset = synthetic_dicom(CHEST)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.add_new(keyword, vr, value)
        return content(dataset)


def with_name_for_number() -> bytes:
    """A file whose number of frames is a name."""
    return content(dicom(TWELVE, NumberOfFrames="1234567890")).replace(b"1234567890", b"DOE^JANE 1")


@pytest.mark.parametrize(
    "raw",
    [
        with_value("ViewPosition", "CS", "DOE^JANE"),
        with_value("ViewPosition", "CS", NAME),
        with_name_for_number(),
    ],
)
def test_a_header_value_reaches_neither_warnings_nor_logs(
    raw: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Nor the terminal, nor the traceback of the error if there is one, nor the facts."""
    with warnings.catch_warnings(record=True) as said, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        try:
            told = repr(load_radiograph(raw))
        except RadiographError as error:
            told = "".join(traceback.format_exception(error))
    shown = capfd.readouterr()
    assert "DOE" not in f"{[str(item.message) for item in said]} {caplog.text} {shown.out} {shown.err} {told}"


def test_a_name_where_a_code_belongs_is_no_fact() -> None:
    read = load_radiograph(with_value("BodyPartExamined", "CS", "DOE^JANE"))
    assert read.facts.body_part is None and "DOE" not in repr(read)


def test_warnings_that_no_setting_stops_are_filtered() -> None:
    """An unknown character set is quoted past the validation.

    The module is loaded anew because tests replace Python's filters.
    """
    raw = with_value("SpecificCharacterSet", "CS", NAME)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        importlib.reload(patchclip.image.dicom)
        load_radiograph(raw)
    assert not [str(item.message) for item in said]


@pytest.mark.parametrize("kept", [140, 142, 154, 160, 200, 300, 348, 500])
def test_a_file_cut_anywhere_is_answered_in_words(kept: int) -> None:
    for syntax in (None, DeflatedExplicitVRLittleEndian):
        dataset = synthetic_dicom(CHEST)
        if syntax:
            dataset.file_meta.TransferSyntaxUID = syntax
        with pytest.raises(RadiographError, match=r"(export|choose).*\.$"):
            load_radiograph(content(dataset)[:kept])


def test_a_deflated_file_is_read_whole_and_refused_in_part() -> None:
    dataset = synthetic_dicom(CHEST)
    whole = load_radiograph(content(dataset))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    raw = content(dataset)
    assert load_radiograph(raw).sha256 == whole.sha256
    for broken in (raw[: len(raw) // 2], raw[:400] + bytes(64) + raw[464:]):
        with pytest.raises(RadiographError, match="damaged or cut short; export it again"):
            load_radiograph(broken)


def test_half_a_rescale_is_none() -> None:
    """PS3.3 C.11.1 asks for both; the window must not be scaled by the one that the values are not."""
    window = {"BitsStored": 12, "HighBit": 11, "WindowCenter": 2000, "WindowWidth": 4000}
    plain = load_radiograph(content(dicom(TWELVE, **window)))
    for tags in (
        {"RescaleSlope": 4},
        {"RescaleIntercept": -1024},
        {"RescaleSlope": 4, "RescaleIntercept": None},
    ):
        assert load_radiograph(content(dicom(TWELVE, **window, **tags))).sha256 == plain.sha256


def test_padding_is_no_evidence_of_polarity() -> None:
    """A true MONOCHROME1 is turned, though dark padding around it looks like air that is black."""
    stored = np.zeros((800, 800), np.uint16)
    stored[240:560, 240:560] = np.round((1 - CHEST) * 1000).astype(np.uint16) + 3000
    read = load_radiograph(
        content(dicom(stored, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=0))
    )
    assert np.corrcoef(read.pixels[240:560, 240:560].ravel(), CHEST.ravel())[0, 1] > 0.99
    assert read.pixels[:240].max() == 0 and not any("MONOCHROME1" in warning for warning in read.warnings)


def test_polarity_evidence_is_that_of_the_measured_part() -> None:
    whole = np.ones((400, 420), np.float32)
    whole[30:350, 80:400] = CHEST
    padding = np.ones(whole.shape, bool)
    padding[30:350, 80:400] = False
    assert polarity_evidence(whole, padding) == polarity_evidence(CHEST) > CLEAR
    assert polarity_evidence(whole, np.ones(whole.shape, bool)) == 0


@pytest.mark.parametrize(("polarity", "inverted"), [("MONOCHROME1", False), ("MONOCHROME2", True)])
def test_an_inverted_dicom_warns_as_a_picture_does(polarity: str, inverted: bool) -> None:
    """Bright air is what MONOCHROME1 says and MONOCHROME2 does not."""
    read = load_radiograph(
        content(dicom(np.round((1 - CHEST) * 4000).astype(np.uint16), PhotometricInterpretation=polarity))
    )
    assert any("looks inverted" in warning for warning in read.warnings) is inverted
    assert not any(
        "looks inverted" in warning for warning in load_radiograph(content(dicom(TWELVE))).warnings
    )


@pytest.mark.parametrize("depth", [8, 16])
def test_a_palette_is_applied(depth: int) -> None:
    """Stored values are places in the table: here a table from white to black."""
    table = np.linspace(2**depth - 1, 0, 256).round().astype("u1" if depth == 8 else "<u2").tobytes()
    palette: dict[str, Any] = {
        f"{colour}PaletteColorLookupTableDescriptor": [256, 0, depth] for colour in ("Red", "Green", "Blue")
    }
    palette |= {f"{colour}PaletteColorLookupTableData": table for colour in ("Red", "Green", "Blue")}
    read = load_radiograph(
        content(
            dicom(
                np.round((1 - CHEST) * 255).astype(np.uint8),
                PhotometricInterpretation="PALETTE COLOR",
                **palette,
            )
        )
    )
    assert np.corrcoef(read.pixels.ravel(), CHEST.ravel())[0, 1] > 0.99
    assert any("in colour" in warning for warning in read.warnings)


def test_a_palette_that_is_missing_is_said() -> None:
    with pytest.raises(RadiographError, match=r"palette .* missing or malformed; export it in grey"):
        load_radiograph(
            content(dicom(np.round(CHEST * 255).astype(np.uint8), PhotometricInterpretation="PALETTE COLOR"))
        )


@pytest.mark.parametrize(("implicit", "little"), [(True, True), (False, True), (False, False)])
def test_a_file_without_preamble_and_meta_is_read_in_its_own_byte_order(implicit: bool, little: bool) -> None:
    dataset = synthetic_dicom(CHEST)
    whole = load_radiograph(content(dataset))
    if not little:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    plain = DicomBytesIO()
    plain.is_little_endian, plain.is_implicit_VR = little, implicit
    write_dataset(plain, dataset)
    assert load_radiograph(plain.getvalue()).sha256 == whole.sha256
    with_preamble = b"\0" * 128 + b"DICM" + plain.getvalue()
    assert load_radiograph(with_preamble).sha256 == whole.sha256


def test_a_big_endian_file_is_read() -> None:
    dataset = synthetic_dicom(CHEST)
    whole = load_radiograph(content(dataset))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    out = io.BytesIO()
    dcmwrite(out, dataset, enforce_file_format=True)
    assert load_radiograph(out.getvalue()).sha256 == whole.sha256


def test_another_kind_of_file_is_not_taken_for_big_endian() -> None:
    with pytest.raises(RadiographError, match="not a DICOM, PNG, JPEG"):
        load_radiograph(b"\x00\x08\x00\x00\x00\x01 some other file" + bytes(200))


@pytest.mark.parametrize(
    ("orientation", "words", "patient_left"),
    [
        (["L", "F"], None, "right"),
        (["LH", "FL"], None, "right"),
        (["R", "F"], "left is at the left of the image", "left"),
        (["RF", "FR"], "left is at the left of the image", "left"),
        (["F", "L"], "lies across the image", "right"),
        (["H", "R"], "lies across the image", "right"),
        (["L", "H"], "upside down", "right"),
        (["R", "H"], "upside down", "left"),
        (["A", "F"], "lateral view", "right"),
        (["L", "P"], "no frontal view", "right"),
        (["L", "R"], None, "right"),
        (["X", "F"], None, "right"),
        ("LF", None, "right"),
        (None, None, "right"),
    ],
)
def test_orientations_other_than_upright_frontal_are_said(
    orientation: object, words: str | None, patient_left: str
) -> None:
    """Patient Orientation, PS3.3 C.7.6.1.1.1."""
    dataset = synthetic_dicom(CHEST)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.PatientOrientation = orientation
    read = load_radiograph(content(dataset))
    assert read.facts.patient_left == patient_left
    assert read.warnings == () if words is None else any(words in warning for warning in read.warnings)
    assert read.facts.sides_told == (
        orientation
        in (["L", "F"], ["LH", "FL"], ["R", "F"], ["RF", "FR"], ["L", "H"], ["R", "H"], ["L", "P"])
    )
    del dataset.PatientOrientation
    assert not load_radiograph(content(dataset)).facts.sides_told
