"""Answers in the forms that others read.

- `result.py`: the answers on one radiograph with the model that gave them; what every form is made from.
- `report.py`: DICOM SR, template TID 1500.
- `segmentation.py`: DICOM SEG, maps as fractions and regions as masks.
- `capture.py`: a DICOM picture of the overlay with its legend.
- `source.py`: the DICOM file that a result speaks of, and what result objects have in common.
- `codes.py`, `codes.json`: SNOMED CT and DICOM codes of findings.
- `tables.py`: COCO and CSV.
- `cells.py`: cells of CSV that no spreadsheet runs. `forms.py`: all forms by their names.
- `cli.py`: the command `export`.

Names are imported when they are first used: cells of a table need neither torch nor what writes DICOM. No
module has the name of something in it, for once imported it would stand in that name's place.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patchclip.export.capture import secondary_capture
    from patchclip.export.report import structured_report
    from patchclip.export.result import Result
    from patchclip.export.segmentation import map_segmentation, region_segmentation
    from patchclip.export.source import Source, read_source
    from patchclip.export.tables import coco, csv_rows

_MODULES = {
    "Result": "result",
    "Source": "source",
    "coco": "tables",
    "csv_rows": "tables",
    "map_segmentation": "segmentation",
    "read_source": "source",
    "region_segmentation": "segmentation",
    "secondary_capture": "capture",
    "structured_report": "report",
}

__all__ = [
    "Result",
    "Source",
    "coco",
    "csv_rows",
    "map_segmentation",
    "read_source",
    "region_segmentation",
    "secondary_capture",
    "structured_report",
]


def __getattr__(name: str) -> Any:
    """Imports a name on first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"patchclip.export.{_MODULES[name]}"), name)
