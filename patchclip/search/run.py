"""The command search: the images of an archive on which a text is most probable, one JSON object a line."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from patchclip.batch.output import Output, RunRecord
from patchclip.engine import Engine
from patchclip.errors import DataError
from patchclip.search.searcher import Filters, Found, Hit, Searcher
from patchclip.search.size import lit_share
from patchclip.search.words import with_place
from patchclip.types import Answer

_NONE = "none of the others is more probable than these"
_OTHERS = "others may be more probable than the last of these"


def main(options: argparse.Namespace) -> int:
    """Prints the hits; a text that is refused is an error."""
    if options.count < 1 or options.depth < 1:
        raise DataError("A search gives one hit at least; give --count and --depth numbers above 0.")
    folder = Path(options.out)
    engine = Engine.from_pretrained(options.checkpoint, prevalence=Output(folder).record().prior)
    searcher = Searcher(folder, engine)
    text = with_place(engine, options.text, options.side, options.place)
    filters = Filters(tuple(view.upper() for view in options.view), options.since, options.until)
    try:
        found = searcher.search(text, filters, options.count, options.depth)
    finally:
        searcher.close()
    for hit in found.hits:
        print(json.dumps(record_of(hit, searcher.record), ensure_ascii=False))
    for sentence in (*found.notes, extent(found)):
        print(sentence, file=sys.stderr)
    return 0


def extent(found: Found) -> str:
    """How much of the archive was looked at, in a sentence."""
    if found.complete:
        rest = "none of the others comes before these" if found.size else _NONE
    else:
        rest = "others may come before the last of these" if found.size else _OTHERS
        rest += "; look deeper with --depth"
    return (
        f"{found.eligible} of {found.images} images scanned, {found.answered} answered patch by patch; "
        f"{rest}. Research use only, not for clinical use."
    )


def record_of(hit: Hit, archive: RunRecord) -> dict[str, Any]:
    """A hit as JSON; coordinates in pixels of the image. `model` is what read the archive."""
    return {
        "image": hit.image,
        "model": {"name": archive.model, "sha256": archive.model_sha256, "backend": archive.backend},
        "sha256": hit.encoded.radiograph_sha256,
        "probability": round(hit.probability, 4),
        "size": list(hit.encoded.size),
        "view": hit.encoded.facts.view,
        "read_on": hit.read_on.isoformat(),
        "warnings": list(hit.encoded.warnings),
        "answers": [_answer(answer) for answer in hit.answers],
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "span": answer.span,
        "finding": answer.finding,
        "negated": answer.negated,
        "place": answer.place.words if answer.place else None,
        "probability": round(answer.require_probability(), 4),
        "operating_point": answer.operating_point.to_dict() if answer.operating_point else None,
        "lit_share": round(lit_share(answer), 4),
        "regions": [
            {
                "x": round(region.x, 1),
                "y": round(region.y, 1),
                "w": round(region.w, 1),
                "h": round(region.h, 1),
                "score": round(region.score, 4),
            }
            for region in answer.regions
        ],
        "warnings": list(answer.warnings),
    }
