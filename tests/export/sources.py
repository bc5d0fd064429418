"""A film of an archive with a patient in its header, and answers on it, made by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileDataset

from patchclip.execution import Computation
from patchclip.export import Result
from patchclip.types import Answer, PatchMap, Region
from tests.image.dicoms import dicom

SHA = "c0ffee" + 58 * "1"
NAME = "QUIXOTE^ALONSO"
STUDY, SERIES, INSTANCE = (
    "1.2.826.0.1.3680043.2.1125.1",
    "1.2.826.0.1.3680043.2.1125.2",
    "1.2.826.0.1.3680043.2.1125.3",
)


def film(**tags: object) -> FileDataset:
    """DICOM, 240 rows and 320 columns."""
    rng = np.random.default_rng(3)
    header = {
        "StudyInstanceUID": STUDY,
        "SeriesInstanceUID": SERIES,
        "SOPInstanceUID": INSTANCE,
        "PatientName": NAME,
        "PatientID": "MRN-4711",
        "PatientBirthDate": "19470101",
        "PatientSex": "M",
        "StudyDate": "20260102",
        "StudyTime": "101500",
        "StudyID": "9",
        "AccessionNumber": "A1",
        "ReferringPhysicianName": "",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "PatientOrientation": ["L", "F"],
    }
    made = dicom(rng.integers(0, 4000, (240, 320)).astype(np.uint16), **{**header, **tags})
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    return made


def answer(query: str = "pleural effusion", *, label: str | None = "Effusion", **changes: object) -> Answer:
    """An effusion at the lower left of the picture, in a map of 6 x 8 patches of 40 pixels."""
    values = np.full((6, 8), 0.1, np.float32)
    values[4:, :2] = 0.9
    lit = Region(x=0, y=160, w=80, h=80, score=0.9, peak=(40.0, 200.0))
    fields = {
        "query": query,
        "finding": "pleural effusion",
        "label": label,
        "negated": False,
        "laterality": None,
        "in_vocabulary": True,
        "probability": 0.8125,
        "map": PatchMap(values, (0.0, 0.0, 320.0, 240.0)),
        "regions": (lit,),
        "threshold": 0.5,
    }
    return Answer(**{**fields, **changes})  # type: ignore[arg-type]


def dark(query: str) -> Answer:
    """The answer to a negated query, without regions."""
    shown = PatchMap(np.full((6, 8), 0.1, np.float32), (0.0, 0.0, 320.0, 240.0))
    return answer(
        query,
        label="Pneumothorax",
        finding="pneumothorax",
        negated=True,
        map=shown,
        regions=(),
        probability=0.97,
    )


EXECUTION = Computation("torch", "bf16", mirror=False, input_size=512, device="cpu")


def result(*answers: Answer, size: tuple[int, int] = (240, 320)) -> Result:
    """Of an invented model."""
    return Result(answers or (answer(), dark("no pneumothorax")), size, "invented", SHA, (), EXECUTION)


def tool(name: str) -> str:
    """A program of Debian's dcmtk or dicom3tools; skips without it, unless in continuous integration."""
    found = shutil.which(name)
    if not found:
        assert os.environ.get("CI") != "true", f"{name} is missing; make test installs it"
        pytest.skip(f"{name} is not installed: apt-get install dcmtk dicom3tools")
    return found


def errors_of(path: Path) -> list[str]:
    """What the validator of dicom3tools calls an error."""
    run = subprocess.run([tool("dciodvfy"), str(path)], capture_output=True, text=True)
    return [line for line in run.stderr.splitlines() if line.startswith("Error")]
