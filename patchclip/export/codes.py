"""Coded concepts of findings for DICOM objects."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

from pydicom.sr.coding import Code

from patchclip.types import Answer

OWN_SCHEME = "99PATCHCLIP"
"""Private coding scheme for what no standard code is known of here (names that begin with 99 are private,
PS3.16 section 8)."""

MORPHOLOGY = Code("49755003", "SCT", "Morphologically Abnormal Structure")


def finding_code(answer: Answer) -> Code:
    """The concept of an answer's finding: SNOMED CT or DICOM's own, else one of the private scheme."""
    return _codes().get(answer.label or "") or own_code(answer.finding)


def own_code(name: str) -> Code:
    """A concept of the private scheme; code values have 16 characters at most (PS3.5 6.2, SH), meanings 64
    (LO)."""
    value = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")[:16]
    return Code(value or "FINDING", OWN_SCHEME, name[:64])


@cache
def _codes() -> dict[str, Code]:
    table = json.loads((files("patchclip.export") / "codes.json").read_text(encoding="utf-8"))
    return {label: Code(*entry) for label, entry in table["findings"].items()}
