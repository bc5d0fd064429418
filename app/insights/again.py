"""python -m app study analyse --package FILE: a study's figures, computed anew at another site."""

from __future__ import annotations

import json
from pathlib import Path

from app.insights.figures import figures
from app.insights.package import FIGURES, unpack
from app.insights.record import NOTICE, record
from patchclip.files import atomic

SAME = "They are the same figures as in the package."
OTHER = (
    "They are NOT the figures in the package, which another version of Patch-CLIP or its libraries made; "
    "manifest.json in it says which."
)


def analyse_package(path: Path, folder: Path) -> int:
    """Writes figures.json, and says whether it is what the package holds; returns the exit status.

    Raises:
        InsightsError: the file is no package, or not whole.
    """
    package = unpack(path)
    told = record(figures(package.data))
    folder.mkdir(parents=True, exist_ok=True)
    with atomic(folder / FIGURES) as file:
        file.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    data = package.data
    print(f"{data.name}: {len(data.readers)} readers, {len(data.cases)} cases, {len(data.marks)} readings")
    print(SAME if told == dict(package.figures) else OTHER)
    print(NOTICE)
    return 0
