"""Views and body parts as hospitals write them."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from patchclip import load_radiograph
from patchclip.image.synthetic import synthetic_dicom
from patchclip.image.views import VIEW_CODES, is_chest, view_kind
from tests.image.dicoms import CHEST, content


def warnings_of(**tags: object) -> str:
    """What is said of a synthetic chest with this header."""
    dataset = synthetic_dicom(CHEST)
    for name, value in tags.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    return " ".join(load_radiograph(content(dataset)).warnings)


def coded(value: str, scheme: str, meaning: str) -> list[Dataset]:
    """A code sequence of one item."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return [item]


@pytest.mark.parametrize(
    "view",
    [
        "LL",
        "RL",
        "LLAT",
        "RLAT",
        "LEFT LATERAL",
        "L LAT",
        "Lateral",
        "LATERAL",
        "LAT",
        "XTABLE_LATERAL",
        "PERFIL",
    ],
)
def test_lateral_views_are_said(view: str) -> None:
    assert "lateral view" in warnings_of(ViewPosition=view)


@pytest.mark.parametrize("view", ["PA", "AP", "pa", "LLD", "RLD", "LEFT LAT DECUB", "AP LAT DECUBITUS", ""])
def test_frontal_views_are_not(view: str) -> None:
    """A decubitus film shows the patient from the front, lying on a side."""
    assert warnings_of(ViewPosition=view) == ""


@pytest.mark.parametrize("view", ["LAO", "RPO", "OBLIQUE"])
def test_oblique_views_are_said(view: str) -> None:
    assert "oblique view" in warnings_of(ViewPosition=view)


@pytest.mark.parametrize(
    ("value", "scheme", "meaning", "words"),
    [
        ("399173006", "SCT", "left lateral", "lateral view"),
        ("R-10232", "SRT", "right lateral", "lateral view"),
        ("R-10206", "SNM3", "antero-posterior", ""),
        ("272479007", "SCT", "postero-anterior", ""),
        ("399356000", "SCT", "right anterior oblique", "oblique view"),
        ("LAT1", "99HOSP", "Lateral", "lateral view"),
        ("X", "99HOSP", "something else", ""),
    ],
)
def test_a_view_code_counts(value: str, scheme: str, meaning: str, words: str) -> None:
    """View Code Sequence alone, by code or else by its words."""
    said = warnings_of(ViewPosition=None, ViewCodeSequence=coded(value, scheme, meaning))
    assert words in said and (words or not said)


def test_view_codes_are_those_of_the_standard() -> None:
    """Against pydicom's tables of SNOMED CT, and of the older SNOMED RT codes for the same."""
    for name, view in (
        ("AnteroPosterior", "AP"),
        ("PosteroAnterior", "PA"),
        ("LeftLateral", "LL"),
        ("RightLateral", "RL"),
        ("LateralProjection", "LATERAL"),
        ("LeftAnteriorOblique", "LAO"),
        ("RightPosteriorOblique", "RPO"),
    ):
        code = getattr(codes.SCT, name)
        older = [value for value in VIEW_CODES if Code(value, "SRT", "") == code]
        assert VIEW_CODES[code.value][0] == view
        assert len(older) == 1 and VIEW_CODES[older[0]] == VIEW_CODES[code.value]


def test_the_coded_view_is_a_fact() -> None:
    dataset = synthetic_dicom(CHEST)
    del dataset.ViewPosition
    dataset.ViewCodeSequence = coded("399173006", "SCT", "left lateral")
    assert load_radiograph(content(dataset)).facts.view == "LL"


def test_a_description_counts_where_no_code_does() -> None:
    """Unless it names a frontal view as well, as that of a whole study does; it is never repeated."""
    assert "lateral view" in warnings_of(ViewPosition=None, SeriesDescription="Thorax LATERAL Mustermann")
    assert "Mustermann" not in warnings_of(ViewPosition=None, SeriesDescription="Thorax LATERAL Mustermann")
    assert warnings_of(ViewPosition=None, SeriesDescription="Chest PA and LATERAL") == ""
    assert warnings_of(ViewPosition="PA", SeriesDescription="Thorax lateral") == ""


@pytest.mark.parametrize(
    "part",
    "CHEST THORAX LUNG TORAX TORACE POUMON POUMONS BRUST BRUSTKORB RIB RIBS COSTILLAS KLATKA GOGUS TORAKS "
    "PULMAO CXR CHESTABDOMEN chest".split(),
)
def test_chests_in_any_language(part: str) -> None:
    assert warnings_of(BodyPartExamined=part) == ""


@pytest.mark.parametrize("part", ["Tórax", "Грудная клетка", "胸部", "흉부", "Ngực"])
def test_chests_in_other_letters(part: str) -> None:
    assert is_chest(part)


@pytest.mark.parametrize(
    "part", "KNEE ABDOMEN SKULL TSPINE HAND PELVIS BREAST FOOT THORACIC_SPINE BRUSTWIRBEL RIBCAGE".split()
)
def test_other_parts_are_said(part: str) -> None:
    assert f"body part {part}, not chest" in warnings_of(BodyPartExamined=part)


def test_a_coded_region_counts_where_no_body_part_does() -> None:
    knee, thorax = coded("72696002", "SCT", "Knee"), coded("51185008", "SCT", "Thoracic structure")
    assert "region is not the chest" in warnings_of(BodyPartExamined=None, AnatomicRegionSequence=knee)
    assert warnings_of(BodyPartExamined=None, AnatomicRegionSequence=thorax) == ""
    assert warnings_of(BodyPartExamined="CHEST", AnatomicRegionSequence=knee) == ""


def test_words_that_mean_no_view() -> None:
    assert view_kind("BILATERAL") is None and view_kind("") is None and view_kind("ROUTINE") is None


def test_raw_images_are_said() -> None:
    assert "for processing" in warnings_of(PresentationIntentType="FOR PROCESSING")
    assert warnings_of(PresentationIntentType="FOR PRESENTATION") == ""
