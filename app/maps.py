"""Maps to compare: saliency of the model and of its box-free twin, for the page and as a file of numbers."""

from __future__ import annotations

import io
import json
import time

import numpy as np

from app.answer_replies import SaliencyReply
from app.drawing import map_reply
from app.lanes import Lanes
from app.models.in_use import InUse
from app.replies import MapChoiceReply, ModelReply
from app.requests import CompareRequest, MapsRequest
from app.sessions import Sessions, Study
from app.twin import Twin
from patchclip import Answer, PatchMap, QueryError, SaliencyError
from patchclip.export.result import NOTICE
from patchclip.saliency import SALIENCY
from patchclip.saliency.registry import TWIN

SLOW = "occlusion"
NOT_ASKED = "This query has not been answered on this study; ask it first."
NO_TWIN = "This server has no box-free twin; start it with --twin and the folder of one."


class Maps:
    """Computes maps of answered queries; each once.

    Args:
        in_use: the engine that films are opened with from now on.
        twin: the box-free one, or None.
        sessions, lanes: of the service.
    """

    def __init__(self, in_use: InUse, twin: Twin | None, sessions: Sessions, lanes: Lanes) -> None:
        self._in_use, self._twin, self._sessions, self._lanes = in_use, twin, sessions, lanes

    def choices(self) -> list[MapChoiceReply]:
        """All methods that the model's tower allows, and the same of the twin."""
        keys = self._in_use.engine.saliency_methods()
        own = [MapChoiceReply(key=key, title=SALIENCY[key].title, slow=key == SLOW) for key in keys]
        if self._twin is None:
            return own
        return own + [
            MapChoiceReply(key=TWIN + item.key, title=f"twin's {item.title}", slow=item.slow) for item in own
        ]

    async def compare(self, window: str, request: CompareRequest) -> SaliencyReply:
        """A map of a query that was answered, by one method.

        Raises:
            QueryError: the query was not answered on this study.
            SaliencyError: the method is unknown, or cannot be applied.
        """
        study = self._sessions.get(window, request.study)
        _answer(study, request.query)
        # 225 passes through the tower must not hold up every other question.
        lane = self._lanes.slow if request.method.endswith(SLOW) else self._lanes.model
        started = time.perf_counter()
        computed = await lane.run(lambda: self._map(study, request.query, request.method))
        return SaliencyReply(
            method=request.method,
            model=self._model(study, request.method),
            map=map_reply(computed),
            saliency_ms=round((time.perf_counter() - started) * 1000, 1),
        )

    async def packed(self, window: str, request: MapsRequest) -> bytes:
        """The patch map of an answer and others of the same query as an NPZ file.

        It holds NAME (float32 [R, C], as computed) and NAME_extent (x0, y0, x1, y1 in original pixels) of
        each map, of which the patch map is called "patch_map", and what they are maps of as texts and
        numbers.

        Raises:
            QueryError, SaliencyError: see `compare`.
        """
        study = self._sessions.get(window, request.study)
        answer = _answer(study, request.query)
        slow = any(method.endswith(SLOW) for method in request.methods)
        lane = self._lanes.slow if slow else self._lanes.model

        def pack() -> bytes:
            maps = {"patch_map": answer.map} if answer.in_vocabulary else {}
            for method in request.methods:
                maps[method] = self._map(study, request.query, method)
            return self._npz(study, answer, maps)

        return await lane.run(pack)

    def _map(self, study: Study, query: str, method: str) -> PatchMap:
        kept = study.explained.maps
        if (query, method) not in kept:
            if not method.startswith(TWIN):
                kept[query, method] = study.engine.saliency(study.encoded, query, method)
            elif self._twin is None:
                raise SaliencyError(NO_TWIN)
            else:
                kept[query, method] = self._twin.saliency(
                    study.encoded, study.explained, query, method.removeprefix(TWIN)
                )
        return kept[query, method]

    def _model(self, study: Study, method: str) -> ModelReply:
        engine = self._twin.engine if self._twin and method.startswith(TWIN) else study.engine
        return ModelReply.of(engine)

    def _npz(self, study: Study, answer: Answer, maps: dict[str, PatchMap]) -> bytes:
        arrays: dict[str, np.ndarray] = {}
        for name, item in maps.items():
            arrays[name] = item.values.astype(np.float32)
            arrays[f"{name}_extent"] = np.array(item.extent, np.float64)
        facts: dict[str, object] = {
            "notice": NOTICE,
            "query": answer.query,
            "finding": answer.finding,
            "threshold": answer.threshold,
            "image_sha256": study.encoded.radiograph_sha256,
            "image_size": study.encoded.size,
            "model": study.engine.name,
            "model_sha256": study.engine.sha256,
            "execution": json.dumps(study.engine.computation.to_dict()),
        }
        if answer.probability is not None:
            facts["probability"] = answer.probability
        if self._twin is not None and any(name.startswith(TWIN) for name in maps):
            facts["twin_sha256"] = self._twin.engine.sha256
            facts["twin_execution"] = json.dumps(self._twin.engine.computation.to_dict())
        out = io.BytesIO()
        arrays |= {name: np.array(value) for name, value in facts.items()}
        np.savez_compressed(out, allow_pickle=False, **arrays)
        return out.getvalue()


def _answer(study: Study, query: str) -> Answer:
    answer = study.answers.get(query)
    if answer is None:
        raise QueryError(NOT_ASKED)
    return answer
