"""Answers in the forms that others read.

- `result.py`: the answers on one radiograph with the model that gave them; what every form is made from.
- `structured_report.py`: DICOM SR, template TID 1500.
- `segmentation.py`: DICOM SEG, maps as fractions and regions as masks.
- `secondary_capture.py`: a DICOM picture of the overlay with its legend.
- `source.py`: the DICOM file that a result speaks of, and what result objects have in common.
- `codes.py`, `codes.json`: SNOMED CT and DICOM codes of findings.
- `tables.py`: COCO and CSV.
- `cells.py`: cells of CSV that no spreadsheet runs. `forms.py`: all forms by their names.
- `cli.py`: the command `export`.
"""

from patchclip.export.result import Result
from patchclip.export.secondary_capture import secondary_capture
from patchclip.export.segmentation import map_segmentation, region_segmentation
from patchclip.export.source import Source, read_source
from patchclip.export.structured_report import structured_report
from patchclip.export.tables import coco, csv_rows

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
