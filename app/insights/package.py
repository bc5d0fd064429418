"""The data package of a study: one ZIP that another site analyses anew, to the same numbers.

It holds no film, no name of a reader (they are reader-1, reader-2, ... in the study's order) and no comment.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from app.insights.exports import coco, json_record, long_csv
from app.insights.figures import figures
from app.insights.opinions import InsightsError
from app.insights.record import NOTICE, record
from app.study.data import CaseTruth, Mark, ModelAnswer, StudyData
from patchclip.types import Box

FORMAT = "patch-clip study package 1"
MANIFEST, STUDY, FIGURES = "manifest.json", "study.json", "figures.json"
PACKAGES = ("numpy", "scipy", "scikit-learn")
"""Whose versions are told: figures come from them."""
LARGEST = 500_000_000
"""Bytes of a member, unpacked: far above any study, far below what would fill a memory."""
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""Every member's time, so that the same study gives the same bytes; ZIP knows none before."""


@dataclass(frozen=True, slots=True)
class Package:
    """What a package holds: the study's records, and the figures as they were when it was made."""

    data: StudyData
    consensus: tuple[Mapping[str, Any], ...]
    figures: Mapping[str, Any]


def pack(data: StudyData, consensus: Iterable[Mapping[str, Any]] = ()) -> bytes:
    """A package of a study.

    Args:
        data: the study.
        consensus: what an adjudicator decided, without names.

    Raises:
        InsightsError: the records contradict themselves.
    """
    data = without_names(data)
    members = {
        STUDY: _json(json_record(data, consensus)),
        "protocol.json": _json(dict(data.protocol)),
        FIGURES: _json(record(figures(data))),
        "readings.csv": long_csv(data).encode(),
        "boxes.coco.json": _json(coco(data)),
        "README.txt": _readme(data).encode(),
    }
    manifest = {
        "format": FORMAT,
        "notice": NOTICE,
        "study": data.name,
        "protocol_sha256": data.protocol_sha256,
        "model": {"name": data.model_name, "sha256": data.model_sha256},
        "versions": {
            "patch-clip": data.version,
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in members.items()},
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {MANIFEST: _json(manifest), **members}.items():
            archive.writestr(zipfile.ZipInfo(name, EARLIEST), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def unpack(path: Path) -> Package:
    """Reads a package and checks that it is whole.

    Raises:
        InsightsError: the file cannot be read, is no package, or a member is not what the manifest says.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(_member(archive, MANIFEST, path))
            if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
                raise InsightsError(
                    f"{path} is not a study package of this version; make it anew under Insights."
                )
            members = {name: _member(archive, name, path) for name in (STUDY, FIGURES)}
            for name, content in members.items():
                if hashlib.sha256(content).hexdigest() != manifest["sha256"].get(name):
                    raise InsightsError(
                        f"{path}: {name} was changed after the package was made; ask for it anew."
                    )
            study = json.loads(members[STUDY])
            return Package(_study(study), tuple(study["consensus"]), json.loads(members[FIGURES]))
    except OSError as error:
        raise InsightsError(f"{path} cannot be read ({error.strerror}); check its name.") from error
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InsightsError(f"{path} is not a study package, or is damaged; ask for it anew.") from error


def without_names(data: StudyData) -> StudyData:
    """The same study, its readers called reader-1, reader-2, ... in its order."""
    names = tuple(dict.fromkeys((*data.readers, *(mark.reader for mark in data.marks))))
    codes = {name: f"reader-{number}" for number, name in enumerate(names, start=1)}
    return replace(
        data,
        readers=tuple(codes[name] for name in data.readers),
        assigned={(codes.get(name, name), arm): cases for (name, arm), cases in data.assigned.items()},
        marks=tuple(replace(mark, reader=codes[mark.reader]) for mark in data.marks),
        unreadable=tuple((codes.get(name, name), case) for name, case in data.unreadable),
    )


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    if archive.getinfo(name).file_size > LARGEST:
        raise InsightsError(f"{path}: {name} is larger than any study; ask for the package anew.")
    with archive.open(name) as member:
        return member.read(LARGEST)


def _study(told: Mapping[str, Any]) -> StudyData:
    """The records of `exports.json_record`."""
    return StudyData(
        name=told["study"],
        protocol=told["protocol"],
        protocol_sha256=told["protocol_sha256"],
        model_name=told["model"]["name"],
        model_sha256=told["model"]["sha256"],
        version=told["version"],
        readers=tuple(told["readers"]),
        cases={item["case"]: item["image_sha256"] for item in told["cases"]},
        assigned={(item["reader"], item["arm"]): item["cases"] for item in told["assigned"]},
        marks=tuple(
            Mark(
                reader=item["reader"],
                case=item["case"],
                arm=item["arm"],
                opinion=item["opinion"],
                finding=item["finding"],
                presence=item["presence"],
                confidence=item["confidence"],
                boxes=_boxes(item["boxes"]),
                verdicts=item["verdicts"],
                seconds=item["seconds"],
                saved_at=datetime.fromisoformat(item["saved_at"]),
            )
            for item in told["readings"]
        ),
        answers=tuple(
            ModelAnswer(
                item["case"],
                item["finding"],
                item["probability"],
                item["threshold"],
                {method: _boxes(boxes) for method, boxes in item["regions"].items()},
                item.get("execution"),  # packages of before have none
            )
            for item in told["answers"]
        ),
        truths=tuple(
            CaseTruth(item["case"], item["finding"], item["present"], _boxes(item["boxes"]))
            for item in told["truths"]
        ),
        unreadable=tuple((item["reader"], item["case"]) for item in told["unreadable"]),
    )


def _boxes(rows: Iterable[Iterable[float]]) -> tuple[Box, ...]:
    return tuple(Box(*row) for row in rows)


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _readme(data: StudyData) -> str:
    return f"""Study: {data.name}
{NOTICE}.

Made by Patch-CLIP {data.version} with the model {data.model_name} ({data.model_sha256}).

manifest.json    versions, and the SHA-256 of every file here
protocol.json    the study's protocol; its hash in manifest.json is that of its text
study.json       every reading in its current revision, answers of the model, truths, consensus
readings.csv     the same in long form for multi-reader software: reader, case, arm, finding, score, truth
boxes.coco.json  boxes of readers and of the truth
figures.json     what was computed from study.json

Readers have numbers, cases are named by the study's number and the SHA-256 of their pixels; no film is here.
To compute the figures anew, with the same Patch-CLIP:

    python -m app study analyse --package THIS_FILE --out analysis

writes analysis/figures.json, and says whether it is the same as the one in the package.
"""
