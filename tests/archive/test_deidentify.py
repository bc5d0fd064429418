"""De-identified headers: no text that somebody wrote survives, what a viewer needs does."""

from __future__ import annotations

import io

import pytest
from pydicom import dcmread
from pydicom.datadict import DicomDictionary, keyword_for_tag  # type: ignore[attr-defined]
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID

from patchclip import load_radiograph
from patchclip.archive.deidentify import BASIC_PROFILE, CLEAN_PIXELS, Deidentifier
from tests.export.sources import film
from tests.image.dicoms import content

NAME = "QUIXOTEDELAMANCHA"[:12]
TEXTS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
NEEDED = {"SpecificCharacterSet", "PhotometricInterpretation"}
"""Without these as they are, the file itself cannot be read."""


def planted() -> FileDataset:
    """A film with the name in every text attribute of the standard, in nested items, private ones, overlays,
    preamble and padding."""
    made = film()
    everywhere = Dataset()
    for tag, (vr, multiplicity, _, retired, keyword) in DicomDictionary.items():
        if vr in TEXTS and keyword not in NEEDED and Tag(tag).group > 0x0008 - 1 and not retired:
            everywhere.add_new(tag, vr, NAME if not multiplicity.startswith("2") else [NAME, NAME])
    for element in everywhere:
        made.add(element)
    nested = Dataset()
    nested.update({element.tag: element for element in everywhere})
    inner = Dataset()
    inner.PatientName = NAME
    inner.TextValue = NAME
    nested.RequestAttributesSequence = Sequence([inner])
    for keyword in (
        "ViewCodeSequence",
        "AnatomicRegionSequence",
        "VOILUTSequence",
        "ProcedureCodeSequence",
        "DeviceSequence",
    ):
        setattr(made, keyword, Sequence([nested]))
    block = made.private_block(0x0011, NAME, create=True)
    block.add_new(0x01, "LO", NAME)
    made.add_new(0x60000022, "LO", NAME)
    made.add_new(0x60003000, "OW", NAME.encode())
    made.add_new(0x00091001, "UN", NAME.encode())
    made.add_new(0xFFFCFFFC, "OB", NAME.encode())
    made.preamble = NAME.encode().ljust(128, b"\0")
    made.file_meta.SourceApplicationEntityTitle = NAME
    made.file_meta.PrivateInformationCreatorUID = UID("1.2.3")
    made.file_meta.PrivateInformation = NAME.encode()
    return made


def test_no_text_survives_anywhere() -> None:
    dataset = planted()
    assert content(dataset).count(NAME.encode()) > 500  # the name was there to be found
    Deidentifier().clean(dataset)
    assert NAME.encode() not in content(dataset)


def test_no_date_identifier_or_uid_of_the_patient_survives() -> None:
    dataset = film(
        SeriesDate="20260102",
        AcquisitionDateTime="20260102101500",
        PatientAge="081Y",
        DeviceSerialNumber="S77",
    )
    written_before = content(dataset)
    Deidentifier().clean(dataset)
    written = content(dataset)
    for trace in (
        "20260102",
        "101500",
        "19470101",
        "MRN-4711",
        "QUIXOTE",
        "081Y",
        "S77",
        dataset_uid(film()),
    ):
        assert trace.encode() in written_before, trace
        assert trace.encode() not in written, trace


def dataset_uid(dataset: Dataset) -> str:
    return str(dataset.StudyInstanceUID)


def test_it_says_what_was_done() -> None:
    dataset = film()
    Deidentifier().clean(dataset, pixels_cleaned=True)
    assert dataset.PatientIdentityRemoved == "YES"
    assert "Basic Profile" in dataset.DeidentificationMethod
    codes = [
        (item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning)
        for item in dataset.DeidentificationMethodCodeSequence
    ]
    assert codes == [BASIC_PROFILE, CLEAN_PIXELS]
    assert dataset.BurnedInAnnotation == "NO"
    plain = film()
    Deidentifier().clean(plain)
    assert [item.CodeValue for item in plain.DeidentificationMethodCodeSequence] == ["113100"]


def test_the_picture_and_what_the_viewer_needs_stay() -> None:
    dataset = film(
        WindowCenter=2000,
        WindowWidth=4000,
        ViewPosition="PA",
        BodyPartExamined="CHEST",
        ImagerPixelSpacing=["0.14", "0.14"],
    )
    before = load_radiograph(content(dataset))
    Deidentifier().clean(dataset)
    after = load_radiograph(content(dataset))
    assert after.sha256 == before.sha256 and after.facts == before.facts
    assert [float(value) for value in dataset.ImagerPixelSpacing] == [0.14, 0.14]
    again = dcmread(io.BytesIO(content(dataset)))
    assert again.file_meta.MediaStorageSOPInstanceUID == again.SOPInstanceUID


def test_uids_are_replaced_alike_and_kinds_stay() -> None:
    one, two = film(), film(SOPInstanceUID="1.2.826.0.1.3680043.2.1125.4")
    one.ReferencedImageSequence = Sequence([reference(str(two.SOPInstanceUID))])
    two.file_meta.MediaStorageSOPInstanceUID = two.SOPInstanceUID
    kinds = one.SOPClassUID
    worker = Deidentifier(b"key")
    worker.clean(one)
    worker.clean(two)
    assert one.StudyInstanceUID == two.StudyInstanceUID != film().StudyInstanceUID
    assert one.PatientID == two.PatientID
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert one.ReferencedImageSequence[0].ReferencedSOPInstanceUID == two.SOPInstanceUID
    assert one.SOPClassUID == kinds == one.ReferencedImageSequence[0].ReferencedSOPClassUID
    another = film()
    Deidentifier(b"key").clean(another)
    assert another.SOPInstanceUID == one.SOPInstanceUID
    other = film()
    Deidentifier(b"other").clean(other)
    assert other.SOPInstanceUID != one.SOPInstanceUID and other.PatientID != one.PatientID


def reference(uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = film().SOPClassUID
    item.ReferencedSOPInstanceUID = uid
    return item


@pytest.mark.parametrize(("value", "stays"), [("272479007", True), ("R-10214", True), ("DOE JOHN", False)])
def test_a_coded_view_stays_if_it_is_a_view(value: str, stays: bool) -> None:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", "PA view of John Doe"
    dataset = film(ViewCodeSequence=Sequence([item]))
    Deidentifier().clean(dataset)
    if stays:
        assert dataset.ViewCodeSequence[0].CodeMeaning == "postero-anterior"
    else:
        assert "ViewCodeSequence" not in dataset


@pytest.mark.parametrize(
    "keyword", ["PatientName", "PatientComments", "InstitutionName", "OperatorsName", "StudyDescription"]
)
def test_attributes_that_the_profile_names(keyword: str) -> None:
    dataset = film(**{keyword: NAME})
    Deidentifier().clean(dataset)
    assert NAME not in str(dataset.get(keyword, "")), keyword_for_tag(Tag(keyword))
