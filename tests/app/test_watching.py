"""Watching a server: ready or not in words, figures without anybody in them, logs as JSON."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from app.guard.windows import HEADER
from app.people.identity import OnlyPerson
from app.people.start import People
from app.service import Service
from app.serving import build
from app.settings import Settings
from app.store import StoreError
from app.store.writing import SameFile, check_writable
from app.study.server import study_server
from app.watching.drain import PATIENCE_S, STOPPING, Drain
from app.watching.logs import FIELDS, JsonLines
from tests.app.page_client import reading, told
from tests.app.postgres import Server

SECRETS = ("Mustermann", "reader-of-all", "no pneumothorax", "pneumothorax", "nothing there")


class Watched:
    """A whole server behind its guard, without a process of its own."""

    def __init__(self, service: Service, database: sqlalchemy.Engine, folder: Path, token: str = "") -> None:
        settings = Settings(metrics_token=token or None, database=folder / "feedback.sqlite3")
        engine: Any = service.engine
        self.studies = study_server(database, engine, None, folder / "studies", None, service.lanes)
        self.drain, self.prepared = Drain(service.lanes.store), [False]
        people = People(OnlyPerson())
        app = build(
            service, settings, folder, people, self.studies, drain=self.drain,
            has_model=lambda: self.prepared[0],
        )  # fmt: skip
        self.client = TestClient(app, base_url="http://127.0.0.1:7860", client=("127.0.0.1", 5000))
        self.far = TestClient(app, base_url="http://127.0.0.1:7860", client=("192.0.2.7", 5000))
        self.window = {HEADER: self.client.post("/api/window").json()["window"]}

    def call(self, name: str, **asked: Any) -> tuple[int, dict[str, Any]]:
        """Status and reply of a request of the page."""
        reply = self.client.post(f"/api/{name}", json=asked, headers=self.window)
        return reply.status_code, told(reply.content)

    def figures(self) -> dict[tuple[str, ...], float]:
        """(name, value of each label...) -> value."""
        text = self.client.get("/metrics").text
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture
def watched(service: Service, database: sqlalchemy.Engine, uploads: Path) -> Iterator[Watched]:
    """One whose worker runs."""
    server = Watched(service, database, uploads)
    server.studies.start()
    yield server
    server.studies.close()


def test_ready_once_model_database_and_worker_are(watched: Watched, tmp_path: Path) -> None:
    reply = watched.far.get("/healthz")  # anybody may ask, who can identify nobody by it
    assert (reply.status_code, reply.json()) == (
        503,
        {"live": "yes", "ready": "no", "model": "not loaded", "database": "writable", "worker": "alive"},
    )
    watched.prepared[0] = True
    reply = watched.client.get("/healthz")
    assert (reply.status_code, set(reply.json().values())) == (200, {"yes", "loaded", "writable", "alive"})
    assert watched.figures()["patchclip_ready",] == 1
    watched.studies.close()
    assert watched.client.get("/healthz").json()["worker"] == "dead"
    assert watched.figures()["patchclip_ready",] == 0


def test_a_database_that_cannot_be_written_is_told(
    service: Service, database: sqlalchemy.Engine, tmp_path: Path, postgres: Server
) -> None:
    file = SameFile(database)
    check_writable(database, file)
    moved = tmp_path / "feedback.sqlite3"
    moved.rename(tmp_path / "away")
    with pytest.raises(StoreError, match="removed or replaced"):
        check_writable(database, file)
    (tmp_path / "away").rename(moved)

    @sqlalchemy.event.listens_for(database, "checkout")
    def _read_only(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA query_only=1")

    with pytest.raises(StoreError, match="may not be written"):
        service.readings.check_writable()
    from app.store import open_database

    with postgres.database() as name:
        served = open_database(postgres.url(name))
        check_writable(served, SameFile(served))
        postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        served.dispose()
        with pytest.raises(StoreError, match="server is read-only"):
            check_writable(served, SameFile(served))
        served.dispose()


def test_figures_count_what_was_done_and_name_nobody(watched: Watched, png: bytes, caplog: Any) -> None:
    caplog.set_level(logging.INFO, "app")
    sent = watched.client.post("/api/open_upload", content=png, headers=watched.window)
    study = told(sent.content)["study"]
    watched.call("ask", study=study, text="no pneumothorax")
    saved = reading(study, reader="reader-of-all", comment="Mustermann")
    assert [watched.call("save", **saved)[0] for _ in range(2)] == [200, 200]
    assert watched.call("save", **{**saved, "key": "b" * 32, "presence": "perhaps"})[0] == 400
    assert watched.call("ask", study="Mustermann", text="mass")[0] == 410
    assert watched.call("nowhere", text="Mustermann")[0] in (404, 405)
    watched.client.get("/page/nothing.css")
    figures = watched.figures()
    assert figures["patchclip_readings_saved_total", "free reading"] == 2
    assert figures["patchclip_errors_total", "ask", "ForgottenError"] == 1
    assert figures["patchclip_errors_total", "save", "StoreError"] == 1
    assert figures["patchclip_request_seconds_count", "ask"] == 2
    assert figures["patchclip_encodings_held",] == 1
    assert figures["patchclip_encodings_bytes",] > 0
    assert figures["patchclip_cache_total", "film", "miss"] == 1
    assert figures["patchclip_cache_total", "film", "hit"] >= 3
    assert figures["patchclip_lane_waiting", "model"] == figures["patchclip_lane_running", "model"] == 0
    assert figures["patchclip_cases_total", "ready"] == figures["patchclip_cases_waiting",] == 0
    text = watched.client.get("/metrics").text
    lines = "\n".join(JsonLines().format(record) for record in caplog.records)
    for secret in (*SECRETS, study, watched.window[HEADER]):
        assert secret not in text + lines
    told_of = [getattr(record, FIELDS) for record in caplog.records if record.getMessage() == "request"]
    assert {"endpoint": "ask", "status": 410, "error": "ForgottenError"}.items() <= told_of[-3].items()


def test_who_may_see_the_figures(service: Service, database: sqlalchemy.Engine, uploads: Path) -> None:
    open_here = Watched(service, database, uploads)
    assert open_here.client.get("/metrics").status_code == 200
    assert open_here.client.get("/metrics", headers={"x-forwarded-for": "192.0.2.7"}).status_code == 403
    refused = open_here.far.get("/metrics")
    assert refused.status_code == 403
    assert "PATCHCLIP_METRICS_TOKEN" in refused.json()["error"]
    by_token = Watched(service, database, uploads, token="open-sesame")
    for client in (by_token.client, by_token.far):
        assert client.get("/metrics").status_code == 403
        assert client.get("/metrics", headers={"authorization": "Bearer open"}).status_code == 403
        assert client.get("/metrics", headers={"authorization": "Bearer open-sesame"}).status_code == 200


def test_a_server_that_is_told_to_stop_begins_nothing_new(watched: Watched) -> None:
    watched.prepared[0] = True
    watched.drain.begin()
    status, reply = watched.call("history")
    assert (status, reply) == (503, {"error": STOPPING})
    assert watched.figures()["patchclip_errors_total", "history", "status 503"] == 1
    health = watched.client.get("/healthz")
    assert (health.status_code, health.json()["live"]) == (503, "stopping")


def test_what_is_under_way_is_waited_for_but_not_for_ever(service: Service) -> None:
    now = [100.0]
    drain = Drain(service.lanes.store, lambda: now[0])
    assert not drain.is_over()
    with drain.request():
        drain.begin()
        assert not drain.is_over()
        now[0] += PATIENCE_S + 1
        assert drain.is_over()
    now[0] = 100.0
    assert drain.is_over()


def test_a_foreign_record_has_its_place_and_not_its_words() -> None:
    def record(logger: str, message: str, **more: Any) -> dict[str, Any]:
        made = logging.getLogger(logger).makeRecord(
            logger, logging.ERROR, "/some/where/reader.py", 7, message, (), more.get("error")
        )
        return dict(json.loads(JsonLines().format(made)))

    ours = record("app.endpoints", "save failed: KeyError at x.py:3")
    assert (ours["message"], ours["level"]) == ("save failed: KeyError at x.py:3", "error")
    foreign = record("pydicom", "Invalid value for VR PN: 'Mustermann'")
    assert (foreign["place"], foreign["logger"]) == ("reader:7", "pydicom")
    assert "Mustermann" not in json.dumps(foreign)
    try:
        raise ValueError("Mustermann")
    except ValueError:
        broken = record("uvicorn.error", "Exception in ASGI application", error=sys.exc_info())
    assert broken["error"] == "ValueError"
    assert broken["error_place"].startswith("test_watching.py:")
    assert "Mustermann" not in json.dumps(broken)
