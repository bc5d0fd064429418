"""The model as the protocol's clients ask it: a film in, a label map and its findings out."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.answer_replies import EchoReply, OperatingPointReply
from app.drawing import echo_reply
from app.lanes import Lanes
from app.models.in_use import InUse
from app.monai_label.files import file_of
from app.monai_label.geometry import Geometry
from app.monai_label.held import NOT_HELD, HeldPictures, NotHeldError
from app.monai_label.label_map import LabelMap, label_map
from app.monai_label.messages import (
    AppInfo,
    DatastoreInfo,
    FindingReply,
    InferParams,
    InferReply,
    ModelInfo,
    PlaceReply,
)
from app.monai_label.pictures import Picture, read_film
from app.people.identity import Person
from app.replies import ModelReply
from app.texts import answer_text
from app.uploads import TooLargeError
from patchclip import Answer, Engine, PatchClipError, QueryError
from patchclip.archive import Archive
from patchclip.export.result import NOTICE
from patchclip.text.query import MOST
from patchclip.types import Box, Region
from patchclip.version import __version__

MODEL = "patch_clip"
BACKGROUND = "background"
UID = re.compile(r"[0-9][0-9.]{0,63}")
NO_MODEL = f"There is one model here, {MODEL}; ask that."
SEVERAL = (
    "The series holds {number} films, and one is asked at a time; name one by its SOP Instance UID, "
    "or open it in the page."
)
DARK = "No region is lit for anything that was asked, so the label map is empty."
APP = (
    "Chest radiographs asked in free text, answered patch by patch. A label map shows where the model's map "
    f"of a finding is lit; its probability stands beside it. {NOTICE}."
)
HOW = (
    "Lit regions of each finding, at the model's thresholds. Write findings into queries to ask for those "
    f"alone, e.g. 'left effusion; nodule'. {NOTICE}."
)


@dataclass(frozen=True, slots=True)
class Inference:
    """What is answered; `content` is the label map's file, `name` what it is called."""

    reply: InferReply
    content: bytes
    name: str


@dataclass(frozen=True, slots=True)
class _Asked:
    answers: tuple[Answer, ...]
    echoes: tuple[EchoReply, ...] = ()
    warnings: tuple[str, ...] = ()


class LabelDesk:
    """Answers clients; what they send is kept in memory alone.

    Args:
        in_use: the engine that films are encoded by from now on.
        lanes: of the service.
        archive: in which films are looked for that nobody has sent, by their UIDs; or None.
        upload_limit_mb: of one film.
    """

    def __init__(self, in_use: InUse, lanes: Lanes, archive: Archive | None, upload_limit_mb: int) -> None:
        self._in_use, self._lanes, self._archive = in_use, lanes, archive
        self._limit_mb = upload_limit_mb
        self.held = HeldPictures()

    def info(self, person: Person) -> AppInfo:
        """What the server is."""
        engine = self._in_use.engine
        labels = _labels(engine)
        info = ModelInfo(labels=labels, description=HOW, config={"queries": ""})
        return AppInfo(
            name="Patch-CLIP",
            description=APP,
            version=__version__,
            notice=NOTICE,
            model=ModelReply.of(engine),
            labels=list(labels),
            models={MODEL: info},
            datastore=DatastoreInfo(total=len(self.held.names(person.id))),
        )

    async def take(self, content: bytes) -> Picture:
        """Reads a film and encodes it.

        Raises:
            PatchClipError: it cannot be read.
        """
        film = await self._lanes.decoder.run(lambda: read_film(content))
        engine = self._in_use.engine
        encoded = await self._lanes.model.run(lambda: engine.encode(film.radiograph))
        return Picture(encoded, film.geometry, engine)

    async def named(self, person: Person, name: str) -> Picture:
        """A film that this person has sent, or one of the archive, by the UID of its series or its own.

        Raises:
            NotHeldError: there is none.
            PatchClipError: the archive does not give it, or it cannot be read.
        """
        try:
            return self.held.get(person.id, name)
        except NotHeldError:
            if self._archive is None or not UID.fullmatch(name):
                raise NotHeldError(NOT_HELD) from None
        archive = self._archive
        films = await self._lanes.archive.run(lambda: archive.find_by_uid(name))
        if len(films) > 1:
            raise PatchClipError(SEVERAL.format(number=len(films)))
        content = await self._lanes.archive.run(lambda: archive.fetch(films[0]))
        if len(content) > self._limit_mb * 1_000_000:
            raise TooLargeError(f"The film is larger than {self._limit_mb} MB, the limit of this server.")
        picture = await self.take(content)
        self.held.add(person.id, name, picture)
        return picture

    async def infer(self, model: str, picture: Picture, params: InferParams) -> Inference:
        """Asks the model.

        Raises:
            NotHeldError: there is no such model.
            QueryError: a query is refused; then nothing is answered: a label map cannot say what it lacks.
        """
        require_model(model)
        asked = await self._lanes.model.run(lambda: _ask(picture, params.texts))
        return await self._lanes.export.run(lambda: self._answered(picture, asked, params))

    def _answered(self, picture: Picture, asked: _Asked, params: InferParams) -> Inference:
        geometry, encoded, engine = picture.geometry, picture.encoded, picture.engine
        numbers, titles = _numbers(engine), _names(engine)
        made = label_map(asked.answers, numbers, encoded.size, geometry.size)
        drawn = {int(number) for number in np.unique(made.values)} - {0}
        names = {titles[label]: number for label, number in numbers.items() if number in drawn}
        warnings = [*encoded.warnings, *asked.warnings, *made.warnings, *([] if drawn else [DARK])]
        reply = InferReply(
            notice=NOTICE,
            model=ModelReply.of(engine),
            size=geometry.size,
            label_names=names,
            labels=_labels(engine),
            centroids=_centroids(geometry.array_of(made.values), names),
            findings=[_finding(answer, numbers, encoded.size, geometry, made) for answer in asked.answers],
            echoes=list(asked.echoes),
            warnings=list(dict.fromkeys(warnings)),
        )
        extension = params.result_extension
        content = file_of(
            made.values, geometry, extension, params.result_dtype, compress=params.result_compress
        )
        return Inference(reply, content, f"patch-clip-findings{extension}")


def require_model(name: str) -> None:
    """Lets pass the one model's name.

    Raises:
        NotHeldError: it is another.
    """
    if name != MODEL:
        raise NotHeldError(NO_MODEL)


def _ask(picture: Picture, texts: tuple[str, ...]) -> _Asked:
    engine, encoded = picture.engine, picture.encoded
    if not texts:
        return _Asked(tuple(engine.query(encoded, list(_names(engine).values()))))
    answers: list[Answer] = []
    echoes: list[EchoReply] = []
    warnings: list[str] = []
    for text in texts:
        answered = answer_text(engine, encoded, text, MOST)
        if answered.refused:
            raise QueryError(answered.refused[0].reason)
        for part in answered.texts:
            answers += part.answers
            echoes.append(echo_reply(part.reading))
            warnings += part.reading.warnings
        warnings += [answered.more] if answered.more else []
    for answer in answers:
        answer.require_probability()
    return _Asked(tuple(answers), tuple(echoes), tuple(warnings))


def _finding(
    answer: Answer, numbers: dict[str, int], film: tuple[int, int], geometry: Geometry, made: LabelMap
) -> FindingReply:
    label = answer.label or ""
    point = answer.operating_point
    return FindingReply(
        query=answer.query,
        finding=answer.finding,
        label=label,
        number=numbers[label],
        assertion=answer.assertion,
        negated=answer.negated,
        laterality=answer.laterality,
        place=answer.place.words if answer.place else None,
        probability=answer.require_probability(),
        operating_point=OperatingPointReply.model_validate(point.to_dict()) if point else None,
        threshold=answer.threshold,
        pixels=made.lit.get(numbers[label], 0),
        regions=[_place(region, film, geometry) for region in answer.regions],
        warnings=list(answer.warnings),
    )


def _numbers(engine: Engine) -> dict[str, int]:
    """Label -> its number, the same in every label map of a model."""
    return {label: number for number, label in enumerate(engine.labels, start=1)}


def _names(engine: Engine) -> dict[str, str]:
    return {label: engine.vocabulary.finding(label).name for label in engine.labels}


def _labels(engine: Engine) -> dict[str, int]:
    names = _names(engine)
    return {BACKGROUND: 0} | {names[label]: number for label, number in _numbers(engine).items()}


def _place(region: Region, film: tuple[int, int], geometry: Geometry) -> PlaceReply:
    box, point = geometry.in_array(region, film), geometry.in_array(Box(*region.peak, 0, 0), film)
    return PlaceReply(x=box.x, y=box.y, w=box.w, h=box.h, score=region.score, point=(point.x, point.y))


def _centroids(array: NDArray[np.uint16], names: dict[str, int]) -> dict[str, list[int]]:
    return {
        name: [number, *(round(float(places.mean())) for places in np.nonzero(array == number))]
        for name, number in names.items()
    }
