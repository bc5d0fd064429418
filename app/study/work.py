"""One case on its way to be made ahead: decoded, encoded, asked each finding of the protocol once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.answer_replies import RegionReply
from app.drawing import map_reply
from app.explained import Explained
from app.film import packed
from app.lanes import Lanes
from app.maps import NO_TWIN, SLOW
from app.models.errors import ModelError
from app.models.shelf import Shelf
from app.store.study_models import Study, StudyAnswer, StudyCase
from app.store.writing import writing
from app.study.cases import Place
from app.study.errors import StudyError
from app.study.packs import FilmHead, PackedCase, PackedMap, PackKey, Packs
from app.study.protocol import PATCH, Protocol, stored_protocol
from app.study.studies import Studies
from app.twin import Twin
from patchclip import Answer, Encoded, Engine, PatchMap, Radiograph, Region, SaliencyError
from patchclip.localize import find_regions
from patchclip.saliency.registry import TWIN

COMMON_CUT = 0.5
"""From which every map is lit where a reader compares several, so that its value tells no method."""
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Work:
    """A case, and what is asked of it.

    Attributes:
        case_id: its row.
        number: the study's number of it.
        folder, place: where its file lies.
        protocol: of its study.
        findings: label -> name.
        key: of its files; `key.model_sha256` is the study's model.
        model_name: of that model.
    """

    case_id: int
    number: int
    folder: Path
    place: Place
    protocol: Protocol
    findings: Mapping[str, str]
    key: PackKey
    model_name: str

    @classmethod
    def of(cls, study: Study, case: StudyCase) -> Work:
        """From their rows."""
        protocol = stored_protocol(study.protocol)
        methods = dict.fromkeys((PATCH, *protocol.methods))
        key = PackKey(
            case.image_sha256,
            study.model_sha256 or "",
            tuple(methods),
            tuple(study.findings),
            protocol.saliency_cut,
        )
        return cls(
            case_id=case.id,
            number=case.number,
            folder=Path(study.folder or ""),
            place=Place.from_dict(case.reference),
            protocol=protocol,
            findings=study.findings,
            key=key,
            model_name=study.model_name or "",
        )


@dataclass(frozen=True, slots=True)
class _Lit:
    """A map as it was computed, the value from which it is lit, and where it is."""

    map: PatchMap
    cut: float
    regions: tuple[Region, ...]


class Maker:
    """Makes cases ready.

    Args:
        shelf: the models; each study is asked of the one that it was made with.
        twin: which is asked too; every pass through the model waits its turn in `lanes.model`.
        studies, packs: where answers, films and maps are stored.
        lanes: of the service.
    """

    def __init__(self, shelf: Shelf, twin: Twin | None, studies: Studies, packs: Packs, lanes: Lanes) -> None:
        self._shelf, self._twin = shelf, twin
        self._studies, self._packs, self._lanes = studies, packs, lanes

    def make(self, work: Work) -> None:
        """Decodes, encodes and asks a case, and keeps what comes out.

        Raises:
            RadiographError: its file cannot be read.
            StudyError: its file or the model is another than when the study was made.
            SaliencyError: a method cannot be applied to this model.
            StoreError, OSError: nothing can be written now.
        """
        engine = self._engine(work)
        radiograph = work.place.load(work.folder)
        if radiograph.sha256 != work.key.image_sha256:
            raise StudyError(
                f"The file of case {work.number} is another than when the study was made; put that one back."
            )
        encoded = self._turn(lambda: engine.encode(radiograph))
        names = list(work.findings.values())
        answered = self._turn(lambda: engine.query(encoded, names))
        answers = {label: _answer_to(label, answered) for label in work.findings}
        lit = self._lit(engine, work, radiograph, encoded, answers)
        self._store(work, answers, lit)
        film = packed(radiograph)
        head = FilmHead(film=film.told, size=radiograph.size, warnings=list(encoded.warnings))
        self._packs.put(work.key, PackedCase(head, film.codes), _presented(work.protocol, lit))

    def _turn(self, work: Callable[[], Result], *, slow: bool = False) -> Result:
        return (self._lanes.slow if slow else self._lanes.model).result(work)

    def _engine(self, work: Work) -> Engine:
        """Of the study's own model, whichever answers elsewhere."""
        try:
            return self._shelf.engine(work.key.model_sha256)
        except ModelError as error:
            raise StudyError(
                f"This study was made with the model {work.model_name} ({work.key.model_sha256[:12]}), and "
                "the server has another; put it into its folder of models, or start it with that checkpoint."
            ) from error

    def _lit(
        self,
        engine: Engine,
        work: Work,
        radiograph: Radiograph,
        encoded: Encoded,
        answers: Mapping[str, Answer],
    ) -> dict[str, dict[str, _Lit]]:
        """Label -> method -> map."""
        lit = {
            label: {PATCH: _Lit(answer.map, answer.threshold, answer.regions)}
            for label, answer in answers.items()
        }
        explained = Explained()
        if self._twin is not None and any(method.startswith(TWIN) for method in work.key.methods):
            explained.twin_input = self._twin.input_of(radiograph, engine)
        for method in work.key.methods:
            if method == PATCH:
                continue
            for label, name in work.findings.items():
                values = self._turn(
                    partial(self._saliency, engine, encoded, explained, name, method),
                    slow=method.endswith(SLOW),
                )
                cut = work.protocol.saliency_cut * float(values.values.max())
                regions = find_regions(values, cut, encoded.size, engine.min_patches) if cut > 0 else ()
                lit[label][method] = _Lit(values, cut, regions)
        return lit

    def _saliency(
        self, engine: Engine, encoded: Encoded, explained: Explained, name: str, method: str
    ) -> PatchMap:
        if not method.startswith(TWIN):
            return engine.saliency(encoded, name, method)
        if self._twin is None:
            raise SaliencyError(NO_TWIN)
        return self._twin.saliency(encoded, explained, name, method.removeprefix(TWIN))

    def _store(
        self, work: Work, answers: Mapping[str, Answer], lit: Mapping[str, Mapping[str, _Lit]]
    ) -> None:
        """The answers; those that are stored stay as they are."""
        with writing(self._studies.engine, self._studies.file) as session:
            stored = stored_answers(session, work.case_id)
            session.add_all(
                StudyAnswer(
                    case_id=work.case_id,
                    finding=label,
                    probability=answer.require_probability(),
                    threshold=_threshold(answer),
                    regions={
                        method: [[item.x, item.y, item.w, item.h] for item in each.regions]
                        for method, each in lit[label].items()
                    },
                )
                for label, answer in answers.items()
                if label not in stored
            )


def stored_answers(session: Session, case_id: int) -> dict[str, StudyAnswer]:
    """Label -> what the model said, as far as it was asked."""
    rows = session.scalars(select(StudyAnswer).where(StudyAnswer.case_id == case_id))
    return {row.finding: row for row in rows}


def _answer_to(label: str, answers: Sequence[Answer]) -> Answer:
    found = next((answer for answer in answers if answer.label == label), None)
    if found is None:
        raise StudyError(f"The model does not answer for {label}; start the server with the study's model.")
    return found


def _threshold(answer: Answer) -> float:
    """The probability from which the image speaks for the finding."""
    return answer.operating_point.threshold if answer.operating_point else 0.5


def _presented(protocol: Protocol, lit: Mapping[str, Mapping[str, _Lit]]) -> dict[str, dict[str, PackedMap]]:
    """The maps as readers see them; several get one grid and one cut, so that neither tells the method."""
    methods = protocol.methods
    packed_maps: dict[str, dict[str, PackedMap]] = {}
    for label, each in lit.items():
        finest = max(
            (each[method].map for method in methods), key=lambda item: item.values.size, default=None
        )
        packed_maps[label] = {}
        for method in methods:
            item = each[method]
            if len(methods) > 1 and finest is not None:
                item = _Lit(_on_grid(_rescaled(item), finest), COMMON_CUT, item.regions)
            packed_maps[label][method] = PackedMap(
                map=map_reply(item.map), cut=item.cut, regions=_regions(item)
            )
    return packed_maps


def _regions(item: _Lit) -> list[RegionReply]:
    return [
        RegionReply(x=region.x, y=region.y, w=region.w, h=region.h, score=region.score, peak=region.peak)
        for region in item.regions
    ]


def _rescaled(item: _Lit) -> PatchMap:
    """The values so that the cut lies at `COMMON_CUT`: straight lines from 0 to the cut, and on to 1."""
    cut = min(max(item.cut, 1e-6), 1 - 1e-6)
    values = np.interp(item.map.values, [0, cut, 1], [0, COMMON_CUT, 1]).astype(np.float32)
    return PatchMap(values, item.map.extent)


def _on_grid(item: PatchMap, grid: PatchMap) -> PatchMap:
    """Bilinear resampling onto the patches of another map; where they are the same, no value changes."""
    if item.values.shape == grid.values.shape and np.allclose(item.extent, grid.extent):
        return item
    rows, cols = grid.values.shape
    x0, y0, x1, y1 = grid.extent
    left, top, right, bottom = item.extent
    lines, columns = item.values.shape
    x = (x0 + (np.arange(cols) + 0.5) * (x1 - x0) / cols - left) / (right - left) * columns - 0.5
    y = (y0 + (np.arange(rows) + 0.5) * (y1 - y0) / rows - top) / (bottom - top) * lines - 0.5
    grid_x, grid_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    values = cv2.remap(item.values, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return PatchMap(np.asarray(values, np.float32), grid.extent)
