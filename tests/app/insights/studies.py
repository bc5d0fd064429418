"""Made-up studies: readings that are drawn, or told one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from app.study.data import CaseTruth, Mark, ModelAnswer, StudyData
from patchclip.execution import Computation
from patchclip.types import Box

SAVED = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
TRUE_BOX = Box(100, 100, 80, 60)
READERS = ("Ada", "Ben", "Cleo")


def mark(reader: str, case: int, presence: str, **changes: Any) -> Mark:
    """A reading of Effusion in the unaided arm."""
    told = Mark(
        reader=reader,
        case=case,
        arm="unaided",
        opinion="first",
        finding="Effusion",
        presence=presence,
        confidence=None,
        boxes=(),
        verdicts={},
        seconds=20.0,
        saved_at=SAVED,
    )
    return replace(told, **changes)


def study(
    marks: Iterable[Mark],
    truths: Iterable[CaseTruth] = (),
    answers: Iterable[ModelAnswer] = (),
    **changes: Any,
) -> StudyData:
    """A study of these readings; its readers and cases are theirs."""
    marks = tuple(marks)
    assigned: dict[tuple[str, str], set[int]] = {}
    for item in marks:
        assigned.setdefault((item.reader, item.arm), set()).add(item.case)
    data = StudyData(
        name="Effusion, aided and unaided",
        protocol={"title": "Effusion, aided and unaided", "findings": ["Effusion"]},
        protocol_sha256="a" * 64,
        model_name="patchclip-cxr-s",
        model_sha256="b" * 64,
        version="0.9.0",
        readers=tuple(dict.fromkeys(item.reader for item in marks)),
        cases={item.case: f"{item.case:064x}" for item in marks},
        assigned={key: len(cases) for key, cases in assigned.items()},
        marks=marks,
        answers=tuple(answers),
        truths=tuple(truths),
        unreadable=(),
    )
    return replace(data, **changes)


def told(finding: str, table: Mapping[str, str]) -> list[Mark]:
    """Readings from one string per reader: p, a, u or . (none) for each case from 1."""
    words = {"p": "present", "a": "absent", "u": "unsure"}
    return [
        mark(reader, case, words[letter], finding=finding)
        for reader, letters in table.items()
        for case, letter in enumerate(letters, start=1)
        if letter != "."
    ]


COMPUTED = Computation("torch", "fp32", mirror=False, input_size=512, device="cpu").to_dict()


def drawn_study(cases: int = 24, seed: int = 3, *, arm: str = "sequential") -> StudyData:
    """Three readers, two findings, a model that is right more often than not, maps of two methods.

    arm: "sequential", or "crossover" for the arms unaided and aided.
    """
    rng = np.random.default_rng(seed)
    marks, truths, answers = [], [], []
    for finding in ("Effusion", "Nodule"):
        for case in range(1, cases + 1):
            present = bool((case + (finding == "Nodule")) % 3 == 0)
            truths.append(CaseTruth(case, finding, present, (TRUE_BOX,) if present else ()))
            model = bool(rng.random() < (0.8 if present else 0.25))
            lit = {
                name: (TRUE_BOX if rng.random() < chance else Box(300, 300, 50, 50),)
                if model or rng.random() < 0.2
                else ()
                for name, chance in (("patch", 0.8), ("gradcam", 0.5))
            }
            answers.append(ModelAnswer(case, finding, 0.8 if model else 0.1, 0.4, lit, COMPUTED))
            for reader in READERS:
                feeling = rng.normal(1.0 if present else -0.6)
                for before in (True, False):
                    seen = feeling + (0 if before else (0.9 if model else -0.7)) + rng.normal(0, 0.3)
                    called = "unsure" if abs(seen) < 0.12 else "present" if seen > 0 else "absent"
                    box = Box(105 + rng.normal(0, 25), 104, 70, 55) if called == "present" else None
                    verdicts = (
                        {}
                        if before
                        else {
                            name: str(rng.choice(["correct", "partly", "wrong"], p=weights))
                            for name, weights in (("patch", [0.6, 0.2, 0.2]), ("gradcam", [0.3, 0.3, 0.4]))
                        }
                    )
                    marks.append(
                        mark(
                            reader,
                            case,
                            called,
                            finding=finding,
                            arm="sequential" if arm == "sequential" else "unaided" if before else "aided",
                            opinion="second" if arm == "sequential" and not before else "first",
                            confidence=int(min(abs(seen) * 50, 100)),
                            boxes=(box,) if box else (),
                            verdicts=verdicts,
                            seconds=float(rng.uniform(10, 60)),
                        )
                    )
    return study(
        marks,
        truths,
        answers,
        protocol={"title": "Two findings", "findings": ["Nodule", "Effusion"], "seed": 7},
        readers=READERS,
    )
