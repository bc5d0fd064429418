"""From a judgement to its rows in the tables, and from a row to a flat record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.store import models
from app.store.export import COLUMNS
from app.store.models import Feedback, Prediction
from app.store.reading import NamedFinding, NewFeedback
from patchclip import Answer


def row_of(new: NewFeedback, before: Feedback | None) -> Feedback:
    """A row to be stored; `before` is the one that it supersedes, if any."""
    return Feedback(
        prediction=_prediction(new),
        key=new.key,
        created_at=datetime.now(UTC),
        reader=new.reader.strip(),
        presence=new.presence,
        location=new.location,
        comment=new.comment.strip(),
        boxes=[models.Box(x=box.x, y=box.y, w=box.w, h=box.h) for box in new.boxes],
        outlines=[
            models.Outline(kind=outline.kind, points=[list(point) for point in outline.points])
            for outline in new.outlines
        ],
        confidence=new.confidence,
        seconds=new.seconds,
        withdrawn=False,
        revision=before.revision + 1 if before else 1,
        first_id=(before.first_id or before.id) if before else None,
        supersedes_id=before.id if before else None,
    )


def _prediction(new: NewFeedback) -> Prediction:
    answer = new.answer
    asked = isinstance(answer, Answer)
    return Prediction(
        image_sha256=new.image_sha256,
        image_height=new.image_size[0],
        image_width=new.image_size[1],
        model_name=new.model_name if asked else None,
        model_sha256=new.model_sha256 if asked else None,
        query=new.query,
        finding=answer.finding,
        negated=isinstance(answer, Answer) and answer.negated,
        side=answer.laterality,
        in_vocabulary=answer.in_vocabulary,
        probability=answer.require_probability() if isinstance(answer, Answer) else None,
        threshold=answer.threshold if isinstance(answer, Answer) else None,
        parameters={
            **_judged(answer),
            "display": new.display,
            "map_shown": new.map_shown,
            "saliency_shown": list(new.saliency_shown),
            **({"picture": new.picture} if new.picture else {}),
        },
        asked=asked,
        execution=new.execution if asked else None,
    )


def _judged(answer: Answer | NamedFinding) -> dict[str, Any]:
    if isinstance(answer, NamedFinding):
        return {"place": answer.place}
    return {
        "place": answer.place.words if answer.place else None,
        "map_maximum": round(float(answer.map.values.max()), 4),
        "regions": [
            [round(value, 1) for value in (region.x, region.y, region.w, region.h)] + [round(region.score, 4)]
            for region in answer.regions
        ],
    }


def record_of(item: Feedback, *, superseded: bool) -> dict[str, Any]:
    """A row and what was judged, with JSON types, under the names of the export's columns."""
    judged = item.prediction
    # Older versions stored a number for what is out of scope, which was never tested.
    probability = judged.probability if judged.in_vocabulary else None
    turned = judged.negated and probability is not None
    own = {
        "id": item.id,
        "withdrawn": item.withdrawn,
        "reading": item.first_id or item.id,
        "revision": item.revision,
        "supersedes": item.supersedes_id,
        "current": not superseded and not item.withdrawn,
        "created_at": item.created_at.isoformat(timespec="seconds"),
        "reader": item.reader,
        "query_probability": probability,
        "finding_probability": 1 - probability if turned and probability is not None else probability,
        "presence": item.presence,
        "confidence": item.confidence,
        "location": item.location,
        "comment": item.comment,
        "boxes": [[box.x, box.y, box.w, box.h] for box in item.boxes],
        "outlines": [{"kind": outline.kind, "points": outline.points} for outline in item.outlines],
        "seconds": item.seconds,
        # Of readings of older versions nobody knows.
        "map_shown": judged.parameters.get("map_shown"),
        "saliency_shown": judged.parameters.get("saliency_shown"),
        "zoom": judged.parameters.get("display", {}).get("zoom"),
    }
    return {name: own[name] if name in own else getattr(judged, name) for name in COLUMNS}
