"""What the page may ask of the server: each method takes and returns plain JSON, and turns every known error into a sentence."""

from __future__ import annotations

import logging
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from threading import Semaphore
from typing import Any

from app.drawing import answer_json, colour_tables, map_json, picture
from app.sessions import Sessions, Study
from app.store import FeedbackRepository, NewFeedback, StoreError
from patchclip import Engine, PatchClipError, QueryError, Radiograph, load_radiograph
from patchclip.resources import ASSETS
from patchclip.text import split_queries

EXAMPLES = ASSETS / "examples"
MOST_QUERIES = 20  # in one go
MOST_ROWS = 200  # of past feedback on the page; the exports hold all
NO_HISTORY = "The feedback database cannot be read: whether this image was judged before is not known, and saving may fail."
SUGGESTIONS = ("Effusion", "Cardiomegaly", "Lung Opacity", "Pneumothorax", "Nodule", "Atelectasis")

Json = dict[str, Any]
LOG = logging.getLogger(__name__)


class Service:
    """The page's server side; one for all windows."""

    def __init__(
        self, engine: Engine, feedback: FeedbackRepository, uploads: Path, *, studies_each: int
    ) -> None:
        self.engine, self.feedback = engine, feedback
        self.uploads = uploads.resolve()
        self.sessions = Sessions(studies_each)
        self._turn = Semaphore(1)  # one forward pass at a time: two at once are each more than twice as slow

    def methods(self) -> list[Callable[[Json], Json]]:
        """The functions that the page may call."""
        return [
            _guarded(method)
            for method in (
                self.start,
                self.open_upload,
                self.open_example,
                self.ask,
                self.compare,
                self.save,
                self.history,
                self.export,
            )
        ]

    def start(self, _: Json) -> Json:
        """What the page needs once."""
        return {
            "model": {"name": self.engine.name, "sha256": self.engine.sha256},
            "suggestions": [
                self.engine.vocabulary.finding(label).name
                for label in SUGGESTIONS
                if label in self.engine.labels
            ],
            "examples": sorted(file.name for file in EXAMPLES.iterdir() if file.suffix in (".png", ".dcm"))
            if EXAMPLES.is_dir()
            else [],
            "colours": colour_tables(),
            "min_patches": self.engine.min_patches,
            "most_queries": MOST_QUERIES,
        }

    def open_upload(self, request: Json) -> Json:
        """Opens an uploaded file, and deletes it at once: from here on only its pixels are in memory."""
        path = Path(str(request["path"])).resolve()
        if not path.is_relative_to(self.uploads) or not path.is_file():
            raise PatchClipError("The upload did not arrive; choose the file again.")
        try:
            content = path.read_bytes()
        finally:
            path.unlink(missing_ok=True)
        return self._open(str(request["window"]), content, synthetic=False)

    def open_example(self, request: Json) -> Json:
        """Opens a bundled synthetic radiograph."""
        path = EXAMPLES / Path(str(request["name"])).name
        if not path.is_file():
            raise PatchClipError("There is no such example; choose one from the list.")
        return self._open(str(request["window"]), path.read_bytes(), synthetic=True)

    def ask(self, request: Json) -> Json:
        """Answers one line of queries, parted by ";"."""
        study = self._study(request)
        queries = split_queries(str(request["text"]))
        if not queries:
            raise QueryError('The query is empty; type a finding, for example "pleural effusion".')
        if len(queries) > MOST_QUERIES:
            raise QueryError(
                f"These are {len(queries)} queries and {MOST_QUERIES} may be asked in one go; ask the rest afterwards."
            )
        started = time.perf_counter()
        with self._turn:
            findings = self.engine.query(study.encoded, queries)
        elapsed = (time.perf_counter() - started) * 1000
        for finding in findings:
            study.answers[finding.query] = finding
        return {"answers": [answer_json(finding) for finding in findings], "query_ms": round(elapsed, 1)}

    def compare(self, request: Json) -> Json:
        """Grad-CAM of a query that was answered."""
        study = self._study(request)
        finding = study.answers.get(str(request["query"]))
        if finding is None:
            raise QueryError("This query has not been answered on this study; ask it first.")
        started = time.perf_counter()
        with self._turn:
            shown = self.engine.saliency(study.encoded, finding.query, "grad_cam")
        return {"map": map_json(shown), "saliency_ms": round((time.perf_counter() - started) * 1000, 1)}

    def save(self, request: Json) -> Json:
        """Stores a judgement."""
        study = self._study(request)
        finding = study.answers.get(str(request.get("query") or ""))
        if finding is None:
            raise StoreError("Ask a question and choose its answer before saving a reading.")
        when = self.feedback.add(
            NewFeedback(
                image_sha256=study.encoded.radiograph_sha256,
                image_size=study.encoded.size,
                model_name=self.engine.name,
                model_sha256=self.engine.sha256,
                finding=finding,
                reader=str(request.get("reader") or ""),
                presence=str(request.get("presence") or ""),
                location=str(request["location"]) if request.get("location") else None,
                comment=str(request.get("comment") or ""),
                boxes=_boxes(request.get("boxes") or []),
                display={
                    str(key): value
                    for key, value in (request.get("display") or {}).items()
                    if isinstance(value, (int, float, str, bool))
                },
            )
        )
        return {"saved": when.isoformat(timespec="seconds")}

    def history(self, _: Json) -> Json:
        """The newest feedback, newest first, and how much there is in all."""
        return {"rows": self.feedback.rows(limit=MOST_ROWS), "total": self.feedback.count()}

    def export(self, request: Json) -> Json:
        """All feedback as a file's text."""
        text = self.feedback.export_csv() if request.get("kind") == "csv" else self.feedback.export_json()
        return {"text": text}

    def _open(self, window: str, content: bytes, *, synthetic: bool) -> Json:
        started = time.perf_counter()
        radiograph = load_radiograph(content)
        decoded = (time.perf_counter() - started) * 1000
        with self._turn:
            encoded = self.engine.encode(radiograph)
        study = self.sessions.add(window, encoded, decoded, synthetic=synthetic)
        return self._study_json(study, radiograph)

    def _study_json(self, study: Study, radiograph: Radiograph) -> Json:
        warnings = list(study.encoded.warnings)
        try:
            judged = self.feedback.judged(study.encoded.radiograph_sha256)
        except StoreError:  # looking and asking need no database
            judged = 0
            warnings.append(NO_HISTORY)
        return {
            "study": study.id,
            "sha256": study.encoded.radiograph_sha256,
            "view": radiograph.facts.view or "",
            "size": list(study.encoded.size),
            "picture": picture(radiograph),
            "warnings": warnings,
            "synthetic": study.synthetic,
            "decode_ms": round(study.decode_ms, 1),
            "encode_ms": round(study.encoded.timing_ms["encode"], 1),
            "judged": judged,
        }

    def _study(self, request: Json) -> Study:
        if not request.get("study"):
            raise PatchClipError("No radiograph is open; open a file or one of the examples first.")
        return self.sessions.get(str(request["window"]), str(request["study"]))


def _boxes(given: list[Any]) -> list[tuple[float, float, float, float]]:
    try:
        return [(float(x), float(y), float(w), float(h)) for x, y, w, h in given]
    except (TypeError, ValueError) as error:
        raise StoreError("The server does not understand a drawn box; draw it again, then save.") from error


def _guarded(method: Callable[[Json], Json]) -> Callable[[Json], Json]:
    """The method under its own name, with errors as {"error": sentence}; what nobody foresaw is logged by kind and place alone."""

    def call(request: Json) -> Json:
        try:
            return method(request)
        except PatchClipError as error:
            return {"error": str(error)}
        except Exception as error:  # the page must hear of every failure, and no message with a patient's data may reach the log
            place = traceback.extract_tb(error.__traceback__)[-1]
            LOG.error(
                "%s failed: %s at %s:%s",
                method.__name__,
                type(error).__name__,
                Path(place.filename).name,
                place.lineno,
            )
            return {
                "error": "The server could not do this, and its log says where it failed; try again, or try another file."
            }

    call.__name__ = method.__name__
    return call


def prepare_environment(uploads: Path) -> None:
    """What must be set before gradio is imported: no analytics, no network, uploads in a folder of our own."""
    for name in (
        "NO_PROXY",
        "no_proxy",
    ):  # gradio asks its own server whether it is up; a proxy would answer for another machine
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
