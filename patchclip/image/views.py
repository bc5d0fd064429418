"""What hospitals write for views and body parts, in their languages and codings, and what it means."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from pydicom.dataset import Dataset

from patchclip.errors import RadiographError
from patchclip.image.elements import DAMAGE, element

View = Literal["frontal", "lateral", "oblique"]

CHEST_STEMS: dict[str, tuple[str, ...]] = {
    "English": ("CHEST", "THORA", "LUNG", "PULMO"),
    "Spanish": ("TORAX", "PULMON", "PECHO"),
    "Portuguese": ("TORAX", "TORACIC", "PULMAO", "PULMOES"),
    "Italian": ("TORACE", "TORACIC", "POLMON"),
    "Romanian": ("TORACE", "PLAMAN"),
    "French": ("THORA", "POUMON", "POITRINE"),
    "German": ("BRUST", "LUNGE"),
    "Dutch": ("BORSTKAS", "LONGEN"),
    "Danish, Norwegian, Swedish": ("BRYSTKAS", "BROSTKORG", "LUNGOR", "TORAKS"),
    "Finnish": ("KEUHKO", "RINTAKEHA"),
    "Polish": ("KLATKA", "PLUCA"),
    "Czech, Slovak": ("HRUDNIK",),
    "Hungarian": ("MELLKAS",),
    "Croatian, Serbian, Slovenian": ("PRSNI", "PLUCA", "PLJUCA"),
    "Turkish": ("TORAKS", "GOGUS", "AKCIGER"),
    "Vietnamese": ("NGUC",),
    "Indonesian": ("TORAKS", "DADA"),
    "Russian, Ukrainian, Bulgarian": ("ГРУД", "ЛЕГК", "ТОРАКС"),
    "Greek": ("ΘΩΡΑΚ", "ΠΝΕΥΜΟΝ"),
    "Chinese, Japanese": ("胸", "肺"),
    "Korean": ("흉부", "폐"),
}
"""Beginnings of words for the chest and what lies in it, without accents; what contains one is a chest."""
CHEST_WORDS = frozenset(
    "CXR THX TX RIB RIBS COSTA COSTAE COSTILLA COSTILLAS COSTELA COSTELAS COTE COTES COSTE RIPPE RIPPEN "
    "STERNUM LUN PLICE PARU ОГК".split()
)
"""The same, where only the whole word counts."""
OTHER_STEMS = ("SPINE", "WIRBEL", "BWS", "VERTEBR", "COLUMN", "COLUNA", "COLONN", "RACHIS", "AORT")
"""Beginnings of words that make of a chest something else, such as the thoracic spine."""
CHEST_CODES = frozenset(
    "816094009 51185008 T-D3000 43799004 T-D3200 39607008 T-28000 113197003 T-11300 56873002 T-11210 "
    "416550000 417437006 416775004 416152001 416319003".split()
)
"""Anatomic Region Sequence (PS3.16 CID 4031, in SNOMED CT and RT): thorax, cavity, lung, rib, sternum.

Also the chest with its neighbours.
"""

LATERAL_WORDS = frozenset(
    "LL RL LAT LLAT RLAT LTLAT RTLAT LATL LATR LATERALIS LATERALE LATERALER PROFIL PROFILE PERFIL PROFILO "
    "SEITLICH LATEROLATERAL BOCZNE BOCZNA БОКОВАЯ БОКОВОЙ ΠΛΑΓΙΑ 側面 側位 侧位 측면".split()
)
BOTH_SIDES = ("BILATERAL", "UNILATERAL", "IPSILATERAL", "CONTRALATERAL", "COLLATERAL")
"""Words that end like "lateral" and mean no view."""
DECUBITUS_STEMS = ("DECUB", "DEKUB", "ДЕКУБ")
DECUBITUS_WORDS = frozenset(("LLD", "RLD"))
"""The patient lies on a side and the beam runs across: the picture is frontal."""
OBLIQUE_WORDS = frozenset(
    "LAO RAO LPO RPO OBL OBLIQUE OBLICUA OBLIQUA OBLICUO OBLIQUO SCHRAG SCHRAEG".split()
)
FRONTAL_WORDS = frozenset("PA AP P A FRONTAL FRONTALE DV VD POSTEROANTERIOR ANTEROPOSTERIOR".split())
VIEW_CODES: dict[str, tuple[str, View]] = {
    "399348003": ("AP", "frontal"),
    "R-10206": ("AP", "frontal"),
    "272479007": ("PA", "frontal"),
    "R-40888": ("PA", "frontal"),
    "399033003": ("FRONTAL", "frontal"),
    "R-10202": ("FRONTAL", "frontal"),
    "399173006": ("LL", "lateral"),
    "R-10236": ("LL", "lateral"),
    "399198007": ("RL", "lateral"),
    "R-10232": ("RL", "lateral"),
    "399067008": ("LATERAL", "lateral"),
    "R-102CD": ("LATERAL", "lateral"),
    "30730003": ("LATERAL", "lateral"),
    "G-A145": ("LATERAL", "lateral"),
    "399260004": ("LATERAL", "lateral"),
    "R-10224": ("LATERAL", "lateral"),
    "399352003": ("LATERAL", "lateral"),
    "R-10228": ("LATERAL", "lateral"),
    "399182000": ("OBLIQUE", "oblique"),
    "R-102C1": ("OBLIQUE", "oblique"),
    "399135007": ("LAO", "oblique"),
    "R-10220": ("LAO", "oblique"),
    "399356000": ("RAO", "oblique"),
    "R-40985": ("RAO", "oblique"),
    "399006002": ("LPO", "oblique"),
    "R-10212": ("LPO", "oblique"),
    "399038007": ("RPO", "oblique"),
    "R-10210": ("RPO", "oblique"),
    "399184004": ("OBLIQUE", "oblique"),
    "R-10238": ("OBLIQUE", "oblique"),
    "399236003": ("OBLIQUE", "oblique"),
    "R-10234": ("OBLIQUE", "oblique"),
}
"""View Code Sequence (PS3.16 CID 4010, in SNOMED CT and RT) by View Position and what it means."""


def is_chest(body_part: str) -> bool:
    """Whether a body part, in any of the languages of `CHEST_STEMS`, is the chest or lies in it."""
    text = folded(body_part)
    if any(stem in text for stem in OTHER_STEMS):
        return False
    stems = (stem for language in CHEST_STEMS.values() for stem in language)
    return any(stem in text for stem in stems) or not CHEST_WORDS.isdisjoint(_words(text))


def view_kind(text: str) -> View | None:
    """What a view that is written in words or letters means, None where it says nothing."""
    words = _words(folded(text))
    if any(word in DECUBITUS_WORDS or word.startswith(DECUBITUS_STEMS) for word in words):
        return "frontal"
    if any(word in LATERAL_WORDS or _ends_lateral(word) for word in words):
        return "lateral"
    if any(word in OBLIQUE_WORDS for word in words):
        return "oblique"
    return "frontal" if any(word in FRONTAL_WORDS for word in words) else None


def coded_view(dataset: Dataset) -> tuple[str | None, View | None]:
    """View Position and meaning of View Code Sequence; by its words where the code is a hospital's own."""
    for item in _items(dataset, "ViewCodeSequence"):
        value, meaning = _text(item, "CodeValue"), _text(item, "CodeMeaning")
        if value in VIEW_CODES:
            return VIEW_CODES[value]
        if kind := view_kind(meaning):
            return None, kind
    return None, None


def coded_chest(dataset: Dataset) -> bool | None:
    """Whether the Anatomic Region Sequence is the chest; None where there is none."""
    items = _items(dataset, "AnatomicRegionSequence")
    if not items:
        return None
    return any(
        _text(item, "CodeValue") in CHEST_CODES or is_chest(_text(item, "CodeMeaning")) for item in items
    )


def folded(text: str) -> str:
    """In capitals and without accents: "Tórax" is TORAX. Letters of other scripts stay."""
    plain = unicodedata.normalize("NFKD", text.upper().replace("Ł", "L").replace("Ø", "O"))
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", bare)  # syllables of Hangul come apart like accents


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def _ends_lateral(word: str) -> bool:
    return word.endswith(("LATERAL", "LATERALE")) and not word.startswith(BOTH_SIDES)


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    try:
        return list(element(dataset, keyword) or [])
    except (RadiographError, *DAMAGE):
        return []  # a malformed code says nothing, which is what an absent one says


def _text(item: Dataset, keyword: str) -> str:
    try:
        return str(element(item, keyword) or "").strip()
    except (RadiographError, *DAMAGE):
        return ""
