"""De-identification of DICOM images: the Basic Application Level Confidentiality Profile (PS3.15 annex E),
and stricter.

The actions per attribute are those of dicom-anonymizer, which keeps them as tables by edition of the
standard. They are applied here, since its own walk leaves the items of sequences alone. Beyond the profile,
no text survives that is not on a list of harmless attributes: the profile knows what an attribute is meant
for, not what somebody wrote into it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from functools import cache

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2024b as profile
from dicomanonymizer.simpledicomanonymizer import replace_element
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import UID

from patchclip.version import __version__

DELETE, EMPTY, REPLACE, NEW_UID = "X", "Z", "D", "U"

METHOD = f"PS3.15 Basic Profile, texts by allow list; patchclip {__version__}"
BASIC_PROFILE = ("113100", "DCM", "Basic Application Confidentiality Profile")
CLEAN_PIXELS = ("113101", "DCM", "Clean Pixel Data Option")

STANDARD_ROOT = "1.2.840.10008."
"""UIDs that the standard itself defines name kinds, not instances."""

NUMBERS = {"AT", "DS", "FD", "FL", "IS", "SL", "SS", "UL", "US", "SV", "UV"}

BYTES_OF_THE_PICTURE = {
    "PixelData",
    "LUTData",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
}

CODES = {
    keyword: re.compile(pattern)
    for keyword, pattern in {
        "BodyPartExamined": r"CHEST|THORAX|LUNG|TORAX|TORACE|POUMONS?|BRUST|RIBS?|RIBCAGE|STERNUM",
        "BurnedInAnnotation": r"YES|NO",
        "ConversionType": r"DV|DI|DF|WSD|SD|SI|DRW|SYN",
        "DetectorType": r"DIRECT|SCINTILLATOR|STORAGE|FILM",
        "FilmOrientation": r"PORTRAIT|LANDSCAPE",
        "ImageLaterality": r"[LRUB]",
        "ImageType": r"ORIGINAL|DERIVED|PRIMARY|SECONDARY|POST_PROCESSED|FOR PROCESSING|FOR PRESENTATION",
        "Laterality": r"[LR]",
        "LossyImageCompression": r"00|01",
        "LossyImageCompressionMethod": r"ISO_[0-9_]{4,10}",
        "Modality": r"DX|CR|DR|RG|RF|XA|OT|SC|CT|MR|US|MG|IO|PX",
        "ModalityLUTType": r"HU|US|OD|Z_EFF|ED",
        "PatientOrientation": r"[LRHFAP]{1,3}",
        "PhotometricInterpretation": r"MONOCHROME[12]|PALETTE COLOR|RGB|YBR_[A-Z]{3,7}(_42[02])?",
        "PixelIntensityRelationship": r"LIN|LOG|DISP",
        "PixelSpacingCalibrationType": r"GEOMETRY|FIDUCIAL",
        "PositionerType": r"CARM|COLUMN|MAMMOGRAPHIC|PANORAMIC|CEPHALOSTAT|RIGID|NONE",
        "PresentationIntentType": r"FOR PRESENTATION|FOR PROCESSING",
        "PresentationLUTShape": r"IDENTITY|INVERSE",
        "RescaleType": r"HU|US|OD|PCT|Z_EFF|ED",
        "ShutterShape": r"RECTANGULAR|CIRCULAR|POLYGONAL|BITMAP",
        "SpecificCharacterSet": r"ISO[_ ]IR \d{1,3}|ISO 2022 IR \d{1,3}|GB18030|GBK",
        "ViewPosition": r"AP|PA|LL|RL|RLD|LLD|RLO|LLO|LAT|LATERAL|LLAT|RLAT",
        "VOILUTFunction": r"LINEAR|LINEAR_EXACT|SIGMOID",
    }.items()
}
"""Code strings that may stay, with their values; any other one goes, for somebody may have written a name
there."""

VIEWS = {
    "399348003": "antero-posterior",
    "272479007": "postero-anterior",
    "399067008": "lateral projection",
    "R-10206": "antero-posterior",
    "R-10214": "postero-anterior",
    "R-10228": "lateral",
}
"""Codes of views that may stay (PS3.16 CID 4010, SNOMED CT and its former identifiers); their meanings are
written anew."""


class Deidentifier:
    """Takes everything that names a person out of DICOM headers; UIDs are replaced alike in all that one
    object handles.

    Args:
        key: the same key gives the same new UIDs in every run, and whoever holds it can link them; without
            one it is random and forgotten.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)

    def clean(self, dataset: FileDataset, *, pixels_cleaned: bool = False) -> None:
        """Changes a file's header in place, its file meta information and preamble too.

        Args:
            pixels_cleaned: text in the picture was masked, which the header then says.
        """
        patient = str(dataset.get("PatientID") or dataset.get("StudyInstanceUID") or "")
        self._clean_items(dataset)
        dataset.Manufacturer = ""  # must be there (PS3.3 C.7.5.1), may be empty
        dataset.PatientName = "ANONYMOUS"
        dataset.PatientID = self.uid(f"patient {patient}")[-16:]
        dataset.PatientIdentityRemoved = "YES"
        dataset.DeidentificationMethod = METHOD[:64]
        codes = [BASIC_PROFILE, CLEAN_PIXELS] if pixels_cleaned else [BASIC_PROFILE]
        dataset.DeidentificationMethodCodeSequence = Sequence(_code(*code) for code in codes)
        if pixels_cleaned:
            dataset.BurnedInAnnotation = "NO"
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
        meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.file_meta = meta
        dataset.preamble = b"\0" * 128

    def uid(self, old: str) -> UID:
        """The UID that stands for another one: 2.25 and 128 bits of a keyed hash (PS3.5 B.2)."""
        digest = hmac.new(self._key, old.encode(), hashlib.sha256).digest()
        return UID(f"2.25.{int.from_bytes(digest[:16], 'big')}")

    def _clean_items(self, dataset: Dataset) -> None:
        dataset.remove_private_tags()
        for element in list(dataset):
            action = _action(element.tag)
            if (
                action == DELETE
                or element.tag.group in range(0x5000, 0x5100)
                or element.tag.group in range(0x6000, 0x6100)
            ):
                del dataset[element.tag]  # curves and overlay planes may hold writing
            elif element.keyword == "ViewCodeSequence":
                self._rewrite_view(dataset)
            elif element.VR == "SQ" and action != EMPTY:
                for item in element.value:
                    self._clean_items(item)
            elif element.VR == "UI":
                self._replace_uids(element)
            elif action == EMPTY:
                element.value = None if element.VR != "SQ" else []
            elif action == REPLACE:
                replace_element(element)
            elif not _harmless(element):
                del dataset[element.tag]

    def _rewrite_view(self, dataset: Dataset) -> None:
        values = [str(item.get("CodeValue", "")) for item in dataset.ViewCodeSequence]
        if any(value not in VIEWS for value in values):
            del dataset.ViewCodeSequence
            return
        dataset.ViewCodeSequence = Sequence(
            _code(value, "SRT" if value.startswith("R-") else "SCT", VIEWS[value]) for value in values
        )

    def _replace_uids(self, element: DataElement) -> None:
        values = [str(value) for value in _values(element)]
        fresh = [value if value.startswith(STANDARD_ROOT) else self.uid(value) for value in values if value]
        element.value = fresh if len(fresh) != 1 else fresh[0]


def _harmless(element: DataElement) -> bool:
    """Whether an attribute that the profile says nothing of may stay."""
    if element.VR == "CS" and element.keyword in CODES:
        pattern = CODES[element.keyword]
        return all(pattern.fullmatch(str(value).strip()) for value in _values(element) if value)
    if element.VR in ("DS", "IS"):  # numbers, but written as text
        return all(re.fullmatch(r"[\d+\-.eE ]*", str(value)) for value in _values(element))
    return element.VR in NUMBERS or element.keyword in BYTES_OF_THE_PICTURE


def _values(element: DataElement) -> Iterator[object]:
    value = element.value
    yield from value if element.VM > 1 else ([] if value is None else [value])


@cache
def _actions() -> tuple[dict[tuple[int, int], str], list[tuple[int, int, int, int, str]]]:
    """Action per tag, and (group, element, mask of either, action) of repeating groups; where the profile
    leaves a choice, the stricter."""
    single: dict[tuple[int, int], str] = {}
    repeating: list[tuple[int, int, int, int, str]] = []
    for action, table in (
        (REPLACE, profile.D_TAGS),
        (EMPTY, profile.Z_TAGS),
        (DELETE, profile.X_TAGS),
        (NEW_UID, profile.U_TAGS),
        (REPLACE, profile.Z_D_TAGS),
        (DELETE, profile.X_Z_TAGS),
        (DELETE, profile.X_D_TAGS),
        (DELETE, profile.X_Z_D_TAGS),
        (NEW_UID, profile.X_Z_U_STAR_TAGS),
    ):
        for tag in table:
            if len(tag) == 2:
                single[tag[0], tag[1]] = action
            else:
                repeating.append((*tag, action))
    return single, repeating


def _action(tag: BaseTag) -> str | None:
    single, repeating = _actions()
    if action := single.get((tag.group, tag.element)):
        return action
    for group, element, group_mask, element_mask, action in repeating:
        if (
            tag.group & group_mask == group & group_mask
            and tag.element & element_mask == element & element_mask
        ):
            return action
    return None


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item
