"""Insights and endpoints on a real server: who is let in, what is open, and what programs are answered."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
import uvicorn
from gradio_client import Client
from gradio_client.exceptions import AppError

from app.archive_search.absent import NO_ARCHIVE
from app.guard import mounted
from app.guard.doors import is_open
from app.lanes import Lanes
from app.models.in_use import InUse
from app.mounting import PAGES, WITHOUT_ARCHIVE, heading
from app.people.identity import Person, Role
from app.people.start import People
from app.service import Service
from app.serving import build, listen
from app.settings import Settings
from app.store import FeedbackRepository, NamedFinding, NewFeedback, migrate, open_database
from app.study.cases import read_cases
from app.study.loading import study_data
from app.study.making import make_study
from app.study.server import model_of, study_server
from app.study.studies import Studies
from patchclip import Engine, load_radiograph
from patchclip.image.synthetic import synthetic_radiograph
from tests.app.insights.reading_room import read_all
from tests.app.study.reader_client import PERSON, Headers
from tests.browser.serving import free_port
from tests.tiny import tiny_checkpoint

PROTOCOL = """
title = "Two findings"
findings = ["Effusion", "Nodule"]
arms = ["sequential"]
maps = { A = "patch", B = "gradcam" }
"""


@dataclass
class Running:
    """A server, its engine, a film, and its study's number."""

    url: str
    engine: Engine
    film: bytes
    study: int
    database: Any

    def client(self, name: str) -> Client:
        """What a program of that person's uses."""
        return Client(
            f"{self.url}/endpoints",
            headers={PERSON: name},
            verbose=False,
            download_files=False,
            analytics_enabled=False,
        )

    def ask(self, method: str, path: str, name: str = "lea", **options: Any) -> httpx.Response:
        """One request of that person's."""
        headers = {PERSON: name, **options.pop("headers", {})}
        return httpx.request(method, self.url + path, headers=headers, timeout=60, **options)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The whole application on an untrained model, where people say in a header who they are."""
    folder = tmp_path_factory.mktemp("insights")
    films, private = folder / "films", folder / "private"
    films.mkdir()
    private.mkdir()
    for number in range(4):
        drawn = synthetic_radiograph("effusion" if number % 2 else "none", size=96, seed=number)
        assert cv2.imwrite(str(films / f"{number}.png"), np.round(drawn.pixels * 255).astype(np.uint8))
    engine = Engine.from_pretrained(tiny_checkpoint(folder / "tiny"))
    database = open_database(folder / "feedback.sqlite3")
    migrate(database)
    study = make_study(
        Studies(database),
        model_of(engine),
        "small",
        PROTOCOL,
        read_cases(films, engine.vocabulary),
        ("ada", "ben"),
    )
    read_all(database, study)
    people = Headers(
        {
            "ada": Person(2, "ada", Role.READER),
            "ben": Person(3, "ben", Role.READER),
            "lea": Person(1, "reader", Role.LEAD),
        }
    )
    settings = Settings(port=free_port(), database=folder / "feedback.sqlite3", upload_limit_mb=1)
    service = Service(InUse(engine), FeedbackRepository(database), study_memory_mb=50, upload_limit_mb=1)
    studies = study_server(database, engine, None, folder / "ready", None, Lanes())
    app = build(service, settings, private, People(people), studies)
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on")
    server = uvicorn.Server(config)
    socket = listen(settings.host, settings.port)
    thread = Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    url = f"http://127.0.0.1:{settings.port}"
    while not server.started:
        thread.join(0.05)
    yield Running(url, engine, (films / "1.png").read_bytes(), study, database)
    server.should_exit = True
    thread.join()
    studies.ahead.close()
    service.lanes.close()
    database.dispose()


def test_endpoints_say_their_types_and_what_they_do(running: Running) -> None:
    told = running.client("ada").view_api(return_format="dict", print_info=False)
    endpoints = told["named_endpoints"]
    assert set(endpoints) == {"/predict", "/saliency", "/readings"}
    parameters = {
        name: [(item["parameter_name"], item["python_type"]["type"]) for item in endpoint["parameters"]]
        for name, endpoint in endpoints.items()
    }
    assert parameters["/predict"] == [("image", "str"), ("query", "str")]
    assert parameters["/saliency"] == [("image", "str"), ("query", "str"), ("method", "str")]
    assert parameters["/readings"] == [("study", "str")]
    assert "Answers a question on a chest radiograph" in endpoints["/predict"]["description"]
    assert "Maps where a method sees what is asked" in endpoints["/saliency"]["description"]


def test_the_monai_label_protocol_has_the_engines_answers(running: Running) -> None:
    info = running.ask("GET", "/info/", "ada").json()
    labels = info["models"]["patch_clip"]["labels"]
    assert sorted(labels.values()) == list(range(len(running.engine.labels) + 1))
    assert running.ask("GET", "/auth/", "ada").json()["enabled"] is False
    assert running.ask("GET", "/info/", "nobody").status_code == 401
    told = running.ask(
        "POST",
        "/infer/patch_clip?output=json",
        "ada",
        data={"params": '{"queries": "no effusion; nodule"}'},
        files={"file": running.film},
    ).json()
    expected = running.engine.query(
        running.engine.encode(load_radiograph(running.film)), ["no effusion", "nodule"]
    )
    assert [item["probability"] for item in told["findings"]] == pytest.approx(
        [answer.probability for answer in expected]
    )
    assert [[place["x"] for place in item["regions"]] for item in told["findings"]] == [
        [region.x for region in answer.regions] for answer in expected
    ]
    assert told["model"] == told_of(running.engine) and told["findings"][0]["negated"] is True


def told_of(engine: Engine) -> dict[str, Any]:
    """What programs are told of a model."""
    computed = {
        "backend": "torch",
        "precision": "fp32",
        "mirror": False,
        "input_size": 64,
        "device": engine.device.type,
    }
    return {"name": engine.name, "sha256": engine.sha256, "execution": computed}


def test_predict_and_saliency_are_the_engines(running: Running) -> None:
    client, engine = running.client("ada"), running.engine
    image = base64.b64encode(running.film).decode()
    encoded = engine.encode(load_radiograph(running.film))
    expected = engine.query(encoded, ["no effusion, nodule"])
    told = client.predict(image, "no effusion, nodule", api_name="/predict")
    assert [item["label"] for item in told["answers"]] == [answer.label for answer in expected]
    assert [item["probability"] for item in told["answers"]] == pytest.approx(
        [answer.probability for answer in expected]
    )
    assert told["answers"][0]["negated"] is True
    assert told["model"] == told_of(engine) and told["size"] == [96, 96]
    assert told["notice"] == "Research use only, not for clinical use"

    (answer,) = engine.query(encoded, ["effusion"])
    patch = client.predict(image, "effusion", "patch", api_name="/saliency")
    assert np.array(patch["values"]) == pytest.approx(answer.map.values)
    assert patch["extent"] == pytest.approx(answer.map.extent)
    cam = client.predict(image, "effusion", api_name="/saliency")
    assert cam["method"] == "grad_cam"
    assert patch["model"] == cam["model"] == told_of(engine)
    assert np.array(cam["values"]) == pytest.approx(engine.saliency(encoded, "effusion").values, abs=1e-5)


@pytest.mark.parametrize(
    ("image", "query", "words"),
    [
        ("not base64!", "effusion", "The image is not base64"),
        (base64.b64encode(b"no film").decode(), "effusion", "not "),
        (None, "", "empty"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(
    running: Running, image: str | None, query: str, words: str
) -> None:
    sent = base64.b64encode(running.film).decode() if image is None else image
    with pytest.raises(AppError, match=words):
        running.client("ada").predict(sent, query, api_name="/predict")


def test_readers_get_their_own_readings_and_leads_everybodys(running: Running) -> None:
    repository = FeedbackRepository(running.database)
    for reader in ("ada", "ben"):
        repository.add(
            NewFeedback(
                image_sha256="c" * 64,
                image_size=(96, 96),
                model_name=running.engine.name,
                model_sha256=running.engine.sha256,
                answer=NamedFinding("effusion", True),
                reader=reader,
                presence="absent",
                location=None,
                comment="",
                boxes=(),
                display={},
                picture={},
            )
        )
    own = running.client("ada").predict(api_name="/readings")
    assert {row["reader"] for row in own} == {"ada"}
    every = running.client("lea").predict(api_name="/readings")
    assert {row["reader"] for row in every} == {"ada", "ben"}
    of_study = running.client("lea").predict("small", api_name="/readings")
    assert len(of_study) == len(study_data(running.database, running.study).marks) == 4 * 2 * 2 * 2
    with pytest.raises(AppError, match="This takes the role lead"):
        running.client("ada").predict("small", api_name="/readings")
    with pytest.raises(AppError, match="There is no study of that name"):
        running.client("lea").predict("large", api_name="/readings")


def test_insights_are_for_leads(running: Running) -> None:
    assert running.ask("GET", "/insights/", "lea").status_code == 200
    assert running.ask("GET", "/insights", "lea").headers["location"] == "/insights/"
    refused = running.ask("GET", "/insights/", "ada")
    assert refused.status_code == 403 and "This takes the role lead" in refused.json()["error"]
    nobody = running.ask("GET", "/insights/", "nobody")
    assert nobody.status_code == 303 and nobody.headers["location"].startswith("/sign-in?next=")
    for path in ("/insights/config", "/insights/gradio_api/info", "/endpoints/config"):
        assert running.ask("GET", path, "nobody").status_code == 401, path
    assert running.ask("GET", "/insights/config", "ada").status_code == 403
    assert running.ask("POST", "/insights/gradio_api/queue/join", "ada", json={}).status_code == 403


def test_the_policy_of_insights_is_as_strict_as_the_pages(running: Running) -> None:
    for path in ("/insights/", "/endpoints/"):
        policy = running.ask("GET", path).headers["content-security-policy"]
        assert "unsafe-eval" not in policy
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert "'unsafe-inline'" not in scripts and scripts.split()[1] == "'self'"
        assert "connect-src 'self'" in policy and "frame-ancestors 'none'" in policy


def test_what_the_runtime_does_not_need_stays_closed(running: Running) -> None:
    for method, path in (
        ("POST", "/endpoints/gradio_api/upload"),
        ("POST", "/insights/gradio_api/upload"),
        ("POST", "/insights/gradio_api/component_server"),
        ("POST", "/endpoints/gradio_api/call/predict"),
        ("GET", "/insights/gradio_api/proxy=https://evil.example/x"),
        ("GET", "/insights/monitoring"),
        ("GET", "/endpoints/gradio_api/file=/etc/passwd"),
        ("GET", "/config"),
        ("GET", "/gradio_api/info"),
    ):
        reply = running.ask(method, path)
        assert reply.status_code == 404 and "There is nothing here" in reply.json()["error"], path
    assert running.ask("GET", "/insights/gradio_api/file=/etc/passwd").status_code == 403
    database = Path(running.database.url.database).resolve()
    assert running.ask("GET", f"/insights/gradio_api/file={database}").status_code == 403


def test_without_an_archive_its_page_says_how_to_set_one_and_nothing_leads_there(running: Running) -> None:
    assert running.ask("GET", "/archive-search", "ada").headers["location"] == "/archive-search/"
    assert running.ask("GET", "/archive-search/", "ada").status_code == 200
    said = running.ask("GET", "/archive-search/config", "ada").text
    assert NO_ARCHIVE in said and "PATCHCLIP_SEARCH_FOLDER" in said and "[Free reading](/)" in said
    for path in ("/insights", "/models"):
        config = running.ask("GET", f"{path}/config", "lea").text
        assert "[Accounts](/accounts)" in config and "archive-search" not in config


def test_where_an_archive_is_set_the_other_pages_lead_to_its_search() -> None:
    assert "[Archive search](/archive-search)" in heading("Models", tuple(PAGES))
    assert "[Archive search]" not in heading("Models", WITHOUT_ARCHIVE)


def test_another_page_and_a_huge_request_are_refused(running: Running) -> None:
    join = "/endpoints/gradio_api/queue/join"
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert running.ask("POST", join, headers=headers, json={}).status_code == 403
    reply = running.ask("POST", join, content=b"x" * 2_000_000)
    assert reply.status_code == 413 and "larger than this server takes" in reply.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "open_"),
    [
        ("GET", "/insights", True),
        ("GET", "/insights/", True),
        ("GET", "/insights/assets/index-DphvyggB.js", True),
        ("GET", "/insights/assets/../config", False),
        ("GET", "/insights/assets/.hidden", False),
        ("GET", "/insights/gradio_api/queue/data", True),
        ("GET", "/insights/gradio_api/heartbeat/x-1", True),
        ("GET", "/insights/gradio_api/file=/tmp/patch-clip-x/exports-1/study-2.json", True),
        ("GET", "/insights/gradio_api/file=/tmp/../etc/passwd", False),
        ("GET", "/insights/gradio_api/file=https://evil.example/x", False),
        ("GET", "/insights/gradio_api/run/x", False),
        ("POST", "/insights/gradio_api/queue/join", True),
        ("POST", "/insights", False),
        ("GET", "/other/gradio_api/queue/data", False),
    ],
)
def test_doors_beside_the_page(method: str, path: str, open_: bool) -> None:
    assert is_open(method, path) is open_


def test_only_their_runtime_is_asked_with_words_behind_a_question_mark() -> None:
    assert mounted.keeps_query("/insights/gradio_api/queue/data")
    assert not mounted.keeps_query("/insights/")
    assert not mounted.keeps_query("/")
