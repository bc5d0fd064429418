"""One case on its way to be made ahead: decoded, encoded, asked each finding of the protocol once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

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
from app.study.packs import FilmHead, PackedCase, PackKey, Packs
from app.study.presented import Lit, presented
from app.study.protocol import PATCH, Protocol, stored_protocol
from app.study.studies import Studies
from app.twin import Twin
from patchclip import Answer, Encoded, Engine, PatchMap, Radiograph, SaliencyError
from patchclip.execution import Computation
from patchclip.localize import find_regions
from patchclip.saliency.registry import TWIN

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
        self._store(work, answers, lit, engine.computation)
        film = packed(radiograph)
        head = FilmHead(film=film.told, size=radiograph.size, warnings=list(encoded.warnings))
        maps = presented(work.protocol.methods, lit, radiograph.size, engine.min_patches)
        self._packs.put(work.key, PackedCase(head, film.codes), maps)

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
    ) -> dict[str, dict[str, Lit]]:
        """Label -> method -> map."""
        lit = {
            label: {PATCH: Lit(answer.map, answer.threshold, answer.regions)}
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
                lit[label][method] = Lit(values, cut, regions)
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
        self,
        work: Work,
        answers: Mapping[str, Answer],
        lit: Mapping[str, Mapping[str, Lit]],
        computation: Computation,
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
                    execution=computation.to_dict(),
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
