"""Named Gradio endpoints for programs: predict, saliency, readings; for whoever is signed in.

A film comes as text (base64), so that neither its file's name nor its pixels ever lie on the server's disk.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.events import api

from app.insights.exports import json_record
from app.insights.opinions import InsightsError
from app.insights.record import NOTICE
from app.insights.source import Source
from app.insights.spoken import person_of, spoken
from app.lanes import Lanes
from app.maps import SLOW
from app.models.in_use import InUse
from app.people.identity import Identities, Role
from app.replies import ModelReply
from app.store import FeedbackRepository
from patchclip import Answer, Encoded, Engine, load_radiograph

TITLE = "Patch-CLIP endpoints (research use only, not for clinical use)"
PATCH = "patch"
GUIDE = """# Endpoints

Research use only, not for clinical use. For programs, by
[gradio_client](https://www.gradio.app/guides/getting-started-with-the-python-client):
`predict` (a film and a question), `saliency` (a map of one method), `readings` (what was read).
A film is the text that `base64.b64encode(file.read_bytes()).decode()` gives.
"""


@dataclass(frozen=True, slots=True)
class Backend:
    """What endpoints are answered from; `upload_limit_mb` is the largest film."""

    in_use: InUse
    feedback: FeedbackRepository
    source: Source
    lanes: Lanes
    identities: Identities
    upload_limit_mb: int


def endpoints_page(backend: Backend) -> gr.Blocks:
    """Blocks with the three endpoints, and a page that says how they are called."""
    in_use, lanes = backend.in_use, backend.lanes

    async def encoded_of(engine: Engine, image: str) -> Encoded:
        content = _bytes(image, backend.upload_limit_mb)
        radiograph = await lanes.decoder.run(lambda: load_radiograph(content, isolated=True))
        return await lanes.model.run(lambda: engine.encode(radiograph))

    async def predict(image: str, query: str) -> dict[str, Any]:
        """Answers a question on a chest radiograph.

        Args:
            image: the file (DICOM, PNG, JPEG, TIFF), as base64.
            query: in free text; a text that names several findings gets an answer for each.

        Returns:
            {"answers": [...], "warnings": [...], "size": [height, width], "model": {...}, "notice": ...};
            places are in pixels of the film, `execution` of the model says how it was computed.
        """
        engine = in_use.engine
        encoded = await encoded_of(engine, image)
        answers = await lanes.model.run(lambda: engine.query(encoded, [query]))
        return {
            "notice": NOTICE,
            "model": ModelReply.of(engine).model_dump(),
            "size": list(encoded.size),
            "warnings": list(encoded.warnings),
            "answers": [_answer(answer) for answer in answers],
        }

    async def saliency(image: str, query: str, method: str = "grad_cam") -> dict[str, Any]:
        """Maps where a method sees what is asked.

        Args:
            image: the file (DICOM, PNG, JPEG, TIFF), as base64.
            query: one finding, in free text.
            method: "patch" for the model's own map of probabilities, or a saliency method such as "grad_cam".

        Returns:
            {"method": ..., "values": [[...]], "extent": [x0, y0, x1, y1], "model": {...}, "notice": ...}:
            values in [0, 1], row 0 on top; the extent is in pixels of the film.
        """
        engine = in_use.engine
        encoded = await encoded_of(engine, image)
        if method == PATCH:
            (answer, *_) = await lanes.model.run(lambda: engine.query(encoded, [query]))
            answer.require_probability()
            found = answer.map
        else:
            lane = lanes.slow if method.endswith(SLOW) else lanes.model
            found = await lane.run(lambda: engine.saliency(encoded, query, method))
        return {
            "notice": NOTICE,
            "model": ModelReply.of(engine).model_dump(),
            "method": method,
            "values": found.values.tolist(),
            "extent": [float(edge) for edge in found.extent],
        }

    async def readings(request: gr.Request, study: str = "") -> list[dict[str, Any]]:
        """What was read: in the free reading one's own rows, for leads everybody's; in a study, for leads.

        Args:
            study: its name; "" for the free reading.

        Returns:
            One record per reading, as in the exports.
        """
        person = await lanes.store.run(lambda: person_of(backend.identities, request))
        if not study:
            own = None if person.may(Role.LEAD) else person.name
            return await lanes.store.run(lambda: backend.feedback.rows(reader=own))
        # Records of a study name the methods that its readers are not to know.
        person.require(Role.LEAD)
        return await lanes.store.run(lambda: _of_study(backend.source, study))

    blocks: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False) as blocks:
        gr.Markdown(GUIDE)
        for function in (predict, saliency, readings):
            api(spoken(function), api_name=function.__name__, concurrency_limit=4)
    return blocks


def _of_study(source: Source, name: str) -> list[dict[str, Any]]:
    number = next((item.id for item in source.studies() if item.name == name), None)
    if number is None:
        raise InsightsError("There is no study of that name; python -m app study list names all.")
    records: list[dict[str, Any]] = json_record(source.readings(number).data)["readings"]
    return records


def _bytes(image: str, limit_mb: int) -> bytes:
    try:
        content = base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InsightsError(
            "The image is not base64; send base64.b64encode(file.read_bytes()).decode()."
        ) from error
    if len(content) > limit_mb * 1_000_000:
        raise InsightsError(
            f"The file is larger than {limit_mb} MB, the limit of this server; send one film."
        )
    return content


def _answer(answer: Answer) -> dict[str, Any]:
    point = answer.operating_point
    return {
        "query": answer.query,
        "finding": answer.finding,
        "label": answer.label,
        "assertion": answer.assertion,
        "negated": answer.negated,
        "in_vocabulary": answer.in_vocabulary,
        "probability": answer.probability,
        "operating_point": None if point is None else point.threshold,
        "threshold": answer.threshold,
        "regions": [
            {"x": region.x, "y": region.y, "w": region.w, "h": region.h, "score": region.score}
            for region in answer.regions
        ],
        "warnings": list(answer.warnings),
    }
